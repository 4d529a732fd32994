"""HTTP by hand: a socket, bytes out, bytes in. For requests that no client library would send."""

from __future__ import annotations

import json
import socket
import ssl
import time
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Reply:
    """One answer as it came over the wire."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def header(self, name: str) -> str | None:
        """Return a header's value; fails if it occurs twice."""
        values = [value for key, value in self.headers if key == name.lower()]
        assert len(values) <= 1, f"{name} occurs {len(values)} times"
        return values[0] if values else None

    def json(self) -> Any:
        """Return the body as JSON."""
        return json.loads(self.body)

    @property
    def code(self) -> str:
        """The code of the problem document, empty if it is none."""
        if self.header("content-type") != "application/problem+json":
            return ""
        return str(self.json()["code"])


class Closed(Exception):
    """The server closed the connection before (all of) an answer came."""


class RawConnection:
    """A connection that sends exactly what it is told."""

    def __init__(self, port: int, timeout_s: float = 20.0, tls: ssl.SSLContext | None = None) -> None:
        self.socket: socket.socket = socket.create_connection(("127.0.0.1", port), timeout_s)
        if tls is not None:
            self.socket = tls.wrap_socket(self.socket, server_hostname="localhost")
        self._buffer = b""

    def send(self, data: bytes) -> None:
        """Send all of `data`."""
        self.socket.sendall(data)

    def send_tolerantly(self, data: bytes) -> bool:
        """Send `data` in pieces; False if the server closed before it had all."""
        try:
            for start in range(0, len(data), 1 << 16):
                self.socket.sendall(data[start : start + (1 << 16)])
        except (BrokenPipeError, ConnectionResetError):
            return False
        return True

    def _receive(self) -> None:
        try:
            data = self.socket.recv(1 << 18)
        except ConnectionResetError:
            data = b""
        if not data:
            raise Closed(f"closed after {self._buffer[:200]!r}")
        self._buffer += data

    def reply(self, *, head: bool = False) -> Reply:
        """Read one answer; `head` if the request was a HEAD, whose answer has no body. Skips 100 Continue."""
        while True:
            while b"\r\n\r\n" not in self._buffer:
                self._receive()
            raw_head, _, self._buffer = self._buffer.partition(b"\r\n\r\n")
            status_line, *lines = raw_head.decode("latin-1").split("\r\n")
            version, status, _ = status_line.split(" ", 2)
            assert version in ("HTTP/1.1", "HTTP/1.0"), status_line
            if status == "100":
                continue
            break
        headers = []
        for line in lines:
            name, colon, value = line.partition(":")
            assert colon, line
            headers.append((name.lower(), value.strip()))
        length = int(dict(headers).get("content-length", "0"))
        if head or status in ("204", "304"):
            length = 0
        while len(self._buffer) < length:
            self._receive()
        body, self._buffer = self._buffer[:length], self._buffer[length:]
        return Reply(int(status), tuple(headers), body)

    def closed_within(self, timeout_s: float) -> float:
        """Wait until the server closes; return after how many seconds; fails if it does not, or sends more bytes."""
        started_s = time.monotonic()
        self.socket.settimeout(timeout_s)
        try:
            data = self.socket.recv(1024)
        except ConnectionResetError:
            data = b""
        except TimeoutError:
            raise AssertionError(f"the connection is still open after {timeout_s:g} s") from None
        assert data == b"", data
        return time.monotonic() - started_s

    def close(self) -> None:
        """Close the connection."""
        self.socket.close()

    def __enter__(self) -> RawConnection:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def exchange(port: int, data: bytes, *, head: bool = False) -> Reply:
    """Send `data` on a connection of its own and return the answer."""
    with RawConnection(port) as connection:
        connection.send_tolerantly(data)
        return connection.reply(head=head)


def request(
    method: str, target: str, body: bytes | None = None, headers: dict[str, str] | None = None, *, close: bool = False
) -> bytes:
    """Return a well-formed request as bytes."""
    lines = [f"{method} {target} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in {"Host": "localhost", **(headers or {})}.items()]
    if body is not None:
        lines.append(f"Content-Length: {len(body)}")
        if not any(name.lower() == "content-type" for name in headers or {}):
            lines.append("Content-Type: application/json")
    if close:
        lines.append("Connection: close")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + (body or b"")
