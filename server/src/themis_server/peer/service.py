"""Serves calls of other nodes.

Invariant: a caller learns exactly what it may conclude. `Busy` is said only before a handler was asked; a handler that
fails with anything but a ThemisServerError is answered as a failure, after which the caller knows nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Final, TypeAlias

from themis_server.errors import ThemisServerError
from themis_server.observability import log
from themis_server.peer.counters import Counters
from themis_server.peer.frames import MalformedFrame
from themis_server.peer.hello import Greeted, Refusal
from themis_server.peer.identity import Identity
from themis_server.peer.link import Closed, Link, Peering
from themis_server.peer.listener import Accepted
from themis_server.peer.messages import (
    Call,
    Cancel,
    decode_from_dialler,
    encode_answer,
    encode_busy,
    encode_error,
    encode_failure,
)
from themis_server.peer.sockets import KIND_BULK, KIND_CALLS
from themis_server.peer.watch import Watch

__all__ = ["Handler", "PeerService"]

Handler: TypeAlias = Callable[[Identity, bytes], Awaitable[bytes]]
"""Takes who calls and the payload, returns the answer's payload; raises ThemisServerError to refuse."""

_log = log.get_logger(__name__).limited()

_UNKNOWN_METHOD: Final = "unknown_method"


class PeerService:
    """Hands calls to handlers; everything here belongs to the main loop.

    Args:
        peering: what this node's connections share.
        counters: of the main loop.
        handlers: by method. A handler is cancelled when its caller waits no more or is gone.
        open_methods: those that a node may call which is not a member yet.
    """

    def __init__(
        self,
        peering: Peering,
        counters: Counters,
        handlers: Mapping[str, Handler],
        *,
        open_methods: frozenset[str] = frozenset({"cluster.join"}),
    ) -> None:
        self.peering = peering
        self.counters = counters
        self.handlers = handlers
        self.open_methods = open_methods
        self.stopping = False
        self.watch = Watch(peering.limits)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._served: dict[tuple[str, bytes], _Served] = {}
        self._accepting: set[_Served] = set()

    def start(self) -> None:
        """Begin; called on the main loop before the listener starts."""
        self._loop = asyncio.get_running_loop()
        self.watch.start(self._loop)

    async def stop(self, drain_s: float) -> None:
        """Take no more calls, give those under way `drain_s` seconds to end, then close all connections."""
        self.stopping = True
        running = [task for served in self._served.values() for task in served.tasks.values()]
        if running and drain_s > 0:
            await asyncio.wait(running, timeout=drain_s)
        for served in [*self._served.values(), *self._accepting]:
            served.close("this node stops")
        self.watch.stop()

    def review(self) -> None:
        """Close connections of nodes that are not admitted any more; called when the topology has changed."""
        for served in list(self._served.values()):
            served.review()

    def accept_calls(self, accepted: Accepted) -> None:
        """Take a connection of kind C from the listener."""
        self._accept(accepted, KIND_CALLS)

    def accept_bulk(self, accepted: Accepted) -> None:
        """Take a connection of kind B from the listener."""
        self._accept(accepted, KIND_BULK)

    def _accept(self, accepted: Accepted, kind: bytes) -> None:
        if self._loop is None or self.stopping:
            accepted.close()
            return
        served = _Served(self, self._loop, accepted, kind)
        self._accepting.add(served)
        served.start()

    # --- what the connections tell

    def opened(self, served: _Served, key: tuple[str, bytes]) -> None:
        """Take a greeted connection; an older one of the same node and kind is over."""
        self._accepting.discard(served)
        old = self._served.get(key)
        self._served[key] = served
        if old is not None:
            old.close("replaced by a newer connection of the same node")

    def closed(self, served: _Served, key: tuple[str, bytes] | None) -> None:
        """Forget a connection."""
        self._accepting.discard(served)
        if key is not None and self._served.get(key) is served:
            del self._served[key]


class _Served:
    """One connection of a caller, and the calls that are under way on it."""

    def __init__(self, service: PeerService, loop: asyncio.AbstractEventLoop, accepted: Accepted, kind: bytes) -> None:
        self.tasks: dict[int, asyncio.Task[None]] = {}
        self._service = service
        self._loop = loop
        self._kind = kind
        self._key: tuple[str, bytes] | None = None
        self._link = Link(
            loop,
            accepted.sock,
            self,
            service.peering,
            service.counters,
            where=accepted.where,
            permit=accepted.permit,
            strangers=bool(service.open_methods),
        )

    def start(self) -> None:
        self._link.start()

    def close(self, reason: str) -> None:
        self._link.close(reason)

    def review(self) -> None:
        identity = self._link.identity
        if identity is None:
            return
        refusal = self._service.peering.admit(identity)
        if refusal is None:
            self._link.stranger = None
        elif self._link.stranger is None or refusal.code != "unknown_node":
            self._link.close(refusal.detail, refusal)

    # --- what the link tells

    def greeted(self, link: Link, greeted: Greeted) -> Refusal | None:
        self._key = (greeted.identity.node_id, self._kind)
        return None

    def opened(self, link: Link) -> None:
        assert self._key is not None, "greeted before"
        self._service.watch.links.add(link)
        self._service.opened(self, self._key)

    def received(self, link: Link, payload: bytes) -> None:
        message = decode_from_dialler(payload)
        if isinstance(message, Cancel):
            task = self.tasks.get(message.id)
            if task is not None:
                task.cancel()
            return
        if message.id in self.tasks:
            raise MalformedFrame("a call with the id of one that is under way")
        limits = self._service.peering.limits
        if self._service.stopping:
            link.send_soon(encode_busy(message.id, "the node is stopping"))
        elif len(self.tasks) >= limits.calls_in_flight_max:
            link.send_soon(encode_busy(message.id, f"{limits.calls_in_flight_max} calls are under way"))
        elif link.outbox.queued_bytes > limits.queue_bytes_max:
            link.close("the caller does not read its answers")
        else:
            handler = self._handler(link, message)
            if handler is not None:
                task = self._loop.create_task(self._serve(link, message, handler))
                self.tasks[message.id] = task
                task.add_done_callback(partial(self._done, message.id))

    def closed(self, link: Link, why: Closed) -> None:
        self._service.watch.links.discard(link)
        for task in self.tasks.values():
            task.cancel()
        self._service.closed(self, self._key)

    def _handler(self, link: Link, call: Call) -> Handler | None:
        """Return who serves a call; None if it was refused."""
        if link.stranger is not None and call.method not in self._service.open_methods:
            assert link.identity is not None, "greeted before"
            refusal = self._service.peering.admit(link.identity)
            if refusal is not None:
                link.send_soon(encode_error(call.id, refusal.code, refusal.detail, {}))
                return None
            link.stranger = None
        handler = self._service.handlers.get(call.method)
        if handler is None:
            link.send_soon(encode_error(call.id, _UNKNOWN_METHOD, f"this node has no method {call.method}", {}))
        return handler

    async def _serve(self, link: Link, call: Call, handler: Handler) -> None:
        assert link.identity is not None, "greeted before"
        counters = self._service.counters
        timeout_s = min(call.timeout_ms / 1000, self._service.peering.limits.serve_s_max)
        timer = self._loop.call_later(timeout_s, _cancel, asyncio.current_task())
        try:
            answer = encode_answer(call.id, await handler(link.identity, call.payload))
            if len(answer) > self._service.peering.limits.frame_bytes_max:
                answer = encode_failure(call.id, f"the answer has {len(answer)} bytes: too large for a frame")
        except ThemisServerError as error:
            answer = encode_error(call.id, str(error.code), error.detail, error.fields)
        except asyncio.CancelledError:
            answer = encode_failure(call.id, "the call took too long")
        except Exception as error:
            counters.handlers_crashed += 1
            _log.error("peer.handler_failed", method=call.method, peer=link.identity.node_id, exc=error)
            answer = encode_failure(call.id, "the handler failed")
        finally:
            timer.cancel()
        counters.calls_served += 1
        link.send_soon(answer)

    def _done(self, call_id: int, task: asyncio.Task[None]) -> None:
        del self.tasks[call_id]
        if not task.cancelled():
            task.result()


def _cancel(task: asyncio.Task[None] | None) -> None:
    if task is not None:
        task.cancel()
