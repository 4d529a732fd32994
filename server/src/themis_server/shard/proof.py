"""Read barriers of one group, shared: reads that arrive together are proven fresh by one barrier.

A barrier proves a read only if it began after the read did. So reads gather until the event loop comes round, and
those that come while a barrier is under way wait for the next one, which begins when that has ended: the Raft thread
would let them wait as well, and be woken for each.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence

from themis_server.clock import Clock
from themis_server.errors import ThemisServerError
from themis_server.shard.pending import Pending
from themis_server.statemachine.command import Result


class Proofs:
    """What is proven of one replica's state. Belongs to the event loop."""

    def __init__(self, group: int, pending: Pending, clock: Clock) -> None:
        self._group = group
        self._pending = pending
        self._clock = clock
        self._gathering: list[asyncio.Future[float]] | None = None
        self._in_flight = False
        self.proven_s = -math.inf
        """The state includes everything that was acknowledged before this reading of the monotonic clock."""

    async def prove(self, timeout_s: float | None = None) -> float:
        """Wait for a barrier that begins now or later; return when it began (monotonic clock, seconds).

        Raises:
            ThemisServerError: what the replica says, `Refused` where another one may be asked.
            TimeoutError: nothing was proven within `timeout_s`; None leaves it to the time limit of the node.
        """
        waiting = self.join()
        if timeout_s is None:
            return await waiting
        async with asyncio.timeout(timeout_s):
            return await waiting

    def join(self) -> asyncio.Future[float]:
        """Take part in the next barrier: what `prove` waits for, to be handed to `settled`."""
        loop = asyncio.get_running_loop()
        waiting: asyncio.Future[float] = loop.create_future()
        if self._gathering is None:
            self._gathering = [waiting]
            if not self._in_flight:
                loop.call_soon(self._begin)
        else:
            self._gathering.append(waiting)
        return waiting

    def _begin(self) -> None:
        gathered, self._gathering = self._gathering or [], None
        began_s = self._clock.monotonic_s()
        try:
            barrier = self._pending.barrier(self._group)
        except ThemisServerError as error:
            _fail(gathered, error)
            return
        self._in_flight = True
        barrier.add_done_callback(lambda ended: self._end(ended, gathered, began_s))

    def _end(self, ended: asyncio.Future[Result | None], gathered: list[asyncio.Future[float]], began_s: float) -> None:
        self._in_flight = False
        if self._gathering is not None:
            asyncio.get_running_loop().call_soon(self._begin)
        error = ended.exception()
        if error is not None:
            _fail(gathered, error)
            return
        self.proven_s = max(self.proven_s, began_s)
        for waiting in gathered:
            if not waiting.done():
                waiting.set_result(began_s)


async def settled(proofs: Sequence[asyncio.Future[float]], timeout_s: float | None) -> None:
    """Wait for proofs of many replicas without a task for each; what has not come within `timeout_s` is cancelled."""
    try:
        await asyncio.wait(proofs, timeout=timeout_s)
    finally:
        for proof in proofs:
            if not proof.cancel() and not proof.cancelled():
                proof.exception()  # it is known now, whoever looks at it


def _fail(gathered: list[asyncio.Future[float]], error: BaseException) -> None:
    for waiting in gathered:
        if not waiting.done():
            waiting.set_exception(error)
