"""The header that stands before the JSON of a stored entity.

    format:1  flags:1  key_id:2  version:8  JSON...

`flags` and `key_id` are zero until encryption at rest uses them. The JSON follows as it was received, so a read hands
out a slice and parses nothing.
"""

from __future__ import annotations

import struct

FORMAT = 1
HEADER_BYTES = 12
_HEADER = struct.Struct(">BBHQ")


def pack(version: int, document: bytes) -> bytes:
    """Return the stored form of `document` at `version`."""
    return _HEADER.pack(FORMAT, 0, 0, version) + document


def version_of(value: bytes) -> int:
    """Return the version in the header of a stored entity."""
    return int.from_bytes(value[4:12])


def document_of(value: bytes) -> bytes:
    """Return the JSON of a stored entity."""
    return value[HEADER_BYTES:]
