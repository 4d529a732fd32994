"""The embedded metadata store: Raft group 0, with the same machinery as a shard."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence

from themis_server.metadata.store import Compacted, Delete, Listing, Put, Value, WatchEvent
from themis_server.statemachine import meta
from themis_server.statemachine.command import (
    Command,
    Compare,
    LeaseEnd,
    LeaseGrant,
    MetadataOp,
    MetadataTransaction,
    Result,
    Transacted,
    encode_command,
)
from themis_server.storage.engine import Engine

_REMEMBERED_EVENTS = 4096


class EmbeddedStore:
    """A `MetadataStore` on group 0 of this node. Belongs to the event loop.

    `propose` puts an encoded command through group 0. Changes reach watchers through `publish`, which the node calls
    with what the machine of group 0 applied, before the proposer is answered.
    """

    def __init__(self, engine: Engine, propose: Callable[[bytes], asyncio.Future[Result | None]]) -> None:
        self._engine = engine
        self._propose = propose
        self._events: deque[WatchEvent] = deque(maxlen=_REMEMBERED_EVENTS)
        self._forgotten_revision = meta.read_revision(engine)
        self._published = asyncio.Event()

    async def get(self, key: str) -> Value | None:
        """Return the value at `key`."""
        stored = meta.read(self._engine, key)
        return None if stored is None else Value(stored.value, stored.revision)

    async def list(self, prefix: str) -> Listing:
        """Return everything under `prefix`, in key order."""
        revision = meta.read_revision(self._engine)
        values = {
            key: Value(stored.value, stored.revision) for key, stored in meta.read_prefix(self._engine, prefix).items()
        }
        return Listing(values, revision)

    async def put(self, key: str, data: bytes, *, lease: int = 0) -> int:
        """Set `key` whatever it was; return the revision."""
        return (await self._change(MetadataTransaction((), (MetadataOp(key, data, lease),)))).revision

    async def delete(self, key: str) -> int:
        """Remove `key`; return the revision."""
        return (await self._change(MetadataTransaction((), (MetadataOp(key, None),)))).revision

    async def transaction(self, compares: dict[str, int], ops: Sequence[Put | Delete]) -> int | None:
        """Make all changes if every key is at the revision given; return the new revision, None if one is not."""
        changes = tuple(
            MetadataOp(op.key, op.data, op.lease) if isinstance(op, Put) else MetadataOp(op.key, None) for op in ops
        )
        done = await self._change(MetadataTransaction(tuple(Compare(key, at) for key, at in compares.items()), changes))
        return done.revision if done.succeeded else None

    async def watch(self, prefix: str, after_revision: int) -> AsyncIterator[WatchEvent]:
        """Yield the changes under `prefix` after a revision, in order, without end; raises `Compacted`."""
        seen = after_revision
        while True:
            published = self._published
            if seen < self._forgotten_revision:
                raise Compacted(f"changes up to revision {self._forgotten_revision} are no longer remembered")
            fresh = [event for event in self._events if event.revision > seen]
            for event in fresh:
                if event.key.startswith(prefix):
                    yield event
            if fresh:
                seen = fresh[-1].revision
            else:
                await published.wait()

    async def grant_lease(self, ttl_s: float) -> int:
        """Start a lease that ends unless it is kept alive."""
        return (await self._change(LeaseGrant(0, round(ttl_s * 1000)))).lease

    async def keep_lease(self, lease: int, ttl_s: float) -> bool:
        """Keep a lease alive for another `ttl_s`; False if it has ended."""
        return (await self._change(LeaseGrant(lease, round(ttl_s * 1000)))).succeeded

    async def end_lease(self, lease: int) -> None:
        """End a lease and remove its keys."""
        await self._change(LeaseEnd(lease))

    async def end_expired_leases(self, now_ms: int) -> None:
        """Propose the end of every lease whose time has passed; the leader of group 0 calls this now and then."""
        for lease in meta.expired_leases(self._engine, now_ms):
            await self._change(LeaseEnd(lease, only_if_expired=True))

    def publish(self, changes: Sequence[meta.Change]) -> None:
        """Let watchers see applied changes."""
        if not changes:
            return
        for change in changes:
            if len(self._events) == self._events.maxlen:
                self._forgotten_revision = self._events[0].revision
            self._events.append(WatchEvent(change.key, change.value, change.revision))
        self._published.set()
        self._published = asyncio.Event()

    async def _change(self, command: Command) -> Transacted:
        result = await self._propose(encode_command(command))
        assert isinstance(result, Transacted)
        return result
