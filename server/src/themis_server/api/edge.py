"""The HTTP server: from a request to its operation, and what every answer has in common."""

from __future__ import annotations

import asyncio
import math
import re
import socket
import ssl
from collections.abc import Mapping
from time import perf_counter
from typing import Final

from aiohttp import web

from themis_server._generated.errors import ErrorCode
from themis_server.api.answer import Answer
from themis_server.api.call import BodyBudget, Call
from themis_server.api.connection import ConnectionCounter, Server, TooManyHeaders
from themis_server.api.cors import Cors
from themis_server.api.hosts import LocalHosts
from themis_server.api.problems import problem
from themis_server.api.routes import Handler, Routes
from themis_server.config import Config
from themis_server.errors import ThemisServerError
from themis_server.ids import RequestIds
from themis_server.metadata.topology import TopologyView
from themis_server.observability.instruments import Instruments
from themis_server.observability.log import get_logger

_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,128}")
_log = get_logger(__name__)
_UNMATCHED: Final = "unmatched"


class Edge:
    """Serves the operations of the spec over HTTP/1.1."""

    def __init__(
        self,
        config: Config,
        handlers: Mapping[str, Handler],
        instruments: Instruments,
        topology: TopologyView,
    ) -> None:
        self._limits = config.limits
        self._slow_s = config.log.slow_request_ms / 1000 or math.inf
        self._routes = Routes(handlers, instruments)
        self._unmatched = instruments.operation(_UNMATCHED)
        self._instruments = instruments
        self._topology = topology
        self._ids = RequestIds()
        self._cors = Cors(config.http.cors_origins)
        self._connections = ConnectionCounter(config.limits.connections_per_address_max)
        self._listener: asyncio.Server | None = None
        self._server: Server | None = None
        self.in_flight = 0
        self._closing = False
        self._budget = BodyBudget(config.limits.bodies_bytes_max)
        self._hosts = None if config.http.tls else LocalHosts(config.http)
        self._drained = asyncio.Event()

    # Life

    async def listen(self, listener: socket.socket, tls: ssl.SSLContext | None) -> None:
        """Start to accept connections on a bound socket."""
        limits = self._limits
        self._server = Server(
            self,
            self._handle,
            access_log=None,
            keepalive_timeout=limits.idle_timeout_s,
            max_line_size=limits.uri_bytes_max,
            max_field_size=limits.header_bytes_max,
            max_headers=limits.headers_max,
            auto_decompress=False,
        )
        loop = asyncio.get_running_loop()
        self._listener = await loop.create_server(
            self._server,
            sock=listener,
            ssl=tls,
            backlog=1024,
            ssl_handshake_timeout=None if tls is None else limits.header_timeout_s,
        )
        self._server.start_sweeping(limits.header_timeout_s)

    async def close(self) -> None:
        """Accept nothing new, answer what was accepted within limits.drain_timeout_s, and close every connection."""
        if self._listener is None or self._server is None:
            return
        self._listener.close()
        self._server.pre_shutdown()
        self._closing = True
        if self.in_flight:
            try:
                await asyncio.wait_for(self._drained.wait(), self._limits.drain_timeout_s)
            except TimeoutError:
                _log.warning("http.drain.timeout", in_flight=self.in_flight)
        self._server.stop_sweeping()
        await self._server.shutdown(1.0)

    # Requests

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        started_s = perf_counter()
        self.in_flight += 1
        headers = request.headers
        given_id = headers.get("X-Request-Id")
        request_id = self._ids.next() if given_id is None or not _REQUEST_ID.fullmatch(given_id) else given_id
        path, _, query = request.raw_path.partition("?")
        metrics = None
        try:
            if path[:1] != "/":
                path = self._absolute_form(request)
            if self._hosts is not None:
                self._hosts.check(headers)
            if self._cors.enabled and self._cors.is_preflight(request):
                answer = self._cors.preflight(request, self._routes.methods(path))
            else:
                route, parameters = self._routes.find(request.method, path)
                metrics = route.metrics
                metrics.begin()
                call = Call(
                    request,
                    headers,
                    route.operation,
                    route.defaults,
                    parameters,
                    path,
                    query,
                    self._limits,
                    self._budget,
                )
                answer = await route.handler(call)
        except ThemisServerError as error:
            answer = self._problem(error, request, path, request_id)
        except Exception as error:
            answer = self._internal(error, request, path, request_id)
        answer.head += f"X-Request-Id: {request_id}\r\nThemis-Topology-Epoch: {self._topology.epoch}\r\n"
        if self._cors.enabled:
            answer.head += self._cors.head(request)
        duration_s = perf_counter() - started_s - answer.waited_s
        if metrics is None:
            metrics = self._unmatched
            metrics.begin()
        metrics.end(answer.status, duration_s)
        if duration_s >= self._slow_s:
            _log.warning(
                "request.slow",
                operation=metrics.operation,
                request_id=request_id,
                status=answer.status,
                duration_ms=round(duration_s * 1000, 1),
            )
        self.in_flight -= 1
        if self._closing:
            answer.force_close()
            if not self.in_flight:
                self._drained.set()
        return answer

    @staticmethod
    def _absolute_form(request: web.BaseRequest) -> str:
        """Return the path of a request target like http://host/path (RFC 9112, section 3.2.2)."""
        target = request.raw_path.partition("?")[0]
        scheme, separator, rest = target.partition("://")
        if not separator or scheme.lower() not in ("http", "https"):
            raise ThemisServerError(ErrorCode.ROUTE_NOT_FOUND, "no operation has this path")
        return "/" + rest.partition("/")[2]

    def _problem(self, error: ThemisServerError, request: web.BaseRequest, path: str, request_id: str) -> Answer:
        with_key = "Idempotency-Key" in request.headers
        instance = path[:1024].encode("ascii", "replace").decode()
        return problem(error, instance=instance, request_id=request_id, with_key=with_key)

    def _internal(self, error: Exception, request: web.BaseRequest, path: str, request_id: str) -> Answer:
        _log.error("request.failed", exc=error, request_id=request_id, method=request.method)
        hidden = ThemisServerError(ErrorCode.INTERNAL, "the server failed; the request id finds the cause in its log")
        return self._problem(hidden, request, path, request_id)

    # What connections ask

    def connection_opened(self, address: str) -> bool:
        """Count a connection; False if its address has too many."""
        accepted = self._connections.opened(address)
        self._instruments.http_connections.set(self._connections.total)
        if not accepted:
            self._instruments.http_connections_refused.inc()
        return accepted

    def connection_closed(self, address: str) -> None:
        """Uncount a connection."""
        self._connections.closed(address)
        self._instruments.http_connections.set(self._connections.total)

    def connection_refusal(self) -> bytes:
        """Return what a connection too many is told."""
        limit = self._connections.per_address_max
        return self._raw(
            ThemisServerError(
                ErrorCode.TOO_MANY_CONNECTIONS,
                "the address has as many connections as one may have",
                limit=limit,
                retry_after_s=1,
            )
        )

    def head_timeout(self) -> bytes:
        """Return what a connection is told whose request head does not arrive."""
        seconds = self._limits.header_timeout_s
        return self._raw(
            ThemisServerError(
                ErrorCode.REQUEST_TIMEOUT, f"the request's head did not arrive within {seconds:g} s", limit=int(seconds)
            )
        )

    def _raw(self, error: ThemisServerError) -> bytes:
        request_id = self._ids.next()
        answer = problem(error, instance="", request_id=request_id)
        answer.head += f"X-Request-Id: {request_id}\r\nThemis-Topology-Epoch: {self._topology.epoch}\r\n"
        return answer.alone()

    def refuse(self, request: web.BaseRequest, error: ThemisServerError | None, exc: BaseException | None) -> Answer:
        """Answer what did not become a call: a malformed head, or an error in the machinery itself."""
        request_id = self._ids.next()
        if error is None:
            _log.error("connection.failed", exc=exc, request_id=request_id)
            error = ThemisServerError(
                ErrorCode.INTERNAL, "the server failed; the request id finds the cause in its log"
            )
        if isinstance(error, TooManyHeaders):
            error.fields["limit"] = self._limits.headers_max
        elif error.code == ErrorCode.HEADERS_TOO_LARGE:
            error.fields["limit"] = self._limits.header_bytes_max
        elif error.code == ErrorCode.URI_TOO_LONG:
            error.fields["limit"] = self._limits.uri_bytes_max
        self._unmatched.begin()
        answer = problem(error, instance="", request_id=request_id)
        answer.head += f"X-Request-Id: {request_id}\r\nThemis-Topology-Epoch: {self._topology.epoch}\r\n"
        answer.force_close()
        self._unmatched.end(answer.status, 0.0)
        return answer
