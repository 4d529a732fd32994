"""Requests written out as bytes, and the files of them that wrk replays."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from benchmarks.load.documents import urn

_HOST = b"Host: localhost\r\n"
_JSON = b"Content-Type: application/json\r\n"


def get(path: str) -> bytes:
    """Write a GET request."""
    return b"GET %b HTTP/1.1\r\n%b\r\n" % (path.encode(), _HOST)


def send(method: str, path: str, body: bytes, *, authorization: str = "") -> bytes:
    """Write a request with a JSON body."""
    allowed = f"Authorization: {authorization}\r\n" if authorization else ""
    head = b"%b %b HTTP/1.1\r\n%b%b%bContent-Length: %d\r\n\r\n" % (
        method.encode(),
        path.encode(),
        _HOST,
        allowed.encode(),
        _JSON,
        len(body),
    )
    return head + body


def entity_path(uuid: str) -> str:
    """Name the path of an entity of the benchmarks' collection."""
    return f"/entity/{urn(uuid)}"


def write_file(path: Path, requests: Iterable[bytes]) -> Path:
    """Write requests the way replay.lua reads them: for each its length on a line, then its bytes."""
    with path.open("wb") as file:
        for request in requests:
            file.write(b"%d\n" % len(request))
            file.write(request)
    return path
