"""One client connection: what aiohttp leaves open is closed here.

aiohttp has no time-out for a head that trickles in, no bound on connections per address, and answers a bad request
with HTML. The attributes of RequestHandler that are read here are not its public interface: the lock file pins the
version, and tests that speak raw bytes to a socket (tests/integration/hostile) tell when a new one
behaves otherwise.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING, Any, cast

from aiohttp import web
from aiohttp.http_exceptions import BadHttpMessage, LineTooLong
from aiohttp.web_protocol import RequestHandler

from themis_server._generated.errors import ErrorCode
from themis_server.errors import ThemisServerError

if TYPE_CHECKING:
    from themis_server.api.edge import Edge

_SWEEP_S = 0.5
_LINGERING_S = 2.0
"""How long the rest of a refused body is read and dropped, so that the client gets to see the answer."""


class Connection(RequestHandler):
    """An HTTP/1.1 connection with limits."""

    __slots__ = ("_address", "_edge", "_refused", "head_since_s")

    def __init__(self, server: Server, **options: Any) -> None:
        super().__init__(server, **options)
        self._edge = server.edge
        self._address = ""
        self._refused = False
        self.head_since_s: float | None = None
        """When the head that has not arrived completely began to; None while there is no such head."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Count the connection; refuse it if its address has too many."""
        peer = transport.get_extra_info("peername")
        self._address = str(peer[0]) if peer else ""
        if not self._edge.connection_opened(self._address):
            self._refused = True
            # A cast and no isinstance: uvloop's transports do not inherit from asyncio's.
            stream = cast(asyncio.Transport, transport)
            stream.write(self._edge.connection_refusal())
            stream.close()
            return
        super().connection_made(transport)
        self.head_since_s = self._loop.time()

    def connection_lost(self, exc: BaseException | None) -> None:
        """Uncount the connection."""
        self._edge.connection_closed(self._address)
        if not self._refused:
            super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take bytes, and note whether a head is now half here."""
        if self._refused:
            return
        before = self._request_count
        RequestHandler.data_received(self, data)  # super() would cost as much again as this whole method
        if self._request_count != before:
            self.head_since_s = None
        elif self.head_since_s is None and not self._request_in_progress and not self._messages:
            self.head_since_s = self._loop.time()

    def close_when_done(self) -> None:
        """Close now if no request is here; otherwise whoever answers it closes (`Answer.force_close`).

        aiohttp's own close() would from now on drop what arrives, also the rest of a body that was accepted.
        """
        if not self._request_in_progress and not self._messages:
            self.close()

    def head_overdue(self, deadline_s: float) -> bool:
        """Whether a head began to arrive before `deadline_s` and is not complete."""
        return self.head_since_s is not None and self.head_since_s <= deadline_s and not self._request_in_progress

    def time_out_head(self) -> None:
        """Give up on a head that does not come."""
        self.head_since_s = None
        transport = self.transport
        if transport is not None:
            transport.write(self._edge.head_timeout())
        self.force_close()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer what did not even become a request, or what a handler let through."""
        return self._edge.refuse(request, _head_error(exc, message) if status == 400 else None, exc)


def _head_error(exc: BaseException | None, message: str | None) -> ThemisServerError:
    if isinstance(exc, LineTooLong):
        # The parser collects the target in a bytearray and headers in bytes, and says no more about which was too long.
        if isinstance(exc.args[0], bytearray):
            return ThemisServerError(ErrorCode.URI_TOO_LONG, "the request target is too long")
        return ThemisServerError(ErrorCode.HEADERS_TOO_LARGE, "a header is too long")
    if isinstance(exc, BadHttpMessage) and "too many headers" in str(exc).lower():
        return TooManyHeaders()
    first_line = (message or "").strip().splitlines()[:1]
    detail = first_line[0].rstrip(":") if first_line else "malformed"
    return ThemisServerError(ErrorCode.BAD_REQUEST, f"not an HTTP request that can be interpreted: {detail[:200]}")


class TooManyHeaders(ThemisServerError):
    """A request has more headers than one may have; which limit that is, the edge knows."""

    def __init__(self) -> None:
        super().__init__(ErrorCode.HEADERS_TOO_LARGE, "the request has too many headers")


class Server(web.Server):
    """An aiohttp server whose connections are `Connection`s."""

    def __init__(self, edge: Edge, handler: Any, **options: Any) -> None:
        super().__init__(handler, **options)
        self.edge = edge
        self._options = options
        self._sweeper: asyncio.TimerHandle | None = None

    def __call__(self) -> RequestHandler:
        """Make the protocol of a new connection."""
        return Connection(self, loop=self._loop, lingering_time=_LINGERING_S, **self._options)

    def pre_shutdown(self) -> None:
        """Close connections that are idle, and the others after the request that is under way."""
        for connection in list(self.connections):
            cast(Connection, connection).close_when_done()

    def start_sweeping(self, header_timeout_s: float) -> None:
        """From now on, look twice a second for heads that do not arrive."""
        loop = self._loop
        self._sweeper = loop.call_later(_SWEEP_S, self.start_sweeping, header_timeout_s)
        deadline_s = loop.time() - header_timeout_s
        for connection in self.connections:
            if isinstance(connection, Connection) and connection.head_overdue(deadline_s):
                connection.time_out_head()

    def stop_sweeping(self) -> None:
        """Stop looking."""
        if self._sweeper is not None:
            self._sweeper.cancel()


class ConnectionCounter:
    """How many connections each address has open."""

    def __init__(self, per_address_max: int) -> None:
        self.per_address_max = per_address_max
        self.total = 0
        self._by_address: Counter[str] = Counter()

    def opened(self, address: str) -> bool:
        """Count one more; False if that is one too many (it still is to be closed)."""
        self.total += 1
        self._by_address[address] += 1
        return self._by_address[address] <= self.per_address_max

    def closed(self, address: str) -> None:
        """Count one less."""
        self.total -= 1
        self._by_address[address] -= 1
        if not self._by_address[address]:
            del self._by_address[address]
