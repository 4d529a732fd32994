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
      'T' name...                             what this node has last seen of the metadata; its own, in no group

    raft/   (the log; 'L' is what is synced before a write is acknowledged)
      'L' group:2 index:8                     log entry: checksum + encoded entry
      'H' group:2                             hard state: term, vote, commit
      'S' group:2                             where the log begins: index, term, membership
      'N' group:2                             a snapshot is being installed: which one, until it is done
      'X' group:2                             the group is being removed, until it is done
      'P'                                     a plan of recovery is being applied: which one, until it is done

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
METADATA_GROUP = 0
TOPOLOGY_KEY = b"T"
"""Where a node keeps the last topology that it has seen, and begins the keys of what else it must not forget.

Its own: part of no snapshot, and of no group.
"""

RECOVERY_KEY = b"P"
"""Where the log database says that a plan of recovery is being applied: the node must not start before it is done."""

_SHARD_KINDS = (b"C", b"D", b"E", b"F", b"I", b"J")


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


def group_ranges(group: int) -> tuple[tuple[bytes, bytes], ...]:
    """Every [start, end) of the state of a group, in byte order: what a snapshot holds, and what removing it removes.

    Of group 0 they are the metadata, of any other those of the shard with that number.
    """
    machine = machine_state(group), machine_state(group) + b"\0"
    if group == METADATA_GROUP:
        return (
            (METADATA_PREFIX, after_prefix(METADATA_PREFIX)),
            machine,
            (METADATA_REVISION_KEY, METADATA_REVISION_KEY + b"\0"),
        )
    prefixes = [_GROUP.pack(kind, group) for kind in _SHARD_KINDS]
    return (*((prefix, after_prefix(prefix)) for prefix in prefixes), machine)


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


def pending_install(group: int) -> bytes:
    """Key of the note that a snapshot is being installed."""
    return _GROUP.pack(b"N", group)


def pending_removal(group: int) -> bytes:
    """Key of the note that a group is being removed."""
    return _GROUP.pack(b"X", group)


def pending_installs() -> tuple[bytes, bytes]:
    """[start, end) of the notes of all groups that a snapshot is being installed."""
    return b"N", after_prefix(b"N")


def pending_removals() -> tuple[bytes, bytes]:
    """[start, end) of the notes of all groups that are being removed."""
    return b"X", after_prefix(b"X")


def after_prefix(prefix: bytes) -> bytes:
    """Return the smallest key above every key that starts with `prefix`."""
    trimmed = prefix.rstrip(b"\xff")
    if not trimmed:
        raise ValueError("no key is above a prefix of 0xff bytes")
    return trimmed[:-1] + bytes([trimmed[-1] + 1])
