"""Single entities: read one, write one."""

from __future__ import annotations

from typing import Final, NamedTuple

import msgspec

from themis.urn import uuid_to_bytes
from themis_server.clock import Clock
from themis_server.errors import ThemisServerError
from themis_server.gateway.router import Router
from themis_server.gateway.served import Served
from themis_server.gateway.shards import Shards, is_strong
from themis_server.gateway.writing import Writer, outcome_error
from themis_server.metadata.catalog import Collection
from themis_server.shard.reading import ROLES, Consistency, Need
from themis_server.shard.refusal import Refused
from themis_server.statemachine.command import Status, Write, WriteOp

_STRONG: Final = Need()


class Found(msgspec.Struct, frozen=True, gc=False):
    """What a read found: the collection, the stored form (see storage.values; None: no such entity), who answered."""

    collection: Collection
    stored: bytes | None
    served: Served


class Written(NamedTuple):
    """A write that was made, now or (`replayed`) by an earlier request with the same idempotency key."""

    version: int
    created: bool
    replayed: bool
    served: Served


class Entities:
    """Reads and writes of one entity each."""

    def __init__(self, router: Router, shards: Shards, writer: Writer, clock: Clock) -> None:
        self._router = router
        self._shards = shards
        self._writer = writer
        self._now_s = clock.monotonic_s
        self._me = shards.routing.me

    def read_here(self, prefix: str, uuid: str) -> Found | None:
        """Read for a strong read what this node can answer without waiting: most of what it leads. None: use `read`.

        Args:
            prefix: the normalised text of the URN up to the uuid.
            uuid: its uuid in lower case.
        """
        router = self._router
        collection = router.known(prefix)
        replica = router.replica_of(uuid)
        if collection is None or replica is None:
            return None
        view = replica.view
        if not view.lease_until_s:
            return None
        installs = view.installs
        stored = replica.get(collection.id, uuid_to_bytes(uuid))
        # After the read: a lease that still holds held while storage was read. See shard.reading, of whose rule this is
        # the short form for a leader.
        if view.lease_until_s <= self._now_s() or view.installs != installs or stored is None:
            return None
        return Found(collection, stored, Served(self._me, replica.shard_id, "leader", 0, view.version_ahead))

    async def read(self, prefix: str, uuid: str, consistency: Consistency) -> Found:
        """Read an entity wherever it is.

        Args:
            prefix: the normalised text of the URN up to the uuid.
            uuid: its uuid in lower case.
            consistency: how fresh the answer must be.

        Raises:
            ThemisServerError: what the catalog says, or that no replica that may answer can be reached.
        """
        read = self._shards.read_one
        if is_strong(consistency):
            try:
                found = await self._read_led(prefix, uuid)
            except Refused:
                read = self._shards.read_far
            else:
                if found is not None:
                    return found
        shard_id, raw_uuid = self._router.shard_of(uuid), uuid_to_bytes(uuid)
        collection = await self._router.collection(prefix)
        entity = await read(shard_id, collection.id.to_bytes(4) + raw_uuid, consistency)
        if entity.dropped and await self._router.renewed(collection):
            collection = await self._router.collection(prefix)
            entity = await self._shards.read_one(shard_id, collection.id.to_bytes(4) + raw_uuid, consistency)
        return Found(collection, entity.stored, entity.served)

    async def _read_led(self, prefix: str, uuid: str) -> Found | None:
        """Read for a strong read what this node leads, after a proof that it does; None: it takes a longer way.

        Raises:
            Refused: this node cannot prove that it leads.
        """
        collection = self._router.known(prefix)
        replica = self._router.replica_of(uuid)
        if collection is None or replica is None or not replica.view.is_leader:
            return None
        view, raw_uuid = replica.view, uuid_to_bytes(uuid)
        if view.lease_until_s:
            stored, served = await replica.read(lambda: replica.get(collection.id, raw_uuid), _STRONG)
        else:
            proof = replica.begin_proof(_STRONG)
            await proof
            installs = view.installs
            stored = replica.get(collection.id, raw_uuid)
            # The short form of the rule again, for who has its proof and still leads after the read.
            ours = view.is_leader and not view.removed and view.installs == installs and not installs & 1
            if ours and stored is not None:
                return Found(collection, stored, Served(self._me, replica.shard_id, "leader", 0, view.version_ahead))
            stored, served = replica.read_after(proof, lambda: replica.get(collection.id, raw_uuid), _STRONG)
        if stored is None and replica.is_dropped(collection.id):
            return None
        return Found(collection, stored, Served(self._me, replica.shard_id, served.role, served.lag_ms, served.version))

    async def write(
        self, op: WriteOp, prefix: str, uuid: str, document: bytes, expect: tuple[int, ...] | None, key: str | None
    ) -> Written:
        """Write one entity.

        Args:
            op: what to do.
            prefix: the normalised text of the URN up to the uuid.
            uuid: its uuid in lower case.
            document: JSON: the document of a put, the merge patch of a patch; empty for a delete.
            expect: the versions one of which it must have now (see statemachine.command.Write); None for any.
            key: the idempotency key, if any.

        Raises:
            ThemisServerError: what the catalog, the router, the shard or the outcome says.
        """
        shard_id, raw_uuid = self._router.shard_of(uuid), uuid_to_bytes(uuid)
        again = True
        while True:
            if op is WriteOp.PUT:
                collection = await self._router.collection_for_write(prefix)
            else:
                collection = await self._router.collection(prefix)
            write = Write(op, collection.id, raw_uuid, document, expect, collection.record.options.change_feed)
            result, node_id = await self._writer.mutate(shard_id, (write,), key)
            outcome = result.outcomes[0]
            # Nothing was written, because this node has not heard of the drop. Under a key that is remembered as the
            # answer, and other writes would be taken for another request.
            if outcome.status == Status.COLLECTION_DROPPED and again and key is None:
                again = False
                if await self._router.renewed(collection):
                    continue
            error: ThemisServerError | None = outcome_error(outcome, collection, prefix + uuid, self._writer.limits)
            if error is not None:
                error.replayed = result.replayed
                raise error
            return Written(
                outcome.version,
                outcome.status == Status.CREATED,
                result.replayed,
                Served(node_id, shard_id, ROLES[0], 0, outcome.version),
            )
