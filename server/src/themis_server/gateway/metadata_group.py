"""The embedded metadata from any node: changes go to the leader of group 0, reads are made current first."""

from __future__ import annotations

import asyncio
from typing import Final

from themis_server.errors import ErrorCode, ThemisServerError
from themis_server.gateway.reach import Errand, Job, Reach
from themis_server.gateway.routing import Routing
from themis_server.shard.host import ShardHost
from themis_server.shard.refusal import Reason, Refused
from themis_server.shard.wire import Ask, Changed, ChangePart, Failure
from themis_server.statemachine.command import Transacted

_PAUSE_S: Final = 0.02
"""Between two attempts to have the replica of this node proven current."""
_LEAST_WAIT_S: Final = 0.001


class MetadataGroup:
    """Group 0, wherever it is led. Every node has a replica of it. Belongs to the event loop."""

    def __init__(self, routing: Routing, reach: Reach, *, patience_s: float) -> None:
        """Prepare; `patience_s` is how long a read waits to be made current."""
        self._routing = routing
        self._reach = reach
        self._patience_s = patience_s

    async def change(self, command: bytes) -> Transacted:
        """Put an encoded metadata command through group 0.

        Raises:
            ThemisServerError: metadata_unavailable (nothing happened), outcome_unknown, or what the leader says.
        """
        replica = self._routing.replicas.by_group.get(0)
        if replica is not None and replica.view.is_leader:
            try:
                return await replica.change(command)
            except ThemisServerError as error:
                # Nothing happened, and whoever leads now, or soon instead of a node whose disk is full, is found below.
                if not isinstance(error, Refused) and error.code != ErrorCode.DISK_FULL:
                    raise
        job: Job[ChangePart, Changed] = Job(self._routing.metadata(), ChangePart(0, command))
        await self._reach.settle([job], Errand(_change, read=False, repeatable=False))
        if job.error is not None:
            raise _unavailable(job.error.detail) if job.error.code in _NOTHING_HAPPENED else job.error
        assert job.answer is not None
        return Transacted(job.answer.succeeded, job.answer.revision, job.answer.lease)

    async def linearize(self) -> None:
        """Wait until the replica of this node has everything that was acknowledged before this call.

        While nobody leads the metadata it tries again, for as long as the patience lasts.

        Raises:
            ThemisServerError: metadata_unavailable.
        """
        loop = asyncio.get_running_loop()
        deadline_s = loop.time() + self._patience_s
        while True:
            replica = self._routing.replicas.by_group.get(0)
            if replica is None:
                refused = Refused(Reason.NOT_HOSTED, "this node has no replica of the metadata yet")
            else:
                try:
                    return await replica.prove(max(deadline_s - loop.time(), _LEAST_WAIT_S))
                except TimeoutError:
                    raise _unavailable(f"it has not been proven current within {self._patience_s:g} s") from None
                except Refused as error:
                    refused = error
            if loop.time() >= deadline_s or refused.reason == Reason.STOPPING:
                raise _unavailable(refused.detail) from refused
            await asyncio.sleep(_PAUSE_S)

    @property
    def is_alone(self) -> bool:
        """Whether what this node knows of the metadata is all there is, without asking anybody."""
        replica = self._routing.replicas.by_group.get(0)
        return replica is not None and replica.view.lease_until_s == float("inf")


_NOTHING_HAPPENED = {ErrorCode.NO_LEADER, ErrorCode.NODE_UNREACHABLE, ErrorCode.WRONG_SHARD, ErrorCode.STALE_EPOCH}


async def _change(host: ShardHost, ask: Ask[ChangePart]) -> list[Changed | Failure]:
    return await host.change(ask)


def _unavailable(why: str) -> ThemisServerError:
    return ThemisServerError(
        ErrorCode.METADATA_UNAVAILABLE, f"the metadata takes no requests at the moment: {why}", retry_after_s=1
    )
