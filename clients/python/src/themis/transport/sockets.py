"""The default sync transport: pooled blocking sockets.

Each connection serves one exchange at a time and goes back to its endpoint's stack afterwards; the most recently used
is taken first, so that a quiet client keeps few. Threads share a transport.
"""

from __future__ import annotations

import os
import socket
import ssl
import threading
import time
from typing import Final

from themis.errors import ConfigurationError
from themis.transport.http1 import ResponseParser, request_head
from themis.transport.message import Endpoint, FailureKind, Request, Response, TransportFailure
from themis.transport.tls import TlsOptions

__all__ = ["SocketTransport"]

# Below this size one copy is cheaper than a second system call (and a second packet).
_JOIN_BYTES_MAX: Final = 64 * 1024
_RECV_BYTES: Final = 64 * 1024
# A connection idle for longer than this is looked at before it is used: its node may have stopped meanwhile.
_FRESH_S: Final = 0.01


class _Pool:
    """The connections of one endpoint: a stack of idle ones and the number of all."""

    __slots__ = ("condition", "endpoint", "idle", "total")

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self.idle: list[_Connection] = []
        self.total = 0
        self.condition = threading.Condition()


class _Connection:
    __slots__ = ("idle_since", "pool", "sock", "used")

    def __init__(self, pool: _Pool, sock: socket.socket) -> None:
        self.pool = pool
        self.sock = sock
        self.used = False
        self.idle_since = 0.0

    def looks_alive(self) -> bool:
        """An idle connection has nothing to say: if it is readable, the server closed it."""
        try:
            self.sock.setblocking(False)
            self.sock.recv(1)
        except (BlockingIOError, ssl.SSLWantReadError):
            return True
        except OSError:
            return False
        return False

    def exchange(self, request: Request, head: bytes, deadline: float) -> tuple[Response, bool]:
        parser = ResponseParser(request.method)
        sock = self.sock
        try:
            try:
                _limit(sock, deadline)
                if len(request.body) <= _JOIN_BYTES_MAX:
                    sock.sendall(head + request.body)
                else:
                    sock.sendall(head)
                    _limit(sock, deadline)
                    sock.sendall(request.body)
            except TimeoutError:
                raise
            except OSError:
                # The server may have refused a large body and closed: its answer can be waiting to be read.
                if not self._read_early_answer(parser, deadline):
                    raise
                return parser.response(), False
            while True:
                _limit(sock, deadline)
                data = sock.recv(_RECV_BYTES)
                if not data:
                    if parser.eof():
                        return parser.response(), False
                    raise ConnectionResetError("the server closed the connection before its answer was complete")
                if parser.feed(data):
                    return parser.response(), parser.reusable
        except TimeoutError:
            raise TransportFailure(FailureKind.TIMEOUT, "no complete answer in time", sent=True) from None
        except OSError as error:
            stale = self.used and not parser.started
            raise TransportFailure(FailureKind.LOST, _describe(error), sent=True, reused=stale) from error

    def _read_early_answer(self, parser: ResponseParser, deadline: float) -> bool:
        try:
            _limit(self.sock, min(deadline, time.monotonic() + 1.0))
            while data := self.sock.recv(_RECV_BYTES):
                if parser.feed(data):
                    return True
        except OSError:
            return False
        return parser.eof()


class SocketTransport:
    """HTTP/1.1 over pooled sockets, for `ThemisClient`.

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
        pool_size: int = 32,
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
        self._lock = threading.Lock()
        self._closed = False
        self._pid = os.getpid()

    def send(self, request: Request, timeout: float) -> Response:
        """Carry out one exchange within `timeout` seconds; raises TransportFailure."""
        deadline = time.monotonic() + timeout
        head = request_head(request)
        connection = self._acquire(request.endpoint, deadline)
        reusable = False
        try:
            response, reusable = connection.exchange(request, head, deadline)
        except TransportFailure as failure:
            if failure.reused:
                # What closed this idle connection (a restart, a proxy's limit) has likely closed its neighbours too.
                self._drop_idle(connection.pool)
            raise
        finally:
            self._release(connection, reusable)
        return response

    def close(self) -> None:
        """Close what is idle now, and what is in use as soon as it is given back."""
        with self._lock:
            self._closed = True
            pools = list(self._pools.values())
        for pool in pools:
            self._drop_idle(pool)

    @staticmethod
    def _drop_idle(pool: _Pool) -> None:
        with pool.condition:
            idle, pool.idle = pool.idle, []
            pool.total -= len(idle)
            pool.condition.notify_all()
        for connection in idle:
            connection.sock.close()

    def _acquire(self, endpoint: Endpoint, deadline: float) -> _Connection:
        pool = self._pool(endpoint)
        while True:
            with pool.condition:
                while not pool.idle and pool.total >= self._pool_size:
                    remaining = deadline - time.monotonic()
                    if remaining <= 0 or not pool.condition.wait(remaining):
                        raise TransportFailure(
                            FailureKind.TIMEOUT, f"no free connection to {endpoint.url} in time", sent=False
                        )
                connection = pool.idle.pop() if pool.idle else None
                if connection is None:
                    pool.total += 1
            if connection is None:
                try:
                    return _Connection(pool, self._connect(endpoint, deadline))
                except BaseException:
                    self._forget(pool)
                    raise
            idle_s = time.monotonic() - connection.idle_since
            if idle_s <= _FRESH_S or (idle_s <= self._idle_s_max and connection.looks_alive()):
                return connection
            connection.sock.close()
            self._forget(pool)

    def _pool(self, endpoint: Endpoint) -> _Pool:
        if self._pid != os.getpid():
            self._after_fork()
        pool = self._pools.get(endpoint.url)
        if pool is None:
            with self._lock:
                pool = self._pools.setdefault(endpoint.url, _Pool(endpoint))
        return pool

    def _after_fork(self) -> None:
        """A forked child must not speak on its parent's connections. (They stay open for the parent.)"""
        self._lock = threading.Lock()
        with self._lock:
            if self._pid != os.getpid():
                for pool in self._pools.values():
                    for connection in pool.idle:
                        # Closes our copy of the descriptor without a TLS goodbye, which would end the parent's session.
                        os.close(connection.sock.detach())
                self._pools = {}
                self._pid = os.getpid()

    def _forget(self, pool: _Pool) -> None:
        with pool.condition:
            pool.total -= 1
            pool.condition.notify()

    def _release(self, connection: _Connection, reusable: bool) -> None:
        pool = connection.pool
        if not reusable or self._closed:
            connection.sock.close()
            self._forget(pool)
            return
        connection.used = True
        connection.idle_since = time.monotonic()
        with pool.condition:
            pool.idle.append(connection)
            pool.condition.notify()

    def _connect(self, endpoint: Endpoint, deadline: float) -> socket.socket:
        limit = min(deadline, time.monotonic() + self._connect_timeout_s)
        sock: socket.socket | None = None
        try:
            sock = socket.create_connection((endpoint.host, endpoint.port), _remaining(limit))
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if endpoint.scheme == "http":
                return sock
            sock.settimeout(_remaining(limit))
            return self._context().wrap_socket(sock, server_hostname=endpoint.host)
        except OSError as error:
            if sock is not None:
                sock.close()
            # A node that cannot be reached in time is unreachable; only the caller's own deadline is a time-out.
            kind = FailureKind.CONNECT
            message = f"cannot connect to {endpoint.url}: {_describe(error)}"
            raise TransportFailure(kind, message, sent=False) from error

    def _context(self) -> ssl.SSLContext:
        if self._ssl_context is None:
            self._ssl_context = TlsOptions().context()
        return self._ssl_context


def _remaining(deadline: float) -> float:
    # A timeout of 0 would mean "non-blocking": the last instant is a millisecond long.
    return max(deadline - time.monotonic(), 0.001)


def _limit(sock: socket.socket, deadline: float) -> None:
    remaining = deadline - time.monotonic()
    if remaining <= 0:
        raise TimeoutError
    sock.settimeout(remaining)


def _describe(error: OSError) -> str:
    return str(error.strerror or error) or type(error).__name__
