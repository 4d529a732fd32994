"""Fresh keys: uuids drawn from a seed, replaced before their history grows too long to be decided."""

from __future__ import annotations

import random
import uuid
from collections.abc import Sequence

from themis.placement import TokenTable

OPERATIONS_MAX = 300
"""Operations of one key; a longer history takes a checker too long."""


def fresh(chance: random.Random) -> str:
    """Return a new key."""
    return str(uuid.UUID(int=chance.getrandbits(128), version=4))


def one_per_shard(chance: random.Random, table: TokenTable, shards: Sequence[str]) -> list[str]:
    """Return a new key in each of some shards."""
    found: dict[str, str] = {}
    while len(found) < len(shards):
        key = fresh(chance)
        shard = table.shard_for_uuid(key)
        if shard in shards:
            found.setdefault(shard, key)
    return [found[shard] for shard in shards]


class KeyRing:
    """Keys that several clients work on: `count` of them at a time, each given out `OPERATIONS_MAX` times at most.

    They are spread over the shards in turn, so that every shard has load.
    """

    def __init__(self, count: int, chance: random.Random, table: TokenTable) -> None:
        self._chance = chance
        self._table = table
        self._shards = table.shard_ids()
        chance.shuffle(self._shards)
        self._turn = 0
        self._keys = [self._next() for _ in range(count)]
        self._given = [0] * count

    def _next(self) -> str:
        shard = self._shards[self._turn % len(self._shards)]
        self._turn += 1
        return one_per_shard(self._chance, self._table, [shard])[0]

    def draw(self) -> str:
        """Return a key."""
        place = self._chance.randrange(len(self._keys))
        if self._given[place] >= OPERATIONS_MAX:
            self.retire(self._keys[place])
        self._given[place] += 1
        return self._keys[place]

    def retire(self, key: str) -> None:
        """Put a new key in the place of this one, unless that was done already."""
        if key in self._keys:
            place = self._keys.index(key)
            self._keys[place], self._given[place] = self._next(), 0

    @property
    def keys(self) -> list[str]:
        """The keys in use."""
        return list(self._keys)
