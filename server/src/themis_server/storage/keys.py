"""The whole key layout, drawn. Every integer is big-endian, so byte order is numeric order.

    data/   (the state; one row a kind of key)
      'E' shard:2 collection:4 uuid:16        entity: header (see values.py) + the JSON as received
      'C' shard:2 collection:4                how many live entities the collection has in this shard, 8 bytes
      'D' shard:2 collection:4                the collection was dropped: later writes to it are refused
      'F' shard:2 version:8                   change feed event, in version order
      'I' shard:2 digest:16                   what an idempotent write answered
      'J' shard:2 expires_ms:8 digest:16      the same records by the time they expire
      'M' group:2                             state of a group's machine: applied index and term, last version
      'K' key...                              metadata: key -> value with revisions (group 0 only)
      'R'                                     revision of the metadata

    raft/   (the log; 'L' is what is synced before a write is acknowledged)
      'L' group:2 index:8                     log entry: checksum + encoded entry
      'H' group:2                             hard state: term, vote, commit
      'S' group:2                             where the log begins: index, term, membership

A shard's state is a handful of contiguous ranges, so it can be counted, sent as a snapshot or dropped by range.
Within a collection keys are in uuid order, which is the order in which a listing presents them.
"""

from __future__ import annotations

import struct

_SHARD_COLLECTION = struct.Struct(">cHI")
_GROUP_NUMBER = struct.Struct(">cHQ")
_GROUP = struct.Struct(">cH")

ENTITY_PREFIX_BYTES = 7
METADATA_REVISION_KEY = b"R"
METADATA_PREFIX = b"K"


def entity_prefix(shard: int, collection: int) -> bytes:
    """Key prefix of a collection's entities in a shard; the 16 bytes of the uuid follow."""
    return _SHARD_COLLECTION.pack(b"E", shard, collection)


def entity_range(shard: int, collection: int) -> tuple[bytes, bytes]:
    """[start, end) of a collection's entities in a shard."""
    return _SHARD_COLLECTION.pack(b"E", shard, collection), after_prefix(
        _SHARD_COLLECTION.pack(b"E", shard, collection)
    )


def count(shard: int, collection: int) -> bytes:
    """Key of a collection's live entity count in a shard."""
    return _SHARD_COLLECTION.pack(b"C", shard, collection)


def dropped(shard: int, collection: int) -> bytes:
    """Key of the mark that a collection was dropped from a shard."""
    return _SHARD_COLLECTION.pack(b"D", shard, collection)


def dropped_range(shard: int) -> tuple[bytes, bytes]:
    """[start, end) of a shard's marks of dropped collections."""
    return _GROUP.pack(b"D", shard), after_prefix(_GROUP.pack(b"D", shard))


def event(shard: int, version: int) -> bytes:
    """Key of the change feed event that made `version`."""
    return _GROUP_NUMBER.pack(b"F", shard, version)


def idempotency(shard: int, digest: bytes) -> bytes:
    """Key of the record of an idempotent write."""
    return _GROUP.pack(b"I", shard) + digest


def idempotency_expiry(shard: int, expires_ms: int, digest: bytes) -> bytes:
    """Key under which the same record is found by the time it expires."""
    return _GROUP_NUMBER.pack(b"J", shard, expires_ms) + digest


def idempotency_expiry_range(shard: int) -> tuple[bytes, bytes]:
    """[start, end) of a shard's idempotency records by expiry."""
    return _GROUP.pack(b"J", shard), after_prefix(_GROUP.pack(b"J", shard))


def machine_state(group: int) -> bytes:
    """Key of a group's machine state."""
    return _GROUP.pack(b"M", group)


def metadata(key: str) -> bytes:
    """Key of a metadata entry."""
    return METADATA_PREFIX + key.encode()


def log_entry(group: int, index: int) -> bytes:
    """Key of a log entry."""
    return _GROUP_NUMBER.pack(b"L", group, index)


def log_range(group: int, first: int, last: int) -> tuple[bytes, bytes]:
    """[start, end) of the log entries first..last, both included."""
    return log_entry(group, first), log_entry(group, last + 1)


def hard_state(group: int) -> bytes:
    """Key of a group's hard state."""
    return _GROUP.pack(b"H", group)


def log_start(group: int) -> bytes:
    """Key of the record that says where a group's log begins."""
    return _GROUP.pack(b"S", group)


def after_prefix(prefix: bytes) -> bytes:
    """Return the smallest key above every key that starts with `prefix`."""
    trimmed = prefix.rstrip(b"\xff")
    if not trimmed:
        raise ValueError("no key is above a prefix of 0xff bytes")
    return trimmed[:-1] + bytes([trimmed[-1] + 1])
