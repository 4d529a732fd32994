"""An answer: status, headers, body, written to the socket in one piece.

aiohttp's own Response spends more time on a header dictionary than a read of an entity takes in all. Ours keeps the
head as text that is put together once. It still is a StreamResponse, so aiohttp treats it as any other.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from aiohttp import web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.helpers import rfc822_formatted_time
from aiohttp.http import HttpVersion11

JSON: Final = "application/json"
PROBLEM_JSON: Final = "application/problem+json"

_STATUS_LINES: Final = {status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n" for status in HTTPStatus}
_DRAIN_FROM_BYTES: Final = 64 << 10


class Answer(web.StreamResponse):
    """What a handler returns.

    `head` holds further header lines, each ending in CRLF. Their values must be free of control characters: whoever
    adds one either made it or has checked it.
    """

    def __init__(self, status: int, body: bytes = b"", head: str = "", media_type: str = JSON) -> None:
        # StreamResponse.__init__ is left out on purpose: it builds what this class replaces.
        self._status = status
        self.body = body
        self.head = head
        self.media_type = media_type
        self.close_connection = False
        self.waited_s = 0.0
        """How long the answer was held back because the client asked for that: no part of its latency."""
        self._request: web.BaseRequest | None = None

    @property
    def status(self) -> int:
        """The HTTP status."""
        return self._status

    @property
    def keep_alive(self) -> bool:
        """Whether the connection may be used again."""
        return not self.close_connection and self._request is not None and self._request.keep_alive

    def force_close(self) -> None:
        """Close the connection after this answer."""
        self.close_connection = True

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        """Remember the request; everything is written at the end."""
        self._request = request
        return None

    async def write_eof(self, data: bytes = b"") -> None:
        """Write head and body. A client that has gone away is not an error."""
        request = self._request
        assert request is not None
        transport = request.transport
        if transport is None or transport.is_closing():
            return
        connection = "" if self.keep_alive else "Connection: close\r\n"
        if not connection and request.version < HttpVersion11:
            connection = "Connection: keep-alive\r\n"
        raw_head = self._head(connection)
        if request.method == "HEAD" or self._status in (304, 204):
            transport.write(raw_head)
            return
        transport.write(raw_head + self.body)
        if len(self.body) > _DRAIN_FROM_BYTES:
            await request.writer.drain()

    def alone(self) -> bytes:
        """Return the whole answer, for a connection that is closed after it and has no request to answer."""
        return self._head("Connection: close\r\n") + self.body

    def _head(self, connection: str) -> bytes:
        entity = ""
        if self._status not in (304, 204):
            entity = f"Content-Type: {self.media_type}\r\nContent-Length: {len(self.body)}\r\n"
        line, date = _STATUS_LINES[self._status], rfc822_formatted_time()
        return f"{line}{self.head}{entity}{connection}Date: {date}\r\nServer: themis\r\n\r\n".encode("latin-1")
