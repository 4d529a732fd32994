"""Changes of an etcd that was restored, before nodes believe it again.

None of them sets `#last-change`, so nodes that refuse the store for being older go on refusing it until a change that
does: whoever rewrites makes everything ready first, and that one change last.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Final

from themis_server.metadata.etcd.connection import EtcdConnection, EtcdSettings, Failed, Member, rpc
from themis_server.metadata.etcd.store import LEASE_LOST, after, unavailable
from themis_server.metadata.store import Delete, LeaseLost, Put

_OPS_MAX: Final = 100
"""In one transaction; etcd takes 128 unless it is told otherwise."""
_AT_ONCE: Final = 8
_SCRATCH: Final = "/write-back"
"""What is written to raise the revision; removed afterwards."""
_SAID_EVERY: Final = 10_000


class EtcdRewriting:
    """Rewrites what stands under a prefix. Belongs to the event loop; `close` it at the end."""

    def __init__(self, settings: EtcdSettings, prefix: str) -> None:
        self._connection = EtcdConnection(settings)
        self._prefix = prefix.rstrip("/")

    async def close(self) -> None:
        """Close the connections."""
        await self._connection.close()

    async def raise_revision(self, to: int, say: Callable[[int], None]) -> int:
        """Make empty changes until the revision of etcd is `to` or above; returns it.

        Revisions are never used twice then: whatever a node remembers one of is older than what is written next.

        Args:
            to: The revision.
            say: Told now and then how far it is.
        """
        put = rpc.RequestOp(request_put=rpc.PutRequest(key=self._key(_SCRATCH)))
        revision = await self._carry_out([put])
        told = revision
        while revision < to:
            revision = max(await asyncio.gather(*[self._carry_out([put]) for _ in range(min(_AT_ONCE, to - revision))]))
            if revision - told >= _SAID_EVERY:
                told = revision
                say(revision)
        return await self._carry_out([_removal(self._key(_SCRATCH))])

    async def change(self, ops: Sequence[Put | Delete]) -> None:
        """Make changes, in several transactions if need be."""
        for start in range(0, len(ops), _OPS_MAX):
            await self._carry_out([self._operation(op) for op in ops[start : start + _OPS_MAX]])

    async def end_leases(self, prefix: str) -> None:
        """End the leases of all keys under `prefix`, and with them the keys.

        A lease that came back with the backup may be one that a node still keeps alive: its key would have what the
        node said long ago, and the node would not say it again.
        """
        start = self._key(prefix)

        def read(member: Member, allowed_s: float) -> Any:
            return member.kv.Range(rpc.RangeRequest(key=start, range_end=after(start)), allowed_s)

        found = await self._call(read)
        for lease in {kv.lease for kv in found.kvs if kv.lease}:

            def end(member: Member, allowed_s: float, lease: int = lease) -> Any:
                return member.lease.LeaseRevoke(rpc.LeaseRevokeRequest(ID=lease), allowed_s)

            with suppress(LeaseLost):
                await self._call(end)
        await self._carry_out([_removal(start, after(start))])

    async def _carry_out(self, operations: Sequence[Any]) -> int:
        request = rpc.TxnRequest(success=operations)

        def change(member: Member, allowed_s: float) -> Any:
            return member.kv.Txn(request, allowed_s)

        revision: int = (await self._call(change)).header.revision
        return revision

    async def _call(self, what: Callable[[Member, float], Any]) -> Any:
        try:
            # Made twice, every one of these has the same end.
            return await self._connection.call(what, again=True)
        except Failed as failed:
            if LEASE_LOST in failed.detail:
                raise LeaseLost(failed.detail) from failed
            raise unavailable(failed) from failed

    def _operation(self, op: Put | Delete) -> Any:
        if isinstance(op, Put):
            return rpc.RequestOp(request_put=rpc.PutRequest(key=self._key(op.key), value=op.data))
        return _removal(self._key(op.key))

    def _key(self, key: str) -> bytes:
        return (self._prefix + key).encode()


def _removal(key: bytes, end: bytes = b"") -> Any:
    return rpc.RequestOp(request_delete_range=rpc.DeleteRangeRequest(key=key, range_end=end))
