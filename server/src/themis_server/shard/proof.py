"""Read barriers, shared: reads that arrive together are proven fresh by one barrier of their group, and the barriers of
all groups begin together, so that one round of leadership proves them.

A barrier proves a read only if it began after the read did. So reads gather until the event loop comes round, and
those that come while a barrier is under way wait for the next one, which begins when that has ended: the Raft thread
would let them wait as well, and be woken for each.
"""

from __future__ import annotations

import asyncio
import math
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from themis_server.clock import Clock
from themis_server.errors import ThemisServerError
from themis_server.statemachine.command import Result

if TYPE_CHECKING:
    from themis_server.shard.pending import Pending

_GATHER_FROM: Final = 4
"""When so many reads wait or were just answered, the next barriers begin when as many wait again, or a little later.

A round costs this node and another a turn or two whatever the number of reads, and who was just answered soon asks
again. With fewer reads barriers begin as soon as one waits.
"""
_GATHER_S: Final = 0.002
"""How long is waited for them at most."""
_NEVER: Final = sys.maxsize


class Together:
    """Has the barriers of this node's replicas begin at the same time. Belongs to the event loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._due: list[Proofs] = []
        self._waiting = 0
        self._wanted = 1
        """Barriers begin when so many reads wait."""
        self._answered = 0
        self._beginning = False
        self._ending = False
        self._timer: asyncio.TimerHandle | None = None

    def add(self, proofs: Proofs) -> None:
        """Have a barrier begin for `proofs`, which has none under way; `joined` says when."""
        self._due.append(proofs)
        if self._wanted == _NEVER and not self._ending and self._timer is None:
            self._timer = self._loop.call_later(_GATHER_S, self._late)  # a group may have no quorum: wait for none long

    def joined(self) -> None:
        """Count a read that waits for a barrier."""
        self._waiting += 1
        if self._waiting >= self._wanted and not self._beginning:
            self._beginning = True
            self._loop.call_soon(self._begin)

    def ended(self, reads: int) -> None:
        """Count the reads whose barrier has ended."""
        self._answered += reads
        if not self._ending:
            self._ending = True
            self._loop.call_soon(self._after)  # when those that ended with it are counted, too

    def _begin(self) -> None:
        self._beginning = False
        due, self._due = self._due, []
        if not due:
            return
        self._stop_timer()
        self._wanted = _NEVER
        for proofs in due:
            self._waiting -= proofs.begin()

    def _after(self) -> None:
        self._ending = False
        answered, self._answered = self._answered, 0
        self._stop_timer()
        self._wanted = answered + self._waiting
        if self._wanted >= _GATHER_FROM:
            self._timer = self._loop.call_later(_GATHER_S, self._late)
        else:
            self._wanted = 1
            self._begin()

    def _late(self) -> None:
        self._timer = None
        self._wanted = 1
        self._begin()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


class Proofs:
    """What is proven of one replica's state. Belongs to the event loop."""

    def __init__(self, group: int, pending: Pending, clock: Clock) -> None:
        self._group = group
        self._pending = pending
        self._together = pending.together
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
        waiting: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        if self._gathering is None:
            self._gathering = [waiting]
            if not self._in_flight:
                self._together.add(self)
        else:
            self._gathering.append(waiting)
        self._together.joined()
        return waiting

    def begin(self) -> int:
        """Begin a barrier for the reads that have gathered; return how many they are. For `Together`."""
        gathered, self._gathering = self._gathering or [], None
        began_s = self._clock.monotonic_s()
        try:
            barrier = self._pending.barrier(self._group)
        except ThemisServerError as error:
            _fail(gathered, error)
            self._together.ended(len(gathered))
        else:
            self._in_flight = True
            barrier.add_done_callback(lambda ended: self._end(ended, gathered, began_s))
        return len(gathered)

    def _end(self, ended: asyncio.Future[Result | None], gathered: list[asyncio.Future[float]], began_s: float) -> None:
        self._in_flight = False
        self._together.ended(len(gathered))
        if self._gathering is not None:
            self._together.add(self)
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
        if timeout_s is None:
            for proof in proofs:  # mostly they end together, and only the first is waited for
                with suppress(Exception):
                    await proof
        else:
            await asyncio.wait(proofs, timeout=timeout_s)
    finally:
        for proof in proofs:
            if not proof.cancel() and not proof.cancelled():
                proof.exception()  # it is known now, whoever looks at it


def _fail(gathered: list[asyncio.Future[float]], error: BaseException) -> None:
    for waiting in gathered:
        if not waiting.done():
            waiting.set_exception(error)
