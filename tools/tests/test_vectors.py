"""The vectors: made by one program, and right by the judgement of a hash library that had no part in making them."""

from __future__ import annotations

import itertools
import json
import random
import shutil
from bisect import bisect_left
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import xxhash

from tools.vectors import rings, xxh64
from tools.vectors.__main__ import VECTORS, main, suites
from tools.vectors.vector import Suite, expect
from tools.vectors.xxh64 import xxh64 as reference

RULES = ("urn", "hash", "ring", "etag", "version")


def vectors(rule: str) -> list[dict[str, Any]]:
    loaded: list[dict[str, Any]] = json.loads((VECTORS / f"{rule}.json").read_text(encoding="utf-8"))["vectors"]
    return loaded


def hashed(rule: str) -> Iterator[tuple[str, bytes, str]]:
    """Every (name, bytes, expected hash) in a file."""
    for vector in vectors(rule):
        given, expected = vector["input"], vector.get("expect", {})
        match vector["op"]:
            case "xxh64":
                yield vector["name"], bytes.fromhex(given["hex"]), expected["hash"]
            case "xxh64_text":
                yield vector["name"], given["text"].encode(), expected["hash"]
            case "key_hash" | "locate_built":
                yield vector["name"], given["uuid"].lower().encode(), expected["hash"]
            case "ring_tokens":
                for index, token in enumerate(expected["tokens"]):
                    yield f"{vector['name']} {index}", f"{given['shard_id']}#{index}".encode(), token


def test_there_are_at_least_300() -> None:
    counts = {rule: len(vectors(rule)) for rule in RULES}
    assert sum(counts.values()) >= 300, counts
    assert min(counts.values()) >= 50, counts


def test_the_files_are_what_the_program_makes() -> None:
    assert main(["--check"]) == 0


@pytest.mark.parametrize("rule", RULES)
def test_each_vector_is_well_formed(rule: str) -> None:
    document = json.loads((VECTORS / f"{rule}.json").read_text(encoding="ascii"))
    assert set(document) == {"format", "rule", "description", "operations", "vectors"}
    for vector in document["vectors"]:
        assert set(vector) in ({"name", "op", "input", "expect"}, {"name", "op", "input", "refused"}), vector["name"]
        assert vector["op"] in document["operations"]
    names = [vector["name"] for vector in document["vectors"]]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("rule", ["hash", "ring"])
def test_every_hash_agrees_with_xxhash(rule: str) -> None:
    found = list(hashed(rule))
    assert len(found) >= 30
    for name, data, expected in found:
        assert xxhash.xxh64(data, seed=0).hexdigest() == expected, name


def test_every_token_table_agrees_with_xxhash() -> None:
    for vector in vectors("ring"):
        if vector["op"] != "token_table":
            continue
        given, expected = vector["input"], vector["expect"]
        owners: dict[str, str] = {}
        for shard in sorted(given["shard_ids"], reverse=True):
            for index in range(given["virtual_nodes"]):
                owners[xxhash.xxh64_hexdigest(f"{shard}#{index}".encode())] = shard
        table = sorted(owners.items())
        assert len(table) == expected["count"]
        assert [list(table[0]), list(table[-1])] == [expected["first"], expected["last"]]
        text = "".join(f"{token} {shard}\n" for token, shard in table)
        assert xxhash.xxh64_hexdigest(text.encode()) == expected["digest"]


def test_the_reference_agrees_with_xxhash_on_all_lengths_and_seeds() -> None:
    source = random.Random(64)
    for length in [*range(140), 1000, 4096]:
        data = source.randbytes(length)
        for seed in (0, 1, 2**64 - 1):
            assert reference(data, seed) == xxhash.xxh64_intdigest(data, seed=seed), (length, seed)


def test_the_awkward_cases_are_there() -> None:
    """What goes wrong in practice must be among the vectors; a generator that lost one would still be green."""
    hashes = [expected for _, _, expected in hashed("hash")]
    assert any(value.startswith("00") for value in hashes)
    assert any(value[0] in "89abcdef" for value in hashes)
    located = [vector for vector in vectors("ring") if vector["op"] == "locate"]
    assert any(int(v["input"]["hash"], 16) > int(v["input"]["tokens"][-1][0], 16) for v in located), "wrap-around"
    assert any(v["input"]["hash"] in [token for token, _ in v["input"]["tokens"]] for v in located), "exactly a token"
    built = [len(v["input"]["shard_ids"]) for v in vectors("ring") if v["op"] == "locate_built"]
    assert {1, 64} <= set(built)
    assert any(v["input"]["uuid"].isupper() for v in vectors("hash") if v["op"] == "key_hash")


def test_a_signed_comparison_would_be_found() -> None:
    """Planted fault: looking up signed numbers in a table that came sorted as unsigned ones.

    An implementation that also sorts them signed finds the same owners, for the ring is a circle; the vectors of
    `resolve` are for that one.
    """

    def signed(text: str) -> int:
        value = int(text, 16)
        return value - 2**64 if value >= 2**63 else value

    wrong = wrong_orders = 0
    for vector in vectors("ring"):
        if vector["op"] == "locate":
            table = vector["input"]["tokens"]
            at = bisect_left([signed(token) for token, _ in table], signed(vector["input"]["hash"]))
            wrong += table[at % len(table)][1] != vector["expect"]["shard_id"]
        if vector["op"] == "resolve":
            resorted = sorted(vector["expect"]["tokens"], key=lambda pair: signed(pair[0]))
            wrong_orders += resorted != vector["expect"]["tokens"]
    assert wrong >= 3
    assert wrong_orders >= 2


def test_a_wrong_reference_would_be_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Planted fault: with one prime changed the program makes other files, and they disagree with xxhash."""
    monkeypatch.setattr(xxh64, "_PRIME_5", 0x27D4EB2F165667C7)
    assert main(["--check"]) == 1
    assert reference(b"abc") != xxhash.xxh64_intdigest(b"abc")


def test_a_changed_file_is_found(tmp_path: Path) -> None:
    """Planted fault: one digit of one vector."""
    folder = tmp_path / "vectors"
    shutil.copytree(VECTORS, folder)
    path = folder / "hash.json"
    path.write_text(path.read_text(encoding="utf-8").replace("ef46db3751d8e999", "ef46db3751d8e990"), encoding="utf-8")
    assert main(["--check"], folder) == 1
    assert main([], folder) == 0
    assert path.read_text(encoding="utf-8") == (VECTORS / "hash.json").read_text(encoding="utf-8")


def test_a_suite_refuses_two_vectors_of_one_name() -> None:
    twin = expect("same", "op", {}, {})
    with pytest.raises(ValueError, match="two vectors"):
        Suite("rule", "", {"op": ""}, (twin, twin)).to_json()


def test_a_suite_refuses_an_operation_without_description() -> None:
    with pytest.raises(ValueError, match="not described"):
        Suite("rule", "", {}, (expect("one", "op", {}, {}),)).to_json()


def test_ranges_of_all_shards_cover_the_ring_once() -> None:
    table = rings.token_table(["shard_001", "shard_002", "shard_003"], 20)
    pieces = sorted(piece for shard in ("shard_001", "shard_002", "shard_003") for piece in rings.ranges(table, shard))
    assert pieces[0][0] == 0
    assert pieces[-1][1] == 2**64 - 1
    assert all(left[1] + 1 == right[0] for left, right in itertools.pairwise(pieces))


def test_all_suites_have_a_file() -> None:
    assert sorted(suite.rule for suite in suites()) == sorted(path.stem for path in VECTORS.glob("*.json"))
