"""spec/vectors, as far as they concern a client: every vector of every operation listed here passes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import xxhash

from themis.entities import format_etags, parse_etag
from themis.placement import TokenTable, build_token_table, key_hash, ring_tokens
from themis.urn import InvalidUrn, Urn

VECTORS = Path(__file__).parents[3] / "spec" / "vectors"

pytestmark = pytest.mark.skipif(not VECTORS.is_dir(), reason="the vectors are in the repository, not in the package")


def load(rule: str, ops: set[str] | None = None) -> list[Any]:
    path = VECTORS / f"{rule}.json"
    vectors = json.loads(path.read_text())["vectors"] if path.exists() else []
    return [pytest.param(vector, id=vector["name"]) for vector in vectors if ops is None or vector["op"] in ops]


@pytest.mark.parametrize("vector", load("urn"))
def test_urn(vector: dict[str, Any]) -> None:
    text = vector["input"]["text"]
    assert vector["op"] == "parse"
    if "refused" in vector:
        with pytest.raises(InvalidUrn) as caught:
            Urn.parse(text)
        assert {"reason": caught.value.reason, "position": caught.value.position} == vector["refused"]
        return
    urn = Urn.parse(text)
    found = {part: getattr(urn, part) for part in ("model", "namespace", "collection", "uuid")}
    assert found | {"text": str(urn), "quoted": urn.quoted()} == vector["expect"]


@pytest.mark.parametrize("vector", load("hash"))
def test_hash(vector: dict[str, Any]) -> None:
    given = vector["input"]
    value = {
        "xxh64": lambda: xxhash.xxh64_intdigest(bytes.fromhex(given["hex"])),
        "xxh64_text": lambda: xxhash.xxh64_intdigest(given["text"].encode()),
        "key_hash": lambda: key_hash(given["uuid"]),
    }[vector["op"]]()
    assert hexed(value) == vector["expect"]["hash"]


def hexed(value: int) -> str:
    return f"{value:016x}"


def table(tokens: list[list[str]]) -> TokenTable:
    return TokenTable((int(token, 16), shard_id) for token, shard_id in tokens)


def built(given: dict[str, Any]) -> TokenTable:
    return TokenTable(build_token_table(given["shard_ids"], given["virtual_nodes"]))


def ring(op: str, given: dict[str, Any]) -> dict[str, Any]:
    if op == "ring_tokens":
        return {"tokens": [hexed(token) for token in ring_tokens(given["shard_id"], given["virtual_nodes"])]}
    if op == "token_table":
        wire = built(given).to_wire()
        lines = "".join(f"{token} {shard_id}\n" for token, shard_id in wire)
        digest = xxhash.xxh64_hexdigest(lines.encode())
        return {"count": len(wire), "first": wire[0], "last": wire[-1], "digest": digest, "tokens": wire}
    if op == "resolve":
        return {"tokens": table(given["tokens"]).to_wire()}
    if op == "locate":
        return {"shard_id": table(given["tokens"]).shard_for_hash(int(given["hash"], 16))}
    if op == "locate_built":
        return {"hash": hexed(key_hash(given["uuid"])), "shard_id": built(given).shard_for_uuid(given["uuid"])}
    if op == "ranges":
        return {"ranges": [[hexed(a), hexed(b)] for a, b in table(given["tokens"]).ranges(given["shard_id"])]}
    assert op == "from_wire"
    return {"count": len(TokenTable.from_wire(given["tokens"]))}


@pytest.mark.parametrize("vector", load("ring"))
def test_ring(vector: dict[str, Any]) -> None:
    if "refused" in vector:
        with pytest.raises(ValueError, match=r".+"):
            ring(vector["op"], vector["input"])
        return
    found = ring(vector["op"], vector["input"])
    if vector["op"] == "token_table":
        found = {name: found[name] for name in vector["expect"]}
    assert found == vector["expect"]


@pytest.mark.parametrize("vector", load("etag", {"format", "parse"}))
def test_etag(vector: dict[str, Any]) -> None:
    given = vector["input"]
    if vector["op"] == "format":
        assert format_etags(int(given["version"]), "version") == vector["expect"]["etag"]
        return
    version = parse_etag(given["etag"])
    assert ({"version": str(version)} if version else None) == vector.get("expect")
