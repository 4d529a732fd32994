"""The embedded metadata store: Raft group 0, with the same machinery as a shard.

Every node has a replica of group 0 and answers listings and watches from it. What must be current first asks group 0
for a read barrier; what changes goes through its leader, and has reached the local replica when it is answered.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

from themis_server.errors import ErrorCode, ThemisServerError
from themis_server.metadata.store import Compacted, Delete, LeaseLost, Listing, Put, Value, WatchEvent
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
from themis_server.storage.engine import Reader

_REMEMBERED_EVENTS = 4096
_CATCH_UP_S = 5.0


async def _current() -> None:
    """Return at once: the barrier of a group of one voter, whose own state is the current one."""


class EmbeddedStore:
    """A `MetadataStore` on this node's replica of group 0. Belongs to the event loop.

    Args:
        engine: Where the replica's state is.
        change: Puts an encoded command through group 0, by way of its leader, wherever that is; returns its result or
            raises a `ThemisServerError` (no_leader: nothing happened; outcome_unknown).
        barrier: Returns when the replica has everything that was acknowledged before the call; raises likewise.
        catch_up_s: How long a change that the leader has made may take to arrive here.

    Changes reach watchers through `publish`, which the node calls with what the machine of group 0 applied, before
    the proposer is answered; `replaced` is for a state that came as a snapshot.
    """

    def __init__(
        self,
        engine: Reader,
        change: Callable[[bytes], Awaitable[Result | None]],
        barrier: Callable[[], Awaitable[object]] = _current,
        *,
        catch_up_s: float = _CATCH_UP_S,
    ) -> None:
        self._engine = engine
        self._propose = change
        self._barrier = barrier
        self._catch_up_s = catch_up_s
        self._events: deque[WatchEvent] = deque(maxlen=_REMEMBERED_EVENTS)
        self._revision = self._forgotten_revision = meta.read_revision(engine)
        self._published = asyncio.Event()

    async def get(self, key: str, *, stale: bool = False) -> Value | None:
        """Return the value at `key`; with `stale` as the local replica has it."""
        if not stale:
            await self._barrier()
        stored = meta.read(self._engine, key)
        return None if stored is None else Value(stored.value, stored.revision)

    async def list(self, prefix: str, *, stale: bool = False) -> Listing:
        """Return everything under `prefix`, in key order; with `stale` as the local replica has it."""
        if not stale:
            await self._barrier()
        # Another thread applies entries: the revision is read first, so that a watch from there repeats rather than
        # misses what came in between.
        revision = meta.read_revision(self._engine)
        values = {
            key: Value(stored.value, stored.revision) for key, stored in meta.read_prefix(self._engine, prefix).items()
        }
        return Listing(values, revision)

    async def put(self, key: str, data: bytes, *, lease: int = 0) -> int:
        """Set `key` whatever it was; return the revision. Raises `LeaseLost`.

        Under a lease it counts, as the lease does, when the leader has done it: see `keep_lease`.
        """
        done = await self._change(MetadataTransaction((), (MetadataOp(key, data, lease),)), told=not lease)
        if not done.succeeded:
            raise LeaseLost(f"lease {lease} has ended")
        return done.revision

    async def delete(self, key: str) -> int:
        """Remove `key`; return the revision."""
        return (await self._change(MetadataTransaction((), (MetadataOp(key, None),)))).revision

    async def transaction(self, compares: dict[str, int], ops: Sequence[Put | Delete]) -> int | None:
        """Make all changes if every key is at the revision given; return the new revision, None if one is not."""
        changes = tuple(
            MetadataOp(op.key, op.data, op.lease) if isinstance(op, Put) else MetadataOp(op.key, None) for op in ops
        )
        done = await self._change(
            MetadataTransaction(tuple(Compare(key, at) for key, at in compares.items()), changes),
            told=bool(changes),
        )
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
        """Start a lease that ends unless it is kept alive; it counts when the leader has done it: see `keep_lease`."""
        return (await self._change(LeaseGrant(0, round(ttl_s * 1000)), told=False)).lease

    async def keep_lease(self, lease: int, ttl_s: float) -> bool:
        """Keep a lease alive for another `ttl_s`; False if it has ended.

        It counts when the leader has done it: a node whose own replica cannot follow, its disk full, still lives.
        """
        return (await self._change(LeaseGrant(lease, round(ttl_s * 1000)), told=False)).succeeded

    async def end_lease(self, lease: int) -> None:
        """End a lease and remove its keys."""
        await self._change(LeaseEnd(lease))

    async def end_expired_leases(self, now_ms: int) -> None:
        """Propose the end of every lease whose time has passed; see `leases.LeaseSweeper` for who calls this."""
        for lease in meta.expired_leases(self._engine, now_ms):
            await self._change(LeaseEnd(lease, only_if_expired=True))

    def publish(self, changes: Sequence[meta.Change]) -> None:
        """Let watchers see applied changes, in the order in which they were applied."""
        fresh = [change for change in changes if change.revision > self._revision]
        if not fresh:
            return
        if fresh[0].revision > self._revision + 1:
            self._forget(fresh[0].revision - 1)
        for change in fresh:
            if len(self._events) == self._events.maxlen:
                self._forgotten_revision = self._events[0].revision
            self._events.append(WatchEvent(change.key, change.value, change.revision))
        self._revision = fresh[-1].revision
        self._wake()

    def replaced(self) -> None:
        """Note that a snapshot has taken the place of the replica's state: who watched lists again."""
        self._forget(meta.read_revision(self._engine))
        self._wake()

    def _forget(self, revision: int) -> None:
        self._events.clear()
        self._revision = self._forgotten_revision = max(self._revision, revision)

    def _wake(self) -> None:
        self._published.set()
        self._published = asyncio.Event()

    async def _change(self, command: Command, *, told: bool = True) -> Transacted:
        result = await self._propose(encode_command(command))
        assert isinstance(result, Transacted)
        if told:  # a transaction without changes raises the revision, and no watcher is told
            await self._arrival(result.revision)
        return result

    async def _arrival(self, revision: int) -> None:
        """Wait until the local replica has what the leader has done."""
        if self._revision >= revision:
            return
        try:
            async with asyncio.timeout(self._catch_up_s):
                while self._revision < revision:
                    await self._published.wait()
        except TimeoutError:
            raise ThemisServerError(
                ErrorCode.OUTCOME_UNKNOWN,
                f"a change of the metadata has not reached this node within {self._catch_up_s:g} s",
            ) from None
