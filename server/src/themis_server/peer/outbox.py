"""What waits to be written to a socket: frames in, chunks of a good size out. Pure."""

from __future__ import annotations

from collections import deque
from typing import Final

from themis_server.peer.frames import HEADER_BYTES, PING, header

__all__ = ["CHUNK_BYTES", "Outbox"]

CHUNK_BYTES: Final = 64 << 10
"""Up to here frames are put together, and larger ones are cut: what one write takes."""


class Outbox:
    """A queue of frames on their way out.

    `chunk` says what to write now and keeps saying it until `took` says how much of it was written: TLS wants the same
    bytes again after it could not write them.
    """

    __slots__ = ("_chunk", "_queue", "_waiting_bytes", "attempted_bytes", "enqueued_bytes")

    def __init__(self) -> None:
        self._queue: deque[bytes | memoryview] = deque()
        self._waiting_bytes = 0
        self._chunk: memoryview | None = None
        self.enqueued_bytes = 0
        """Bytes that were ever put in, frame headers included."""
        self.attempted_bytes = 0
        """Up to where bytes were ever given out to be written: what lies beyond was surely not sent."""

    @property
    def queued_bytes(self) -> int:
        """Bytes that are not written yet."""
        return self._waiting_bytes if self._chunk is None else self._waiting_bytes + len(self._chunk)

    def put(self, payload: bytes) -> None:
        """Add a frame; one without payload is a ping."""
        size = len(payload)
        if not size:
            self._queue.append(PING)
        elif size <= CHUNK_BYTES:
            self._queue.append(header(size) + payload)
        else:
            view = memoryview(payload)
            self._queue.append(header(size))
            self._queue.extend(view[at : at + CHUNK_BYTES] for at in range(0, size, CHUNK_BYTES))
        size += HEADER_BYTES
        self._waiting_bytes += size
        self.enqueued_bytes += size

    def chunk(self) -> memoryview | None:
        """Return what to write next, or None when nothing waits."""
        if self._chunk is None and self._queue:
            self._chunk = memoryview(self._next())
        return self._chunk

    def took(self, written_bytes: int) -> None:
        """Note that so many bytes of the chunk were written."""
        chunk = self._chunk
        assert chunk is not None, "only a chunk that was given out is written"
        self._chunk = chunk[written_bytes:] if written_bytes < len(chunk) else None

    def clear(self) -> None:
        """Drop everything."""
        self._queue.clear()
        self._waiting_bytes = 0
        self._chunk = None

    def _next(self) -> bytes | memoryview:
        queue = self._queue
        first = queue.popleft()
        size = len(first)
        if queue and size + len(queue[0]) <= CHUNK_BYTES:
            parts = [first]
            while queue and size + len(queue[0]) <= CHUNK_BYTES:
                parts.append(queue.popleft())
                size += len(parts[-1])
            first = b"".join(parts)
        self._waiting_bytes -= size
        self.attempted_bytes += size
        return first
