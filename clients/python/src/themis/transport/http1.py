"""HTTP/1.1 without sockets: the bytes of a request, and a parser that is fed the bytes of a response.

Shared by the sync and the async transport. The grammar is llhttp's (through httptools), which is strict where leniency
lets messages be confused; this module adds what a client must know beyond it: HEAD has no body, interim responses are
skipped, an answer without length ends with the connection, and everything has a limit.
"""

from __future__ import annotations

from typing import Final

import httptools

from themis.errors import ConfigurationError
from themis.transport.message import FailureKind, Request, Response, TransportFailure

__all__ = ["HEADER_BYTES_MAX", "RESPONSE_BYTES_MAX", "ResponseParser", "request_head"]

HEADER_BYTES_MAX: Final = 64 * 1024
RESPONSE_BYTES_MAX: Final = 256 * 1024 * 1024

_METHODS_WITH_BODY: Final = frozenset({"PUT", "POST", "PATCH"})


def request_head(request: Request) -> bytes:
    """Request line and headers, with Host and Content-Length added; raises ConfigurationError."""
    endpoint = request.endpoint
    lines = [f"{request.method} {endpoint.base_path}{request.target} HTTP/1.1", f"Host: {endpoint.host_header}"]
    lines += [f"{name}: {value}" for name, value in request.headers.items()]
    if request.body or request.method in _METHODS_WITH_BODY:
        lines.append(f"Content-Length: {len(request.body)}")
    head = "\r\n".join(lines)
    # Values were validated where they entered. This is the last door: a line too many would be another header, or even
    # another request.
    if head.count("\n") != len(lines) - 1 or head.count("\r") != len(lines) - 1 or not head.isascii():
        raise ConfigurationError("a request header is not one line of ASCII")
    return f"{head}\r\n\r\n".encode("ascii")


class ResponseParser:
    """Reads one response. Feed it bytes until `feed` says True; then `response()` has it.

    A parser is used once: a fresh one costs a microsecond and cannot remember anything from the answer before.
    """

    __slots__ = (
        "_chunks",
        "_complete",
        "_expects_body",
        "_header_bytes",
        "_headers",
        "_headers_complete",
        "_keep_alive",
        "_parser",
        "_size",
        "_status",
        "_surplus",
    )

    def __init__(self, method: str) -> None:
        self._expects_body = method != "HEAD"
        self._parser = httptools.HttpResponseParser(self)
        self._headers: dict[str, str] = {}
        self._header_bytes = 0
        self._headers_complete = False
        self._chunks: list[bytes] = []
        self._size = 0
        self._status = 0
        self._complete = False
        self._surplus = False
        self._keep_alive = False

    def feed(self, data: bytes) -> bool:
        """Take bytes as they came; True once the response is complete. Raises TransportFailure when it is malformed."""
        if self._complete:
            self._surplus = True
            return True
        if not self._headers_complete:
            self._header_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            raise TransportFailure(FailureKind.PROTOCOL, "the server switched protocols unasked", sent=True) from None
        except httptools.HttpParserError as error:
            # A complete answer followed by rubbish is still an answer; the connection is not used again.
            if not self.complete:
                reason = error.__context__ if isinstance(error.__context__, TransportFailure) else None
                raise reason or TransportFailure(FailureKind.PROTOCOL, f"not HTTP: {error}", sent=True) from error
            self._surplus = True
        if not self._headers_complete and self._header_bytes > HEADER_BYTES_MAX:
            raise TransportFailure(FailureKind.PROTOCOL, f"headers beyond {HEADER_BYTES_MAX} bytes", sent=True)
        return self.complete

    def eof(self) -> bool:
        """The server closed; True if that completed the response (no length was announced)."""
        if (
            self._headers_complete
            and not self._complete
            and "content-length" not in self._headers
            and "transfer-encoding" not in self._headers
        ):
            self._complete = True
            self._surplus = True
        return self._complete

    @property
    def complete(self) -> bool:
        """Whether the response is there."""
        return self._complete

    @property
    def started(self) -> bool:
        """Whether any byte of an answer has come."""
        return self._header_bytes > 0

    @property
    def reusable(self) -> bool:
        """Whether the connection may carry another exchange after this complete one."""
        return self._complete and not self._surplus and self._keep_alive

    def response(self) -> Response:
        """The response, once complete."""
        chunks = self._chunks
        return Response(self._status, self._headers, chunks[0] if len(chunks) == 1 else b"".join(chunks))

    # What follows is called by httptools.

    def on_message_begin(self) -> None:
        """A second message begins behind the answer: nobody asked for it."""
        if self._complete:
            self._surplus = True

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header."""
        if self._complete:
            return
        key = name.decode("latin-1").lower()
        text = value.decode("latin-1")
        known = self._headers.get(key)
        self._headers[key] = text if known is None else f"{known}, {text}"

    def on_headers_complete(self) -> None:
        """The end of a header block, final or interim."""
        if self._complete:
            return
        self._status = self._parser.get_status_code()
        if self._status >= 200:
            self._headers_complete = True
            # Not llhttp's own answer: that does not know of HEAD, and is gone once the message is complete.
            options = self._headers.get("connection", "").lower()
            self._keep_alive = self._parser.get_http_version() == "1.1" and "close" not in options
            if not self._expects_body:
                self._complete = True

    def on_body(self, body: bytes) -> None:
        """A piece of the body."""
        if self._complete:
            self._surplus = True
            return
        self._size += len(body)
        if self._size > RESPONSE_BYTES_MAX:
            raise TransportFailure(FailureKind.PROTOCOL, f"a response beyond {RESPONSE_BYTES_MAX} bytes", sent=True)
        self._chunks.append(body)

    def on_message_complete(self) -> None:
        """The end of a message; interim responses (1xx) are forgotten."""
        if self._status >= 200:
            self._complete = True
        elif not self._complete:
            self._headers = {}
