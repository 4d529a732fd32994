"""HTTP/1.1 by hand, so that a server can be asked what no HTTP library would send."""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

__all__ = ["Address", "NoAnswer", "Response", "exchange", "request_bytes"]

_HEAD_BYTES_MAX: Final = 1 << 18


class NoAnswer(Exception):
    """The server did not answer with HTTP."""


@dataclass(frozen=True)
class Address:
    """Where a server is."""

    url: str
    host: str
    port: int
    tls: ssl.SSLContext | None

    @classmethod
    def parse(cls, url: str, ca_file: str | None = None) -> Address:
        """Read http://host:port; raises ValueError."""
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.path not in ("", "/"):
            raise ValueError(f"{url!r} is no address such as http://127.0.0.1:8080")
        secure = parts.scheme == "https"
        context = ssl.create_default_context(cafile=ca_file) if secure else None
        return cls(url.rstrip("/"), parts.hostname, parts.port or (443 if secure else 80), context)


@dataclass(frozen=True)
class Response:
    """An answer; the names of headers are in lower case, values of one name joined."""

    status: int
    headers: dict[str, str]
    body: bytes

    def content(self) -> Any:
        """The body: a JSON value if it is one, otherwise the text, None if it is empty."""
        if not self.body:
            return None
        try:
            return json.loads(self.body)
        except ValueError:
            return self.body.decode("utf-8", "replace")


def request_bytes(address: Address, method: str, target: str, headers: dict[str, str], body: bytes) -> bytes:
    """A request as it is sent. Host, Content-Length and Connection are added where they are not given."""
    given = {name.lower() for name in headers}
    more: dict[str, str] = {}
    if "host" not in given:
        more["Host"] = f"{address.host}:{address.port}"
    if (
        "content-length" not in given
        and "transfer-encoding" not in given
        and (body or method in ("PUT", "POST", "PATCH"))
    ):
        more["Content-Length"] = str(len(body))
    if "connection" not in given:
        more["Connection"] = "close"
    lines = "".join(f"{name}: {value}\r\n" for name, value in {**more, **headers}.items())
    return f"{method} {target} HTTP/1.1\r\n{lines}\r\n".encode() + body


async def exchange(address: Address, data: bytes, *, head: bool = False) -> Response:
    """Send bytes on a new connection and read one answer; raises NoAnswer.

    Args:
        address: Where to.
        data: The request.
        head: Whether the answer has no body whatever its headers say.
    """
    try:
        reader, writer = await asyncio.open_connection(
            address.host, address.port, ssl=address.tls, limit=_HEAD_BYTES_MAX
        )
    except OSError as error:
        raise NoAnswer(f"{address.url}: {error}") from error
    try:
        writer.write(data)
        # A server may answer and close before it has read everything: then writing fails and reading works.
        sending = asyncio.ensure_future(writer.drain())
        try:
            return await _read(reader, head=head)
        finally:
            sending.cancel()
            with contextlib.suppress(ConnectionError, asyncio.CancelledError):
                await sending
    except (ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError) as error:
        raise NoAnswer(f"{address.url}: {type(error).__name__}: {error}") from error
    finally:
        writer.transport.abort()


async def _read(reader: asyncio.StreamReader, *, head: bool) -> Response:
    while True:
        lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")[:-4].split("\r\n")
        version, _, rest = lines[0].partition(" ")
        if not version.startswith("HTTP/1."):
            raise ValueError(f"no HTTP: {lines[0][:80]!r}")
        status = int(rest.split(" ")[0])
        if status != 100:
            break
    headers: dict[str, str] = {}
    for name, _, value in (line.partition(":") for line in lines[1:]):
        known, value = headers.get(name.lower()), value.strip(" \t")
        headers[name.lower()] = value if known is None else f"{known}, {value}"
    if head or status in (204, 304):
        return Response(status, headers, b"")
    if headers.get("transfer-encoding", "").lower() == "chunked":
        return Response(status, headers, await _read_chunks(reader))
    if "content-length" in headers:
        return Response(status, headers, await reader.readexactly(int(headers["content-length"])))
    return Response(status, headers, await reader.read())


async def _read_chunks(reader: asyncio.StreamReader) -> bytes:
    chunks: list[bytes] = []
    while size := int((await reader.readuntil(b"\r\n")).split(b";")[0], 16):
        chunks.append(await reader.readexactly(size))
        await reader.readexactly(2)
    return b"".join(chunks)
