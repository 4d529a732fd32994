"""One replica of a shard: proposals go to its Raft group, reads come from its committed state."""

from __future__ import annotations

from themis_server.shard.pending import Pending
from themis_server.statemachine.command import Command, DropCollection, KeyReused, Mutate, Mutated, encode_command
from themis_server.storage import keys
from themis_server.storage.engine import BatchReader


class Replica:
    """The local replica of one shard.

    A replica that is its group's only voter answers strong reads at once: what it has applied is all that was ever
    acknowledged.
    """

    def __init__(self, shard_id: str, group: int, engine: BatchReader, pending: Pending) -> None:
        self.shard_id = shard_id
        self.group = group
        self.engine = engine
        self._pending = pending
        self._prefixes: dict[int, bytes] = {}

    async def mutate(self, command: Mutate) -> Mutated | KeyReused:
        """Propose writes and return their outcomes, in order."""
        result = await self._propose(command)
        assert isinstance(result, Mutated | KeyReused)
        return result

    async def drop_collection(self, collection: int) -> None:
        """Remove a collection's entities from this shard, for good."""
        await self._propose(DropCollection(collection))

    async def _propose(self, command: Command) -> object:
        return await self._pending.propose(self.group, encode_command(command))

    def get(self, collection: int, uuid: bytes) -> bytes | None:
        """Return the stored form of an entity (see storage.values), or None."""
        return self.engine.get(self.key_prefix(collection) + uuid)

    def key_prefix(self, collection: int) -> bytes:
        """Return what the keys of a collection's entities begin with here.

        Ids are never used twice, so it never changes.
        """
        prefix = self._prefixes.get(collection)
        if prefix is None:
            prefix = self._prefixes[collection] = keys.entity_prefix(self.group, collection)
        return prefix

    def count(self, collection: int) -> int:
        """Return how many entities a collection has in this shard."""
        return int.from_bytes(self.engine.get(keys.count(self.group, collection)) or b"")

    def page(
        self, collection: int, after: bytes | None, limit: int, bytes_max: int
    ) -> tuple[list[tuple[bytes, bytes]], bool]:
        """Return pairs of (uuid, stored form) in uuid order, beginning after `after`, and whether there may be more.

        At most `limit` pairs, and no further one once they have `bytes_max` bytes.
        """
        start, end = keys.entity_range(self.group, collection)
        prefix = len(start)
        if after is not None:
            start = start + after + b"\x00"
        pairs = []
        size = 0
        for key, stored in self.engine.scan(start, end, limit):
            pairs.append((key[prefix:], stored))
            size += len(stored)
            if size >= bytes_max:
                return pairs, True
        return pairs, len(pairs) == limit
