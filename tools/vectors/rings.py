"""Vectors for placement: the tokens of a shard, the token table, and which shard owns a hash."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from tools.vectors.samples import sample_uuids
from tools.vectors.vector import Suite, Vector, expect, refuse
from tools.vectors.xxh64 import xxh64

__all__ = ["digest", "locate", "ranges", "ring_tokens", "suite", "token_table"]

HASH_MAX: Final = 2**64 - 1
_VIRTUAL_NODES: Final = 150

Table = list[tuple[int, str]]


def ring_tokens(shard_id: str, virtual_nodes: int) -> list[int]:
    """The reference: the tokens of a shard, in the order of their numbers."""
    return [xxh64(f"{shard_id}#{index}".encode()) for index in range(virtual_nodes)]


def resolve(tokens: Sequence[tuple[int, str]]) -> Table:
    """The reference: sort unsigned; of equal tokens the smaller shard id stays."""
    table: Table = []
    for token, shard_id in sorted(tokens):
        if not table or table[-1][0] != token:
            table.append((token, shard_id))
    return table


def token_table(shard_ids: Sequence[str], virtual_nodes: int) -> Table:
    """The reference: the resolved table of these shards."""
    return resolve([(token, shard) for shard in shard_ids for token in ring_tokens(shard, virtual_nodes)])


def locate(table: Table, value: int) -> str:
    """The reference: the owner of the first token that is not below the hash, or of the very first token."""
    for token, shard_id in table:
        if token >= value:
            return shard_id
    return table[0][1]


def ranges(table: Table, shard_id: str) -> list[tuple[int, int]]:
    """The reference: the hashes of a shard as ranges, both ends included, none of them wrapping, neighbours joined."""
    pieces = []
    start = 0
    for token, owner in table:
        pieces.append((start, token, owner))
        start = token + 1
    if start <= HASH_MAX:
        pieces.append((start, HASH_MAX, table[0][1]))
    joined: list[tuple[int, int]] = []
    for first, last, owner in pieces:
        if owner != shard_id:
            continue
        if joined and joined[-1][1] + 1 == first:
            joined[-1] = (joined[-1][0], last)
        else:
            joined.append((first, last))
    return joined


def digest(table: Table) -> str:
    """XXH64 of the table written as one line for each token: 16 hex digits, a blank, the shard id, a line feed."""
    return f"{xxh64(''.join(f'{token:016x} {shard}{chr(10)}' for token, shard in table).encode()):016x}"


def suite() -> Suite:
    """The vectors of ring.json."""
    return Suite(
        rule="ring",
        description=(
            "Shard s has the tokens XXH64 (seed 0) of '{s}#{i}' for i from 0 to virtual_nodes - 1. The table is "
            "sorted by token as unsigned numbers; of equal tokens the smaller shard id (compared by bytes) "
            "stays. A hash belongs to the first token that is not below it; past the last token the first one "
            "follows. Clients look up in the table that /topology answers; only servers build one. digest is "
            "XXH64 of the table's lines, each the token, a blank, the shard id and a line feed."
        ),
        operations={
            "ring_tokens": "{shard_id, virtual_nodes} -> {tokens: in the order of i}",
            "token_table": "{shard_ids, virtual_nodes} -> {count, first: [token, shard_id], last, digest, tokens?}",
            "resolve": "{tokens: [[token, shard_id]], unsorted, with ties} -> {tokens: the table}",
            "locate": "{tokens, hash} -> {shard_id}",
            "locate_built": "{shard_ids, virtual_nodes, uuid} -> {hash, shard_id}",
            "ranges": "{tokens, shard_id} -> {ranges: [[start, end]], both included}",
            "from_wire": "{tokens: as /topology has them} -> {count}, or refused {}",
        },
        vectors=tuple(_vectors()),
    )


def _vectors() -> Iterator[Vector]:
    for shard_id, count in (("shard_001", 5), ("shard_010", 3), ("shard_064", 2), ("s", 1), ("shard_001", 1)):
        tokens = [f"{token:016x}" for token in ring_tokens(shard_id, count)]
        given = {"shard_id": shard_id, "virtual_nodes": count}
        yield expect(f"{count} tokens of {shard_id}", "ring_tokens", given, {"tokens": tokens})
    for count, virtual_nodes in ((1, 1), (1, 4), (2, 3), (3, 2), (1, 150), (2, 150), (8, 150), (64, 150), (64, 1)):
        yield _table_vector(_shards(count), virtual_nodes)
    shuffled = ["shard_003", "shard_001", "shard_002"]
    yield _table_vector(shuffled, 2, " listed in another order")
    yield from _resolved()
    yield from _located()
    for count in (1, 2, 8, 64):
        shards = _shards(count)
        table = token_table(shards, _VIRTUAL_NODES)
        for uuid in [*sample_uuids(6 if count > 1 else 2), "550E8400-E29B-41D4-A716-446655440000"]:
            value = xxh64(uuid.lower().encode())
            yield expect(
                f"{uuid} among {count}",
                "locate_built",
                {"shard_ids": shards, "virtual_nodes": _VIRTUAL_NODES, "uuid": uuid},
                {"hash": f"{value:016x}", "shard_id": locate(table, value)},
            )
    yield from _ranged()
    yield from _wire()


def _shards(count: int) -> list[str]:
    return [f"shard_{number:03}" for number in range(1, count + 1)]


def _wire_of(table: Sequence[tuple[int, str]]) -> list[list[str]]:
    return [[f"{token:016x}", shard_id] for token, shard_id in table]


def _table_vector(shards: list[str], virtual_nodes: int, remark: str = "") -> Vector:
    table = token_table(shards, virtual_nodes)
    wire = _wire_of(table)
    result: dict[str, Any] = {"count": len(wire), "first": wire[0], "last": wire[-1], "digest": digest(table)}
    if len(wire) <= 16:
        result["tokens"] = wire
    name = f"{len(shards)} shards with {virtual_nodes} virtual nodes{remark}"
    return expect(name, "token_table", {"shard_ids": shards, "virtual_nodes": virtual_nodes}, result)


def _resolved() -> Iterator[Vector]:
    for name, tokens in (
        ("unsorted", [(9, "b"), (3, "a"), (7, "c")]),
        ("a tie goes to the smaller id", [(5, "shard_002"), (5, "shard_001")]),
        ("a tie the other way round", [(5, "shard_001"), (5, "shard_002")]),
        ("a tie of three", [(5, "c"), (5, "a"), (5, "b"), (6, "a")]),
        ("ids are compared as text, not as numbers", [(5, "shard_9"), (5, "shard_10")]),
        ("capitals come before small letters", [(5, "a"), (5, "B")]),
        ("sorted unsigned", [(2**63, "b"), (2**63 - 1, "a"), (HASH_MAX, "d"), (0, "c")]),
        ("leading zeros", [(0x10, "b"), (0x1, "a"), (0x100, "c")]),
        ("both ends of the ring", [(HASH_MAX, "b"), (0, "a")]),
    ):
        yield expect(f"resolve: {name}", "resolve", {"tokens": _wire_of(tokens)}, {"tokens": _wire_of(resolve(tokens))})


def _located() -> Iterator[Vector]:
    three = [(0x1000, "a"), (2**63, "b"), (0xF000_0000_0000_0000, "c")]
    zeros = [(0xF, "a"), (0x10, "b"), (0x100, "c"), (2**60, "d")]
    dense = [(5, "a"), (6, "b"), (7, "a")]
    one = [(2**62, "only")]
    ends = [(0, "zero"), (HASH_MAX, "max")]
    cases: list[tuple[str, Table, tuple[int, ...]]] = [
        ("three tokens", three, (0, 1, 0xFFF, 0x1000, 0x1001)),
        ("three tokens, around 2^63", three, (2**63 - 1, 2**63, 2**63 + 1)),
        ("three tokens, the wrap-around", three, (0xF000_0000_0000_0000, 0xF000_0000_0000_0001, HASH_MAX)),
        ("leading zeros", zeros, (0, 0xE, 0xF, 0x10, 0x11, 0xFF, 0x100, 0x101, 2**60, 2**60 + 1)),
        ("neighbouring tokens", dense, (0, 4, 5, 6, 7, 8)),
        ("one token", one, (0, 2**62 - 1, 2**62, 2**62 + 1, HASH_MAX)),
        ("tokens at both ends", ends, (0, 1, 2**63, HASH_MAX - 1, HASH_MAX)),
        # As doubles these numbers are all the same.
        ("beyond 2^53", [(2**60 + 1, "a"), (2**60 + 2, "b")], (2**60, 2**60 + 1, 2**60 + 2, 2**60 + 3)),
    ]
    for name, table, values in cases:
        for value in values:
            given = {"tokens": _wire_of(table), "hash": f"{value:016x}"}
            yield expect(f"{name}: {value:016x}", "locate", given, {"shard_id": locate(table, value)})


def _ranged() -> Iterator[Vector]:
    for name, table, shard_id in (
        ("one token owns all", [(2**62, "a")], "a"),
        ("the first wraps", [(0x1000, "a"), (0x2000, "b")], "a"),
        ("the second does not", [(0x1000, "a"), (0x2000, "b")], "b"),
        ("a token at the very end", [(0, "a"), (HASH_MAX, "b")], "b"),
        ("a token at the very beginning", [(0, "a"), (HASH_MAX, "b")], "a"),
        ("neighbours are joined", [(10, "a"), (20, "a"), (30, "b")], "a"),
        ("several ranges", [(10, "a"), (20, "b"), (30, "a"), (40, "b")], "b"),
        ("a stranger has none", [(10, "a"), (20, "b")], "c"),
    ):
        found = [[f"{start:016x}", f"{end:016x}"] for start, end in ranges(table, shard_id)]
        yield expect(f"ranges: {name}", "ranges", {"tokens": _wire_of(table), "shard_id": shard_id}, {"ranges": found})


def _wire() -> Iterator[Vector]:
    yield expect("wire: two tokens", "from_wire", {"tokens": [["0" * 16, "a"], ["f" * 16, "b"]]}, {"count": 2})
    for name, tokens in (
        ("an empty table", []),
        ("a token of 15 digits", [["0" * 15, "a"]]),
        ("a token of 17 digits", [["0" * 17, "a"]]),
        ("a token in upper case", [["F" * 16, "a"]]),
        ("a token with a prefix", [["0x" + "0" * 14, "a"]]),
        ("a token with a sign", [["-" + "0" * 15, "a"]]),
        ("a token with a blank", [[" " + "0" * 15, "a"]]),
        ("a pair of one", [["0" * 16]]),
        ("a pair of three", [["0" * 16, "a", "b"]]),
    ):
        yield refuse(f"wire: {name}", "from_wire", {"tokens": tokens}, {})
