"""What crosses the border between the core and a transport: requests, responses, failures."""

from __future__ import annotations

import functools
from enum import StrEnum
from typing import Protocol
from urllib.parse import urlsplit

import msgspec

__all__ = [
    "AsyncTransport",
    "Endpoint",
    "FailureKind",
    "Request",
    "Response",
    "Transport",
    "TransportFailure",
]


class Endpoint(msgspec.Struct, frozen=True):
    """A node's base URL, taken apart once. `base_path` is the path of a gateway in front, usually empty."""

    url: str
    scheme: str
    host: str
    port: int
    base_path: str

    @classmethod
    def parse(cls, text: str) -> Endpoint:
        """Read `http[s]://host[:port][/path]`; raises ValueError for anything else."""
        return _parse_endpoint(text)

    @property
    def host_header(self) -> str:
        """The value of the Host header: IPv6 addresses in brackets, the scheme's own port left out."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _default_port(self.scheme) else f"{host}:{self.port}"


@functools.lru_cache(maxsize=1024)
def _parse_endpoint(text: str) -> Endpoint:
    parts = urlsplit(text)
    # The text itself is not repeated when it holds credentials.
    if parts.username is not None or parts.password is not None:
        raise ValueError("an endpoint carries no credentials; pass a token instead")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"an endpoint looks like http://host:8080, not like {text!r}")
    if parts.query or parts.fragment:
        raise ValueError(f"an endpoint has neither query nor fragment: {text!r}")
    if not text.isascii() or any(char <= " " for char in text):
        raise ValueError(f"an endpoint is plain ASCII without spaces: {text!r}")
    port = parts.port if parts.port is not None else _default_port(parts.scheme)
    base_path = parts.path.rstrip("/")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return Endpoint(f"{parts.scheme}://{host}:{port}{base_path}", parts.scheme, parts.hostname, port, base_path)


def _default_port(scheme: str) -> int:
    return 443 if scheme == "https" else 80


class Request(msgspec.Struct, frozen=True):
    """One HTTP request, complete but for what the connection adds (Host, Content-Length).

    Attributes:
        method: GET, PUT, ...
        endpoint: The node it goes to.
        target: Path and query, percent-encoded, without the endpoint's base path.
        headers: Never with CR or LF in them.
        body: Its body; empty for none.
    """

    method: str
    endpoint: Endpoint
    target: str
    headers: dict[str, str]
    body: bytes = b""

    @property
    def url(self) -> str:
        """The whole URL, for logs and for transports that want one."""
        return f"{self.endpoint.url}{self.target}"

    def __repr__(self) -> str:
        # Headers carry the token, bodies carry data: neither belongs into a log.
        return f"<Request {self.method} {self.url}>"


class Response(msgspec.Struct, frozen=True):
    """One HTTP response, read to its end.

    Attributes:
        status: The status code.
        headers: Names in lower case; the values of repeated ones are joined by a comma.
        body: Its body.
    """

    status: int
    headers: dict[str, str] = {}
    body: bytes = b""

    def __repr__(self) -> str:
        return f"<Response {self.status}, {len(self.body)} bytes>"


class FailureKind(StrEnum):
    """What went wrong on the way."""

    CONNECT = "connect"
    """No connection: refused, unreachable, name unknown, TLS refused."""
    LOST = "lost"
    """The connection ended before the answer was complete."""
    PROTOCOL = "protocol"
    """What came back is not HTTP, or beyond a limit."""
    TIMEOUT = "timeout"
    """The time given ran out."""


class TransportFailure(Exception):
    """An exchange that brought no complete response.

    Transports raise it; the core turns it into a retry or into one of the errors of `themis.errors`.

    Args:
        kind: What went wrong.
        message: For people; without secrets.
        sent: Whether any part of the request may have reached the server. When in doubt: True.
        reused: Whether the connection had served an earlier exchange, so that the server may just have closed it.
    """

    def __init__(self, kind: FailureKind, message: str, *, sent: bool, reused: bool = False) -> None:
        super().__init__(message)
        self.kind = kind
        self.sent = sent
        self.reused = reused


class Transport(Protocol):
    """What `ThemisClient(transport=...)` takes. Called from several threads at once."""

    def send(self, request: Request, timeout: float) -> Response:
        """Carry out one exchange within `timeout` seconds; raises TransportFailure."""
        ...

    def close(self) -> None:
        """Let go of all connections."""
        ...


class AsyncTransport(Protocol):
    """What `AsyncThemisClient(transport=...)` takes. Called from several tasks at once."""

    async def asend(self, request: Request, timeout: float) -> Response:
        """Carry out one exchange within `timeout` seconds; raises TransportFailure."""
        ...

    async def aclose(self) -> None:
        """Let go of all connections."""
        ...
