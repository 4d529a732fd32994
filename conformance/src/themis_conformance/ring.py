"""Which shard owns a uuid: the rule of spec/vectors/ring.json, written down once more.

The suite must not take an SDK's word for it, so it has its own. A hash is XXH64 (seed 0) of the uuid's 36 lower-case
characters; it belongs to the first token that is not below it, and past the last token to the first one.
"""

from __future__ import annotations

import functools
from bisect import bisect_left
from collections.abc import Callable, Sequence
from typing import Final
from uuid import UUID

from xxhash import xxh64_intdigest

__all__ = ["HASH_MAX", "Ring", "scripted_ring", "uuid_of_shard"]

HASH_MAX: Final = (1 << 64) - 1

# Few, so that a topology is a short answer: 150, as servers have them, would be a hundred times the text of a document.
_VIRTUAL_NODES: Final = 16


class Ring:
    """A token table: tokens ascending, and who owns the hashes up to each."""

    def __init__(self, tokens: Sequence[tuple[int, str]]) -> None:
        if not tokens:
            raise ValueError("a token table has at least one token")
        self.tokens = sorted(tokens)
        self._places = [token for token, _ in self.tokens]

    def shard_of(self, uuid: str) -> str:
        """The shard that owns a uuid."""
        place = bisect_left(self._places, xxh64_intdigest(uuid.lower().encode()))
        return self.tokens[place % len(self.tokens)][1]

    def shard_ids(self) -> list[str]:
        """All shards that own something, sorted."""
        return sorted({shard for _, shard in self.tokens})

    def to_wire(self) -> list[list[str]]:
        """As GET /topology has it."""
        return [[f"{token:016x}", shard] for token, shard in self.tokens]

    @classmethod
    def from_wire(cls, tokens: Sequence[Sequence[str]]) -> Ring:
        """Read what GET /topology has."""
        return cls([(int(token, 16), shard) for token, shard in tokens])

    def ranges(self, shard_id: str) -> list[tuple[int, int]]:
        """What a shard owns, both ends included, ascending and merged; the range over the end comes as its halves."""
        found: list[tuple[int, int]] = []
        start = 0
        for token, owner in (*self.tokens, (HASH_MAX, self.tokens[0][1])):
            if owner == shard_id and start <= token:
                if found and found[-1][1] + 1 == start:
                    found[-1] = (found[-1][0], token)
                else:
                    found.append((start, token))
            start = token + 1
        return found


@functools.cache
def scripted_ring(shards: int) -> Ring:
    """The ring of a scripted cluster with that many shards: shard_001, shard_002, ..."""
    owners: dict[int, str] = {}
    for shard in (f"shard_{number + 1:03}" for number in range(shards)):
        for index in range(_VIRTUAL_NODES):
            owners.setdefault(xxh64_intdigest(f"{shard}#{index}".encode()), shard)
    return Ring(list(owners.items()))


def uuid_of_shard(ring: Ring, shard_id: str, draw: Callable[[], UUID]) -> str:
    """A random uuid that a shard owns; raises ValueError if it owns nothing."""
    if shard_id not in ring.shard_ids():
        raise ValueError(f"there is no shard {shard_id!r}, only {', '.join(ring.shard_ids())}")
    while True:
        uuid = str(draw())
        if ring.shard_of(uuid) == shard_id:
            return uuid
