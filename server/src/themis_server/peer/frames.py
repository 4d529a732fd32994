"""Frames: how a stream of bytes is cut into messages. Pure.

    u32 length, big endian | payload

A frame without payload is the ping: it says that the sender is there, and nothing else. A frame longer than the
reader's limit is refused by its header, before any of it is kept.
"""

from __future__ import annotations

import struct
from typing import Final

__all__ = ["HEADER_BYTES", "PING", "FrameReader", "MalformedFrame", "header"]

_HEADER: Final = struct.Struct(">I")
HEADER_BYTES: Final = _HEADER.size
PING: Final = _HEADER.pack(0)
"""A whole ping on the wire."""


class MalformedFrame(ValueError):
    """What arrived breaks the protocol: the stream is closed and the case counted, nothing else happens.

    Those who interpret payloads raise it, or a subclass, from where they are handed one.
    """


def header(payload_bytes: int) -> bytes:
    """Return what goes before a payload of so many bytes (below 2^32)."""
    return _HEADER.pack(payload_bytes)


class FrameReader:
    """Cuts what arrives into payloads; keeps at most one incomplete frame."""

    __slots__ = ("_kept", "_wanted", "limit_bytes")

    def __init__(self, limit_bytes: int) -> None:
        """Make a reader that takes payloads of up to `limit_bytes`; the limit may be changed between two calls."""
        self.limit_bytes = limit_bytes
        self._kept = bytearray()
        self._wanted = HEADER_BYTES
        """What must be here before it is worth to look again: the frame's end, or the header's."""

    @property
    def kept_bytes(self) -> int:
        """How much of an incomplete frame is here."""
        return len(self._kept)

    def feed(self, data: bytes) -> list[bytes]:
        """Take what arrived, and return the payloads that are now complete, in order.

        Raises MalformedFrame for a frame beyond the limit; the reader must not be used after that.
        """
        kept = self._kept
        if kept:
            kept += data
            if len(kept) < self._wanted:
                return []
            data = bytes(kept)
            kept.clear()
        payloads = []
        at, length = 0, len(data)
        while length - at >= HEADER_BYTES:
            (size,) = _HEADER.unpack_from(data, at)
            if size > self.limit_bytes:
                raise MalformedFrame(f"a frame of {size} bytes, at most {self.limit_bytes} are accepted")
            end = at + HEADER_BYTES + size
            if end > length:
                self._wanted = end - at
                break
            payloads.append(data[at + HEADER_BYTES : end])
            at = end
        else:
            self._wanted = HEADER_BYTES
        if at < length:
            kept += data[at:] if at else data
        return payloads
