"""Messages that no correct peer would send: eraftpb.Message encoded and taken apart by hand."""

from __future__ import annotations

from collections.abc import Iterator

# Message types by number (eraftpb.MessageType).
APPEND, APPEND_RESPONSE, VOTE, VOTE_RESPONSE, SNAPSHOT, HEARTBEAT = 3, 4, 5, 6, 7, 8
TRANSFER_LEADER, TIMEOUT_NOW, READ_INDEX, PRE_VOTE, PRE_VOTE_RESPONSE = 13, 14, 15, 17, 18

_MESSAGE = {
    "kind": 1, "to": 2, "sender": 3, "term": 4, "log_term": 5, "index": 6, "entries": 7, "commit": 8, "snapshot": 9,
    "reject": 10, "reject_hint": 11, "context": 12, "request_snapshot": 13, "commit_term": 15, "priority": 16,
}  # fmt: skip
_ENTRY = {"kind": 1, "term": 2, "index": 3, "data": 4}
_METADATA = {"conf_state": 1, "index": 2, "term": 3}

Value = int | bytes | list[bytes]


def varint(value: int) -> bytes:
    """Encode a number as protobuf does; negative ones as 64-bit two's complement."""
    value &= (1 << 64) - 1
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def field(number: int, value: Value) -> bytes:
    """One field with its tag; a list is a repeated field."""
    if isinstance(value, list):
        return b"".join(field(number, item) for item in value)
    if isinstance(value, bytes):
        return varint(number << 3 | 2) + varint(len(value)) + value
    return varint(number << 3) + varint(value)


def fields(data: bytes) -> Iterator[tuple[int, bytes]]:
    """The top-level fields of a well formed message: number, and the whole field with its tag."""
    at = 0
    while at < len(data):
        start = at
        tag, at = _read_varint(data, at)
        length, at = _read_varint(data, at)
        at += length if tag & 7 == 2 else 0
        yield tag >> 3, data[start:at]


def message(**values: Value) -> bytes:
    """A message by field names (`kind`, `to`, `sender`, `term`, ...)."""
    return b"".join(field(_MESSAGE[name], value) for name, value in values.items())


def entry(**values: Value) -> bytes:
    """An entry: `kind`, `term`, `index`, `data`."""
    return b"".join(field(_ENTRY[name], value) for name, value in values.items())


def snapshot(index: int, term: int, conf_state: bytes, data: bytes = b"") -> bytes:
    """A snapshot."""
    values: dict[str, Value] = {"conf_state": conf_state, "index": index, "term": term}
    metadata = b"".join(field(_METADATA[name], value) for name, value in values.items())
    return field(1, data) + field(2, metadata)


def _read_varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        shift, at = shift + 7, at + 1
        if not byte & 0x80:
            return value, at
