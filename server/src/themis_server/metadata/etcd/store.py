"""`MetadataStore` on etcd.

Keys stand under a prefix that ends with the name of the cluster, `/themis/{cluster}/topology`. Every change also sets
`/themis/{cluster}#last-change`, beside them, and compares it: its revision must not be below what this node has seen.
So an etcd that was restored from an old backup refuses every change of a node that knew it before, in the transaction
itself; nothing is overwritten and no id is used twice, however old or new the watch of that node is. What was seen
outlasts restarts.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Sequence
from typing import Any, Final

import msgspec

from themis_server.errors import ErrorCode, ThemisServerError
from themis_server.metadata.etcd.connection import EtcdConnection, EtcdSettings, Failed, Member, WatchStream, rpc
from themis_server.metadata.fencing import OLDER, outdated
from themis_server.metadata.lastknown import InMemory, LastKnown
from themis_server.metadata.store import Compacted, Delete, LeaseLost, Listing, Put, Value, WatchEvent
from themis_server.observability.log import get_logger

NAME: Final = "etcd"
_LAST_CHANGE: Final = "#last-change"
_SAVE_AFTER_S: Final = 0.5
_REWATCH_S: Final = 0.1
LEASE_LOST: Final = "requested lease not found"
_TOO_MANY_OPS: Final = "too many operations"

_log = get_logger(__name__).limited(burst=3, interval_s=60.0)


class _Seen(msgspec.Struct, frozen=True):
    """What a node has seen of etcd: its revision, and that of `last-change`."""

    revision: int = 0
    last_change: int = 0


class EtcdStore:
    """A `MetadataStore` in etcd. Belongs to the event loop; `close` it at the end.

    Args:
        settings: Where etcd is.
        prefix: What all keys begin with, for example `/themis/mycluster`.
        local: Where it is kept how far this node has seen the store.
    """

    def __init__(self, settings: EtcdSettings, prefix: str, local: LastKnown | None = None) -> None:
        self._connection = EtcdConnection(settings)
        self._prefix = prefix.rstrip("/")
        self._local: LastKnown = InMemory() if local is None else local
        self._seen = _Seen(*seen_in(self._local))
        self._saving: asyncio.TimerHandle | None = None

    @property
    def seen(self) -> tuple[int, int]:
        """How far this node has seen the store: its revision, and that of the last change that a node made."""
        return self._seen.revision, self._seen.last_change

    async def close(self) -> None:
        """Close the connections; watches end."""
        if self._saving is not None:
            self._saving.cancel()
            self._save()
        await self._connection.close()

    # Reading

    async def get(self, key: str, *, stale: bool = False) -> Value | None:
        """Return the value at `key`."""
        _, found = await self._range(rpc.RangeRequest(key=self._key(key)))
        return None if not found else Value(found[0].value, found[0].mod_revision)

    async def list(self, prefix: str, *, stale: bool = False) -> Listing:
        """Return everything under `prefix`, in key order."""
        start = self._key(prefix)
        header, found = await self._range(
            rpc.RangeRequest(key=start, range_end=after(start), sort_order=rpc.RangeRequest.ASCEND)
        )
        return Listing({self._name(kv.key): Value(kv.value, kv.mod_revision) for kv in found}, header.revision)

    async def _range(self, request: Any) -> tuple[Any, Any]:
        """Read a range, and in the same transaction how far the store is."""
        both = rpc.TxnRequest(
            success=[rpc.RequestOp(request_range=request), rpc.RequestOp(request_range=self._last_change_range())]
        )

        def read(member: Member, allowed_s: float) -> Any:
            return member.kv.Txn(both, allowed_s)

        before = self._seen
        answer = await self._call(read, again=True)
        last = answer.responses[1].response_range.kvs
        self._note(before, answer.header.revision, last[0].mod_revision if last else 0)
        return answer.header, answer.responses[0].response_range.kvs

    # Changing

    async def put(self, key: str, data: bytes, *, lease: int = 0) -> int:
        """Set `key` whatever it was; return the revision. Raises `LeaseLost`."""
        revision = await self._change({}, [Put(key, data, lease)])
        if revision is None:
            raise LeaseLost(f"lease {lease} has ended")
        return revision

    async def delete(self, key: str) -> int:
        """Remove `key`; return the revision."""
        revision = await self._change({}, [Delete(key)])
        assert revision is not None
        return revision

    async def transaction(self, compares: dict[str, int], ops: Sequence[Put | Delete]) -> int | None:
        """Make all changes if every key is at the revision given; return the new revision, None if one is not."""
        return await self._change(compares, ops)

    async def _change(self, compares: dict[str, int], ops: Sequence[Put | Delete]) -> int | None:
        before = self._seen
        last = {op.key: op for op in ops}  # etcd takes a key once in a transaction, and the last change of it counts
        request = rpc.TxnRequest(
            compare=[
                *[_compare(self._key(key), rpc.Compare.EQUAL, revision) for key, revision in compares.items()],
                _compare(self._key(_LAST_CHANGE), rpc.Compare.GREATER, before.last_change - 1),
            ],
            success=[
                *[self._operation(op) for op in last.values()],
                rpc.RequestOp(request_put=rpc.PutRequest(key=self._key(_LAST_CHANGE))),
            ],
            failure=[rpc.RequestOp(request_range=self._last_change_range())],
        )

        def change(member: Member, allowed_s: float) -> Any:
            return member.kv.Txn(request, allowed_s)

        try:
            answer = await self._call(change, again=False)
        except Failed as failed:
            if LEASE_LOST in failed.detail:
                return None
            raise unavailable(failed) from failed
        revision: int = answer.header.revision
        if answer.succeeded:
            self._note(before, revision, revision)
            return revision
        found = answer.responses[0].response_range.kvs
        self._note(before, revision, found[0].mod_revision if found else 0)
        return None

    def _operation(self, op: Put | Delete) -> Any:
        if isinstance(op, Put):
            put = rpc.PutRequest(key=self._key(op.key), value=op.data, lease=op.lease)
            return rpc.RequestOp(request_put=put)
        return rpc.RequestOp(request_delete_range=rpc.DeleteRangeRequest(key=self._key(op.key)))

    # Leases

    async def grant_lease(self, ttl_s: float) -> int:
        """Start a lease that ends unless it is kept alive; etcd counts whole seconds."""

        def grant(member: Member, allowed_s: float) -> Any:
            return member.lease.LeaseGrant(rpc.LeaseGrantRequest(TTL=math.ceil(ttl_s)), allowed_s)

        # Granted twice, the first one ends by itself.
        granted: int = (await self._call(grant, again=True)).ID
        return granted

    async def keep_lease(self, lease: int, ttl_s: float) -> bool:
        """Keep a lease alive for as long as it was granted for; False if it has ended."""

        def keep(member: Member, allowed_s: float) -> Any:
            answers = member.lease.LeaseKeepAlive(iter([rpc.LeaseKeepAliveRequest(ID=lease)]), allowed_s)
            return next(iter(answers)).TTL

        alive: int = await self._call(keep, again=True)
        return alive > 0

    async def end_lease(self, lease: int) -> None:
        """End a lease and remove its keys."""

        def end(member: Member, allowed_s: float) -> Any:
            return member.lease.LeaseRevoke(rpc.LeaseRevokeRequest(ID=lease), allowed_s)

        try:
            await self._call(end, again=True)
        except Failed as failed:
            if LEASE_LOST not in failed.detail:
                raise unavailable(failed) from failed

    # Watching

    async def watch(self, prefix: str, after_revision: int) -> AsyncIterator[WatchEvent]:
        """Yield the changes under `prefix` after a revision, in order, without end; raises `Compacted`.

        Whatever ends the stream (a member that stops, restarts or is cut off), it is opened again, at the next member,
        after the last revision that was read from it: etcd never splits a revision over two answers. Raises
        metadata_outdated when the store turns out to be an older one than before.
        """
        seen = after_revision
        start = self._key(prefix)
        while True:
            at = self._connection.at
            create = rpc.WatchCreateRequest(key=start, range_end=after(start), start_revision=seen + 1)
            stream: WatchStream | None = None
            try:
                stream = self._connection.stream(rpc.WatchRequest(create_request=create))
                while True:
                    answer = await stream.next()
                    if answer.compact_revision:
                        raise Compacted(f"etcd has compacted the changes up to revision {answer.compact_revision}")
                    if answer.canceled:
                        raise Failed("UNAVAILABLE", answer.cancel_reason or "the watch was cancelled", sure=True)
                    if answer.created:
                        # Is it still the store that it was? Asked once the watch stands, so that it cannot be exchanged
                        # in between: a watch on an older one would wait in silence until that one has caught up.
                        await self._reassure()
                    for event in answer.events:
                        gone = event.type == event.DELETE
                        yield WatchEvent(
                            self._name(event.kv.key), None if gone else event.kv.value, event.kv.mod_revision
                        )
                    if answer.events:
                        seen = answer.events[-1].kv.mod_revision
            except Failed as failed:
                _log.warning("etcd.watch.broken", prefix=prefix, why=failed.detail, after_revision=seen)
                self._connection.turn_away(at)
                await asyncio.sleep(_REWATCH_S)
            finally:
                if stream is not None:
                    stream.cancel()

    async def _reassure(self) -> None:
        """Raise metadata_outdated if the store is an older one than before, `Failed` if it cannot be asked."""
        try:
            await self.get(_LAST_CHANGE)
        except ThemisServerError as error:
            if error.code != ErrorCode.METADATA_UNAVAILABLE:
                raise
            raise Failed("UNAVAILABLE", error.detail, sure=True) from error

    # How far the store was seen

    def _note(self, before: _Seen, revision: int, last_change: int) -> None:
        """Take what an answer says of how far the store is.

        Answers to calls that were made at the same time come in any order, so one is held against what was known
        when its call began. Raises metadata_outdated if the store was further then.
        """
        if revision < before.revision or last_change < before.last_change:
            raise outdated(
                f"{OLDER}: etcd is at revision {revision}, its last change at {last_change}; this node has seen "
                f"{before.revision} and {before.last_change}"
            )
        known = self._seen
        self._seen = _Seen(max(revision, known.revision), max(last_change, known.last_change))
        if last_change > known.last_change and self._saving is None:
            self._saving = asyncio.get_running_loop().call_later(_SAVE_AFTER_S, self._save)

    def _save(self) -> None:
        self._saving = None
        self._local.save(NAME, msgspec.msgpack.encode(self._seen))

    async def _call(self, what: Any, *, again: bool) -> Any:
        try:
            return await self._connection.call(what, again=again)
        except Failed as failed:
            if LEASE_LOST in failed.detail or not again:
                raise
            raise unavailable(failed) from failed

    # Keys

    def _key(self, key: str) -> bytes:
        return (self._prefix + key).encode()

    def _name(self, key: bytes) -> str:
        return key.decode()[len(self._prefix) :]

    def _last_change_range(self) -> Any:
        return rpc.RangeRequest(key=self._key(_LAST_CHANGE))


def _compare(key: bytes, result: Any, revision: int) -> Any:
    """Return the condition that a key was last modified at a revision (0: never), or after it."""
    return rpc.Compare(key=key, target=rpc.Compare.MOD, result=result, mod_revision=revision)


def seen_in(local: LastKnown) -> tuple[int, int]:
    """Return how far a node has noted that it saw the store (`EtcdStore.seen`), zeros if it never has."""
    kept = local.load(NAME)
    seen = _Seen() if kept is None else msgspec.msgpack.decode(kept, type=_Seen)
    return seen.revision, seen.last_change


def after(prefix: bytes) -> bytes:
    """Return the smallest key above every key that begins with `prefix`, which is text and so has no byte 0xff."""
    return prefix[:-1] + bytes([prefix[-1] + 1])


def unavailable(failed: Failed) -> ThemisServerError:
    """Say for a client of the store that etcd refused a call."""
    detail = f"etcd refused a call: {failed.detail}"
    if _TOO_MANY_OPS in failed.detail:
        detail += "; start etcd with a larger --max-txn-ops"
    return ThemisServerError(ErrorCode.METADATA_UNAVAILABLE, detail, retry_after_s=1)
