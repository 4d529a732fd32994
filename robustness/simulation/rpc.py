"""Calls between the main loops of simulated nodes: `peer.PeerCalls` without sockets.

A call fails as a real one does: surely not delivered (`PeerUnreachable`), or nobody knows (`PeerLost`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, NamedTuple

from themis_server.errors import ErrorCode, ThemisServerError
from themis_server.peer.errors import PeerLost, PeerRefused, PeerUnreachable
from themis_server.peer.identity import Identity, PeerAddress

if TYPE_CHECKING:
    from robustness.simulation.loop import SimulatedLoop

Handler = Callable[[Identity, bytes], Awaitable[bytes]]
Send = Callable[[int, object], bool]
"""Sends to a node; False: it cannot be reached, and nothing was sent."""


class Call(NamedTuple):
    """A request on its way."""

    number: int
    caller: int
    method: str
    payload: bytes


class Answer(NamedTuple):
    """The answer on its way back: a payload, or an error and its code."""

    number: int
    payload: bytes
    code: str = ""
    detail: str = ""
    fields: Mapping[str, object] | None = None


class SimulatedCalls:
    """Both ends of the calls of one process."""

    def __init__(self, loop: SimulatedLoop, me: Callable[[], Identity], send: Send, life: int) -> None:
        """Begin without handlers.

        Args:
            loop: the process's main loop.
            me: who this node is.
            send: how messages leave it.
            life: which run of the node this is: what an earlier one asked is not answered to this one.
        """
        self._loop = loop
        self._me = me
        self._send = send
        self._count = life << 32
        self._waiting: dict[int, asyncio.Future[bytes]] = {}
        self.handlers: dict[str, Handler] = {}
        self.identify: Callable[[int], Identity | None] = lambda raft_id: None
        """Who a node is, by its Raft id; None: it is not admitted."""

    async def call(
        self, to: PeerAddress, method: str, payload: bytes, *, timeout_s: float, lane: str = "calls"
    ) -> bytes:
        """Call a method of another node; raises `PeerUnreachable`, `PeerLost`, `PeerRefused`."""
        self._count += 1
        number = self._count
        answered = self._waiting[number] = self._loop.create_future()
        try:
            if not self._send(to.raft_id, Call(number, self._me().raft_id, method, payload)):
                raise PeerUnreachable(f"{to.node_id} cannot be reached")
            async with asyncio.timeout(timeout_s):
                payload_back: bytes = await answered
                return payload_back
        except TimeoutError:
            raise PeerLost(f"{to.node_id} did not answer") from None
        finally:
            self._waiting.pop(number, None)

    def arrived(self, message: Call | Answer) -> None:
        """Take a call, or the answer to one. On the loop."""
        if isinstance(message, Call):
            self._loop.create_task(self._serve(message))
            return
        waiting = self._waiting.get(message.number)
        if waiting is None or waiting.done():
            return
        if message.code:
            waiting.set_exception(PeerRefused(message.code, message.detail, message.fields or {}))
        else:
            waiting.set_result(message.payload)

    async def _serve(self, call: Call) -> None:
        caller = self.identify(call.caller)
        handler = self.handlers.get(call.method)
        if caller is None or handler is None:
            self._send(call.caller, Answer(call.number, b"", ErrorCode.NODE_NOT_FOUND, "not admitted"))
            return
        try:
            answer = Answer(call.number, await handler(caller, call.payload))
        except ThemisServerError as error:
            answer = Answer(call.number, b"", error.code, error.detail, dict(error.fields))
        self._send(call.caller, answer)
