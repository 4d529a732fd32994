"""The default async transport: pooled connections on asyncio's (or uvloop's) transports.

A connection is an `asyncio.Protocol` that feeds the parser as bytes arrive and wakes its one waiting exchange at the
end: no stream reader in between, no task per request, one timer.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from typing import cast

from themis.errors import ConfigurationError
from themis.transport.http1 import ResponseParser, request_head
from themis.transport.message import Endpoint, FailureKind, Request, Response, TransportFailure
from themis.transport.tls import TlsOptions

__all__ = ["StreamTransport"]


class _Pool:
    """The connections of one endpoint, and who waits for one."""

    __slots__ = ("endpoint", "idle", "total", "waiters")

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self.idle: list[_Connection] = []
        self.total = 0
        self.waiters: deque[asyncio.Future[None]] = deque()

    def wake_one(self) -> None:
        while self.waiters:
            waiter = self.waiters.popleft()
            if not waiter.done():
                waiter.set_result(None)
                return


class _Connection(asyncio.Protocol):
    """One connection; at most one exchange at a time."""

    __slots__ = ("_parser", "_transport", "_waiter", "idle_since", "lost", "pool", "used")

    def __init__(self, pool: _Pool) -> None:
        self.pool = pool
        self.lost = False
        self.used = False
        self.idle_since = 0.0
        self._transport: asyncio.Transport | None = None
        self._parser: ResponseParser | None = None
        self._waiter: asyncio.Future[bool] | None = None

    async def exchange(
        self, request: Request, head: bytes, deadline: float, loop: asyncio.AbstractEventLoop
    ) -> tuple[Response, bool]:
        transport = cast("asyncio.Transport", self._transport)
        parser = self._parser = ResponseParser(request.method)
        waiter = self._waiter = loop.create_future()
        timer = loop.call_at(deadline, self._expire)
        try:
            if request.body:
                transport.writelines((head, request.body))
            else:
                transport.write(head)
            reusable = await waiter
            return parser.response(), reusable and not self.lost
        finally:
            timer.cancel()
            self._parser = self._waiter = None

    def abort(self) -> None:
        """End the connection now, without flushing."""
        self.lost = True
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember the transport."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Feed the parser; bytes nobody waits for end the connection."""
        parser, waiter = self._parser, self._waiter
        if parser is None or waiter is None or waiter.done():
            self.abort()
            return
        try:
            if parser.feed(data):
                waiter.set_result(parser.reusable)
        except TransportFailure as failure:
            self.abort()
            waiter.set_exception(failure)

    def eof_received(self) -> bool:
        """The server closed its side: that ends the connection for us too."""
        self.lost = True
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """Settle the exchange that was waiting."""
        self.lost = True
        parser, waiter = self._parser, self._waiter
        if parser is None or waiter is None or waiter.done():
            return
        if exc is None and parser.eof():
            waiter.set_result(False)
            return
        stale = self.used and not parser.started
        message = str(exc) if exc else "the server closed the connection before its answer was complete"
        waiter.set_exception(TransportFailure(FailureKind.LOST, message, sent=True, reused=stale))

    def _expire(self) -> None:
        waiter = self._waiter
        if waiter is not None and not waiter.done():
            self.abort()
            waiter.set_exception(TransportFailure(FailureKind.TIMEOUT, "no complete answer in time", sent=True))


class StreamTransport:
    """HTTP/1.1 over pooled asyncio connections, for `AsyncThemisClient`.

    It may be used in one event loop after another, not in two at once. Connections of a loop that is gone are forgotten
    (asyncio can no longer close them, and warns of it): `aclose()` before the loop ends is the clean way.

    Args:
        tls: How to verify https endpoints; the system's authorities when None. Files are read at once.
        pool_size: Connections per endpoint at most; further requests wait for one, within their timeout.
        connect_timeout_s: How long one attempt to connect may take.
        idle_s_max: A connection idle for longer is closed instead of used; keep it below the server's own limit.
    """

    def __init__(
        self,
        *,
        tls: TlsOptions | None = None,
        pool_size: int = 64,
        connect_timeout_s: float = 5.0,
        idle_s_max: float = 30.0,
    ) -> None:
        if pool_size < 1:
            raise ConfigurationError("pool_size is 1 or more")
        if not connect_timeout_s > 0:
            raise ConfigurationError("connect_timeout is more than 0 seconds")
        # Without `tls` this waits for its use: reading the system's authorities takes a while, and many use http only.
        self._ssl_context: ssl.SSLContext | None = tls.context() if tls is not None else None
        self._pool_size = pool_size
        self._connect_timeout_s = connect_timeout_s
        self._idle_s_max = idle_s_max
        self._pools: dict[str, _Pool] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closed = False

    async def asend(self, request: Request, timeout: float) -> Response:
        """Carry out one exchange within `timeout` seconds; raises TransportFailure."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout
        head = request_head(request)
        connection = await self._acquire(request.endpoint, deadline, loop)
        reusable = False
        try:
            response, reusable = await connection.exchange(request, head, deadline, loop)
        except TransportFailure as failure:
            if failure.reused:
                # What closed this idle connection (a restart, a proxy's limit) has likely closed its neighbours too.
                self._drop_idle(connection.pool)
            raise
        finally:
            # Also after a cancellation: an answer that nobody reads would be taken for the next one's.
            self._release(connection, reusable, loop)
        return response

    async def aclose(self) -> None:
        """Close what is idle now, and what is in use as soon as it is given back."""
        self._closed = True
        for pool in self._pools.values():
            self._drop_idle(pool)

    @staticmethod
    def _drop_idle(pool: _Pool) -> None:
        for connection in pool.idle:
            connection.abort()
        pool.total -= len(pool.idle)
        pool.idle.clear()
        for _ in range(len(pool.waiters)):
            pool.wake_one()

    async def _acquire(self, endpoint: Endpoint, deadline: float, loop: asyncio.AbstractEventLoop) -> _Connection:
        if loop is not self._loop:
            self._loop = loop
            self._pools = {}
        pool = self._pools.get(endpoint.url)
        if pool is None:
            pool = self._pools[endpoint.url] = _Pool(endpoint)
        while True:
            while pool.idle:
                connection = pool.idle.pop()
                if not connection.lost and loop.time() - connection.idle_since <= self._idle_s_max:
                    return connection
                connection.abort()
                pool.total -= 1
            if pool.total < self._pool_size:
                break
            await self._wait_for_turn(pool, deadline, loop)
        pool.total += 1
        try:
            return await self._connect(pool, deadline, loop)
        except BaseException:
            pool.total -= 1
            pool.wake_one()
            raise

    async def _wait_for_turn(self, pool: _Pool, deadline: float, loop: asyncio.AbstractEventLoop) -> None:
        waiter: asyncio.Future[None] = loop.create_future()
        pool.waiters.append(waiter)
        try:
            async with asyncio.timeout_at(deadline):
                await waiter
        except BaseException as error:
            if waiter.done() and not waiter.cancelled():
                # The turn came in the same instant as the end of our wait: it belongs to the next in line.
                pool.wake_one()
            else:
                pool.waiters.remove(waiter)
            if isinstance(error, TimeoutError):
                message = f"no free connection to {pool.endpoint.url} in time"
                raise TransportFailure(FailureKind.TIMEOUT, message, sent=False) from None
            raise

    def _release(self, connection: _Connection, reusable: bool, loop: asyncio.AbstractEventLoop) -> None:
        pool = connection.pool
        if reusable and not self._closed:
            connection.used = True
            connection.idle_since = loop.time()
            pool.idle.append(connection)
        else:
            connection.abort()
            pool.total -= 1
        pool.wake_one()

    async def _connect(self, pool: _Pool, deadline: float, loop: asyncio.AbstractEventLoop) -> _Connection:
        endpoint = pool.endpoint
        secure = endpoint.scheme == "https"
        try:
            async with asyncio.timeout_at(min(deadline, loop.time() + self._connect_timeout_s)):
                _, connection = await loop.create_connection(
                    lambda: _Connection(pool),
                    endpoint.host,
                    endpoint.port,
                    ssl=self._context() if secure else None,
                    server_hostname=endpoint.host if secure else None,
                )
        except OSError as error:
            message = f"cannot connect to {endpoint.url}: {str(error.strerror or error) or 'timed out'}"
            raise TransportFailure(FailureKind.CONNECT, message, sent=False) from error
        return connection

    def _context(self) -> ssl.SSLContext:
        if self._ssl_context is None:
            self._ssl_context = TlsOptions().context()
        return self._ssl_context
