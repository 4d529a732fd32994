"""Requests as they come off a connection: HTTP/1.1 (RFC 9112), and what is none."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from typing import Final

__all__ = ["HEAD_BYTES_MAX", "Malformed", "RawRequest", "read_request"]

HEAD_BYTES_MAX: Final = 1 << 18

_TARGET_BYTES_MAX: Final = 8192
_FIELD_BYTES_MAX: Final = 8192
_FIELDS_MAX: Final = 100
_REQUEST_LINE: Final = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+) ([!-~]+) HTTP/1\.[01]")
_FIELD_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_LENGTH: Final = re.compile(r"[0-9]{1,18}")


class Malformed(Exception):
    """The bytes are no request that can be read; `code` is what is answered before the connection ends."""

    def __init__(self, code: str, detail: str, limit: int | None = None) -> None:
        super().__init__(detail)
        self.code = code
        self.members: dict[str, int] = {} if limit is None else {"limit": limit}


@dataclass(frozen=True)
class RawRequest:
    """A request; names of headers are in lower case, values of one name joined."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


async def read_request(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> RawRequest:
    """Read one request; raises Malformed, or IncompleteReadError at the connection's end."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    line, *fields = head[:-4].split("\r\n")
    found = _REQUEST_LINE.fullmatch(line)
    if found is None:
        raise Malformed("bad_request", f"That is no request line: {line[:80]!r}.")
    method, target = found.groups()
    if len(target) > _TARGET_BYTES_MAX:
        raise Malformed("uri_too_long", f"The target may have {_TARGET_BYTES_MAX} bytes.", _TARGET_BYTES_MAX)
    headers = _headers(fields)
    if headers.get("expect", "").lower() == "100-continue":
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    return RawRequest(method, target, headers, await _body(reader, headers))


def _headers(fields: list[str]) -> dict[str, str]:
    if len(fields) > _FIELDS_MAX:
        raise Malformed("headers_too_large", f"A request may have {_FIELDS_MAX} header fields.", _FIELDS_MAX)
    if any(len(field) > _FIELD_BYTES_MAX for field in fields):
        raise Malformed("headers_too_large", f"A field may have {_FIELD_BYTES_MAX} bytes.", _FIELD_BYTES_MAX)
    headers: dict[str, str] = {}
    for field in fields:
        name, colon, value = field.partition(":")
        if not colon or not _FIELD_NAME.fullmatch(name):
            raise Malformed("bad_request", f"That is no header field: {field[:80]!r}.")
        known, value = headers.get(name.lower()), value.strip(" \t")
        headers[name.lower()] = value if known is None else f"{known}, {value}"
    return headers


async def _body(reader: asyncio.StreamReader, headers: dict[str, str]) -> bytes:
    length, coding = headers.get("content-length"), headers.get("transfer-encoding")
    if length is not None and coding is not None:
        raise Malformed("bad_request", "The request has both Transfer-Encoding and Content-Length.")
    if coding is not None:
        if coding.lower() != "chunked":
            raise Malformed("bad_request", f"There is no Transfer-Encoding {coding[:80]!r}.")
        return await _chunks(reader)
    if length is None:
        return b""
    if not _LENGTH.fullmatch(length):
        raise Malformed("bad_request", f"That is no Content-Length: {length[:80]!r}.")
    return await reader.readexactly(int(length))


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    chunks: list[bytes] = []
    while True:
        digits = (await reader.readuntil(b"\r\n")).split(b";")[0].strip()
        try:
            size = int(digits, 16)
        except ValueError:
            raise Malformed("bad_request", f"That is no size of a chunk: {digits[:80]!r}.") from None
        if size <= 0:
            break
        chunks.append(await reader.readexactly(size))
        await reader.readexactly(2)
    while await reader.readuntil(b"\r\n") != b"\r\n":
        pass  # trailers
    return b"".join(chunks)
