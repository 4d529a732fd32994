"""The peer port: accepts, reads who wants what, and hands the socket to the loop that it belongs to.

    accept -> 8 bytes of preamble -> Route.take(Accepted) on Route.loop

Nothing is believed here: until a connection is greeted it holds one of a bounded number of places, and only so long.
"""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Final, NamedTuple

from themis_server.config.addresses import format_host_port
from themis_server.errors import StartRefusedError
from themis_server.observability import log
from themis_server.peer.counters import Counters
from themis_server.peer.gate import Gate, Permit
from themis_server.peer.limits import PeerLimits
from themis_server.peer.sockets import PREAMBLE_BYTES, kind_of, tune

__all__ = ["Accepted", "PeerListener", "Route"]

_log = log.get_logger(__name__).limited()

_BACKLOG: Final = 512
_ACCEPTS_A_TURN: Final = 16
_NO_DESCRIPTORS_WAIT_S: Final = 0.1


class Accepted(NamedTuple):
    """A connection whose preamble is through; its taker owns the socket."""

    sock: socket.socket
    where: str
    """The other side's address."""
    permit: Permit

    def close(self) -> None:
        """Take nothing from it."""
        self.permit.leave()
        with suppress(OSError):
            self.sock.close()


class Route(NamedTuple):
    """Who takes connections of one kind, and on which loop."""

    loop: asyncio.AbstractEventLoop
    take: Callable[[Accepted], None]


class PeerListener:
    """Listens on the peer port; everything here belongs to one loop."""

    def __init__(
        self, host: str, port: int, routes: Mapping[bytes, Route], limits: PeerLimits, counters: Counters
    ) -> None:
        """Prepare to listen.

        Args:
            host: address or name to bind.
            port: 0 takes a free one.
            routes: by kind of connection (`sockets.KIND_*`); other kinds are closed.
            limits: the time for a preamble, and how many may be without a greeting.
            counters: of the listener's loop.
        """
        self.port = port
        self.gate = Gate(limits)
        self._host = host
        self._routes = routes
        self._limits = limits
        self._counters = counters
        self._loop: asyncio.AbstractEventLoop | None = None
        self._sock: socket.socket | None = None
        self._newcomers: set[_Newcomer] = set()
        self._paused: asyncio.TimerHandle | None = None

    async def start(self) -> None:
        """Bind and accept from now on; `port` is then the bound one.

        Raises StartRefusedError if the address cannot be bound.
        """
        loop = self._loop = asyncio.get_running_loop()
        try:
            found = await loop.getaddrinfo(
                self._host, self.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE | socket.AI_ADDRCONFIG
            )
            family, _, _, _, sockaddr = found[0]
            self._sock = _listening(family, sockaddr)
        except OSError as error:
            where = format_host_port(self._host, self.port)
            reason = "the port is in use" if error.errno == errno.EADDRINUSE else error.strerror
            raise StartRefusedError(
                f"cannot listen for other nodes on {where} (peer.host, peer.port): {reason}"
            ) from error
        self.port = self._sock.getsockname()[1]
        loop.add_reader(self._sock.fileno(), self._accept)

    def stop(self) -> None:
        """Accept no more; connections that were handed on are not touched."""
        if self._paused is not None:
            self._paused.cancel()
        if self._sock is not None and self._loop is not None:
            self._loop.remove_reader(self._sock.fileno())
            self._sock.close()
            self._sock = None
        for newcomer in list(self._newcomers):
            newcomer.close()

    def _accept(self) -> None:
        assert self._sock is not None
        assert self._loop is not None
        for _ in range(_ACCEPTS_A_TURN):
            try:
                sock, address = self._sock.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:  # no descriptors or no memory: the connection stays in the backlog
                _log.error("peer.accept_failed", reason=str(error))
                self._loop.remove_reader(self._sock.fileno())
                self._paused = self._loop.call_later(_NO_DESCRIPTORS_WAIT_S, self._resume)
                return
            permit = self.gate.enter(address[0], self._loop.time())
            if not isinstance(permit, Permit):
                if permit == "too_fast":
                    self._counters.too_fast += 1
                else:
                    self._counters.crowded_out += 1
                sock.close()
                continue
            try:
                tune(sock)
            except OSError:  # it is gone already
                permit.leave()
                sock.close()
                continue
            newcomer = _Newcomer(self, self._loop, Accepted(sock, format_host_port(address[0], address[1]), permit))
            self._newcomers.add(newcomer)
            newcomer.start(self._limits.connect_timeout_s)

    def _resume(self) -> None:
        self._paused = None
        if self._sock is not None and self._loop is not None:
            self._loop.add_reader(self._sock.fileno(), self._accept)

    # --- what newcomers tell

    def introduced(self, newcomer: _Newcomer, accepted: Accepted, preamble: bytes) -> None:
        """Hand a connection on, or close it if the preamble is none."""
        self._newcomers.discard(newcomer)
        kind = kind_of(preamble)
        route = None if kind is None else self._routes.get(kind)
        if route is None:
            self._counters.bad_preambles += 1
            _log.warning("peer.bad_preamble", address=accepted.where)
            accepted.close()
        elif route.loop is self._loop:
            route.take(accepted)
        else:
            try:
                route.loop.call_soon_threadsafe(route.take, accepted)
            except RuntimeError:  # that loop is closed: the node stops
                accepted.close()

    def gone(self, newcomer: _Newcomer, *, late: bool) -> None:
        """Forget a connection that ended before its preamble did."""
        self._newcomers.discard(newcomer)
        if late:
            self._counters.greeting_late += 1


class _Newcomer:
    """A connection whose preamble has not arrived."""

    __slots__ = ("_accepted", "_descriptor", "_listener", "_loop", "_preamble", "_timer")

    def __init__(self, listener: PeerListener, loop: asyncio.AbstractEventLoop, accepted: Accepted) -> None:
        self._listener = listener
        self._loop = loop
        self._accepted = accepted
        self._descriptor = accepted.sock.fileno()
        self._preamble = b""
        self._timer: asyncio.TimerHandle | None = None

    def start(self, timeout_s: float) -> None:
        self._timer = self._loop.call_later(timeout_s, self._late)
        self._loop.add_reader(self._descriptor, self._readable)

    def close(self, *, late: bool = False) -> None:
        self._let_go()
        self._accepted.close()
        self._listener.gone(self, late=late)

    def _late(self) -> None:
        self.close(late=True)

    def _readable(self) -> None:
        try:
            data = self._accepted.sock.recv(PREAMBLE_BYTES - len(self._preamble))
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            data = b""
        if not data:
            self.close()
            return
        self._preamble += data
        if len(self._preamble) == PREAMBLE_BYTES:
            self._let_go()
            self._listener.introduced(self, self._accepted, self._preamble)

    def _let_go(self) -> None:
        self._loop.remove_reader(self._descriptor)
        if self._timer is not None:
            self._timer.cancel()


def _listening(family: int, sockaddr: object) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        sock.bind(sockaddr)  # type: ignore[arg-type]
        sock.listen(_BACKLOG)
    except BaseException:
        sock.close()
        raise
    return sock
