"""Calls to other nodes: one connection for each peer and lane, many calls at once on it.

A connection is made when the first call needs it and kept while it is used. What became of a call is told exactly:
`PeerUnreachable` only if the other node cannot have got all of it.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from typing import Final, Literal, NamedTuple, TypeAlias

from themis_server.peer.backoff import Backoff
from themis_server.peer.counters import Counters
from themis_server.peer.errors import PeerBusy, PeerLost, PeerRefused, PeerUnreachable
from themis_server.peer.frames import MalformedFrame
from themis_server.peer.hello import Greeted, Refusal
from themis_server.peer.identity import PeerAddress
from themis_server.peer.link import Closed, Link, Peering
from themis_server.peer.messages import Answer, Busy, Error, decode_from_acceptor, encode_call, encode_cancel
from themis_server.peer.sockets import KIND_BULK, KIND_CALLS, connect
from themis_server.peer.watch import Watch

__all__ = ["Lane", "PeerCalls"]

Lane: TypeAlias = Literal["calls", "bulk"]

_KINDS: Final[dict[Lane, bytes]] = {"calls": KIND_CALLS, "bulk": KIND_BULK}
_RETRY_FIRST_S: Final = 0.02
_RETRY_MOST_S: Final = 0.25
_SWEEP_S: Final = 1.0
_CALL_ID_MAX: Final = (1 << 32) - 1


class PeerCalls:
    """Makes calls; everything here belongs to the main loop.

    Args:
        peering: what this node's connections share.
        counters: of the main loop.
        jitter: returns numbers in [0, 1) that spread retries.
    """

    def __init__(self, peering: Peering, counters: Counters, *, jitter: Callable[[], float] = random.random) -> None:
        self.peering = peering
        self.counters = counters
        self.jitter = jitter
        self.watch = Watch(peering.limits)
        self._lanes: dict[tuple[PeerAddress, Lane], _Lane] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._sweeper: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Begin; called on the main loop before the first call."""
        self._loop = asyncio.get_running_loop()
        self.watch.start(self._loop)
        self._sweeper = self._loop.call_later(_SWEEP_S, self._sweep)

    def stop(self) -> None:
        """Close all connections. Calls under way end with PeerLost, later ones with PeerUnreachable."""
        self.watch.stop()
        if self._sweeper is not None:
            self._sweeper.cancel()
        self._loop = None
        for lane in list(self._lanes.values()):
            lane.close("this node stops")
        self._lanes.clear()

    async def call(
        self, to: PeerAddress, method: str, payload: bytes, *, timeout_s: float | None = None, lane: Lane = "calls"
    ) -> bytes:
        """Call a method of another node, and return what its handler returned.

        Args:
            to: the node; with an empty node id, whichever node of the cluster answers there.
            method: name of the handler, `shard.read`.
            payload: what the handler gets; opaque.
            timeout_s: longest time this may take, connecting included; None takes `peer.call_timeout_s`.
            lane: `bulk` for what is large and not urgent: it has a connection of its own.

        Raises:
            PeerUnreachable: surely not delivered.
            PeerBusy: not sent, because too many calls or bytes are under way; a kind of PeerUnreachable.
            PeerLost: whether it was carried out is unknown.
            PeerRefused: the handler answered with an error.
        """
        limits = self.peering.limits
        if timeout_s is None:
            timeout_s = limits.call_timeout_s
        self.counters.calls += 1
        try:
            link_lane = self._lane(to, lane)
            return await link_lane.call(method, payload, timeout_s)
        except PeerBusy:
            self.counters.calls_busy += 1
            raise
        except PeerUnreachable:
            self.counters.calls_unreachable += 1
            raise
        except PeerLost:
            self.counters.calls_lost += 1
            raise

    def _lane(self, to: PeerAddress, lane: Lane) -> _Lane:
        if self._loop is None:
            raise PeerUnreachable("this node is stopping")
        found = self._lanes.get((to, lane))
        if found is None:
            found = self._lanes[to, lane] = _Lane(self, self._loop, to, _KINDS[lane])
        return found

    def _sweep(self) -> None:
        """Close what nobody has used for long."""
        if self._loop is None:
            return
        self._sweeper = self._loop.call_later(_SWEEP_S, self._sweep)
        before_s = self._loop.time() - self.peering.limits.lane_idle_s
        for key, lane in list(self._lanes.items()):
            if lane.idle_since(before_s):
                lane.close("not used for long")
                del self._lanes[key]


class _Waiting(NamedTuple):
    answer: asyncio.Future[bytes]
    end_bytes: int
    """Where the call ends in the bytes that the link was ever given."""


class _Lane:
    """The connection to one peer in one lane, there or not."""

    def __init__(self, calls: PeerCalls, loop: asyncio.AbstractEventLoop, to: PeerAddress, kind: bytes) -> None:
        self._calls = calls
        self._loop = loop
        self._to = to
        self._kind = kind
        self._limits = calls.peering.limits
        self._link: Link | None = None
        self._connecting: asyncio.Future[None] | None = None
        """Done when the connection is there or has failed; whoever needs it waits for this one."""
        self._dialling: asyncio.Task[None] | None = None
        self._failed: PeerUnreachable | None = None
        self._retry_s = 0.0
        self._backoff = Backoff(_RETRY_FIRST_S, _RETRY_MOST_S, calls.jitter)
        self._waiting: dict[int, _Waiting] = {}
        self._entered = 0
        self._last_id = 0
        self._used_s = loop.time()

    async def call(self, method: str, payload: bytes, timeout_s: float) -> bytes:
        loop, limits = self._loop, self._limits
        if self._entered >= limits.calls_in_flight_max:
            raise PeerBusy(f"{limits.calls_in_flight_max} calls to {self._name} are under way")
        deadline_s = loop.time() + timeout_s
        self._used_s = deadline_s
        self._entered += 1
        try:
            link = self._link
            if link is None or not link.open:
                link = await self._connected(deadline_s)
            call_id = self._next_id()
            frame = encode_call(call_id, deadline_s - loop.time(), method, payload)
            self._check_size(link, len(frame))
            link.send_soon(frame)
            answer: asyncio.Future[bytes] = loop.create_future()
            self._waiting[call_id] = _Waiting(answer, link.outbox.enqueued_bytes)
            timer = loop.call_at(deadline_s, self._too_late, call_id)
            try:
                return await answer
            finally:
                timer.cancel()
                # Still there only if the caller was cancelled: all others are removed with the answer.
                if self._waiting.pop(call_id, None) is not None:
                    link.send_soon(encode_cancel(call_id))
        finally:
            self._entered -= 1

    def idle_since(self, before_s: float) -> bool:
        return not self._entered and self._used_s < before_s

    def close(self, reason: str) -> None:
        if self._dialling is not None:
            self._dialling.cancel()
        if self._link is not None:
            self._link.close(reason)
        self._give_up(PeerUnreachable(reason))

    @property
    def _name(self) -> str:
        return self._to.node_id or self._to.where

    def _next_id(self) -> int:
        self._last_id = call_id = self._last_id % _CALL_ID_MAX + 1
        return call_id

    def _check_size(self, link: Link, size: int) -> None:
        limits = self._limits
        if size > limits.frame_bytes_max:
            raise PeerUnreachable(
                f"a call of {size} bytes to {self._name}: peer.frame_bytes_max is {limits.frame_bytes_max}"
            )
        if link.outbox.queued_bytes and link.outbox.queued_bytes + size > limits.queue_bytes_max:
            raise PeerBusy(f"{link.outbox.queued_bytes} bytes wait to be sent to {self._name}")

    def _too_late(self, call_id: int) -> None:
        waiting = self._waiting.pop(call_id, None)
        if waiting is not None:
            _fail(waiting.answer, PeerLost(f"{self._name} did not answer in time"))

    # --- connecting

    async def _connected(self, deadline_s: float) -> Link:
        loop = self._loop
        if self._connecting is None:
            if self._failed is not None and loop.time() < self._retry_s:
                raise PeerUnreachable(str(self._failed), self._failed.refusal)
            self._connecting = loop.create_future()
            self._dialling = loop.create_task(self._dial())
        try:
            async with asyncio.timeout_at(deadline_s):
                await asyncio.shield(self._connecting)
        except TimeoutError as error:
            raise PeerUnreachable(f"{self._name} could not be connected in time") from error
        link = self._link
        if link is None or not link.open:
            failed = self._failed or PeerUnreachable(f"the connection to {self._name} broke at once")
            raise PeerUnreachable(str(failed), failed.refusal)
        return link

    async def _dial(self) -> None:
        try:
            async with asyncio.timeout(self._limits.connect_timeout_s):
                sock = await connect(self._loop, self._to, self._kind)
        except OSError as error:  # TimeoutError is one
            self._not_connected(str(error) or "no answer in time", None)
            return
        finally:
            self._dialling = None
        self._link = Link(
            self._loop,
            sock,
            self,
            self._calls.peering,
            self._calls.counters,
            where=self._to.where,
            dialled=self._to.node_id,
        )
        self._link.start()

    def _not_connected(self, reason: str, refusal: Refusal | None) -> None:
        self._calls.counters.connect_failed += 1
        self._retry_s = self._loop.time() + self._backoff.failed()
        self._give_up(PeerUnreachable(f"{self._name} cannot be reached at {self._to.where}: {reason}", refusal))

    def _give_up(self, failed: PeerUnreachable) -> None:
        self._failed = failed
        connecting, self._connecting = self._connecting, None
        if connecting is not None and not connecting.done():
            connecting.set_result(None)

    # --- what the link tells

    def greeted(self, link: Link, greeted: Greeted) -> Refusal | None:
        return None

    def opened(self, link: Link) -> None:
        self._failed = None
        self._calls.watch.links.add(link)
        connecting, self._connecting = self._connecting, None
        if connecting is not None and not connecting.done():
            connecting.set_result(None)

    def received(self, link: Link, payload: bytes) -> None:
        message = decode_from_acceptor(payload)
        waiting = self._waiting.pop(message.id, None)
        self._backoff.succeeded()
        if waiting is None:
            if message.id > self._last_id:
                raise MalformedFrame("an answer to a call that was never made")
            return  # nobody waits any more
        if waiting.answer.done():
            return
        if isinstance(message, Answer):
            waiting.answer.set_result(message.payload)
        elif isinstance(message, Error):
            waiting.answer.set_exception(PeerRefused(message.code, message.detail, message.fields))
        elif isinstance(message, Busy):
            waiting.answer.set_exception(PeerBusy(f"{self._name}: {message.detail}"))
        else:
            waiting.answer.set_exception(PeerLost(f"{self._name}: {message.detail}"))

    def closed(self, link: Link, why: Closed) -> None:
        self._calls.watch.links.discard(link)
        if self._link is link:
            self._link = None
        if link.identity is None or self._connecting is not None:
            self._not_connected(why.detail, why.refusal)
        waiting, self._waiting = self._waiting, {}
        for each in waiting.values():
            if each.end_bytes > link.outbox.attempted_bytes:
                _fail(each.answer, PeerUnreachable(f"{self._name}: {why.detail}, before the call was sent"))
            else:
                _fail(each.answer, PeerLost(f"{self._name}: {why.detail}, before it answered"))


def _fail(answer: asyncio.Future[bytes], error: Exception) -> None:
    if not answer.done():
        answer.set_exception(error)
