"""The state machine of the metadata (group 0): a small key-value store with revisions, transactions and leases.

After etcd: every change of anything raises the revision of the whole by one; a key remembers the revision that last
modified it.
"""

from __future__ import annotations

import msgspec

from themis_server.statemachine import version
from themis_server.statemachine.command import (
    LeaseEnd,
    LeaseGrant,
    MetadataOp,
    MetadataTransaction,
    Result,
    Transacted,
    UnreadableEntry,
    decode_entry,
)
from themis_server.statemachine.machine import load_state, save_state
from themis_server.storage import keys
from themis_server.storage.engine import Overlay, Reader

GROUP = 0
_LEASES = "\x00leases/"


class Stored(msgspec.Struct, array_like=True, frozen=True):
    """A metadata value, the revision that set it, and the lease that holds it (0 for none)."""

    value: bytes
    revision: int
    lease: int = 0


class Change(msgspec.Struct, frozen=True):
    """A change that watchers are told of: the new value, or None when the key was removed."""

    key: str
    value: bytes | None
    revision: int


class _Lease(msgspec.Struct, array_like=True, frozen=True):
    ttl_ms: int
    expires_ms: int


_encoder = msgspec.msgpack.Encoder()
_stored_decoder = msgspec.msgpack.Decoder(Stored)
_lease_decoder = msgspec.msgpack.Decoder(_Lease)


def read(reader: Reader, key: str) -> Stored | None:
    """Return a metadata value."""
    raw = reader.get(keys.metadata(key))
    return None if raw is None else _stored_decoder.decode(raw)


def read_prefix(reader: Reader, prefix: str) -> dict[str, Stored]:
    """Return the metadata under `prefix`, in key order."""
    start = keys.metadata(prefix)
    found = reader.scan(start, keys.after_prefix(start))
    return {key[len(keys.METADATA_PREFIX) :].decode(): _stored_decoder.decode(raw) for key, raw in found}


def read_revision(reader: Reader) -> int:
    """Return the revision of the whole store."""
    return int.from_bytes(reader.get(keys.METADATA_REVISION_KEY) or b"")


def expired_leases(reader: Reader, now_ms: int) -> list[int]:
    """Return the leases whose time has passed at `now_ms`: what a leader proposes to end."""
    return [
        int(key[len(_LEASES) :])
        for key, stored in read_prefix(reader, _LEASES).items()
        if _lease_decoder.decode(stored.value).expires_ms <= now_ms
    ]


class MetadataMachine:
    """Applies the committed entries of group 0, and keeps the changes until they are collected for watchers."""

    def __init__(self, reader: Reader) -> None:
        self.state = load_state(reader, GROUP)
        self.changes: list[Change] = []

    def apply(self, index: int, term: int, payload: bytes, overlay: Overlay) -> list[Result]:
        """Apply one committed entry and answer each of its commands, in order."""
        results: list[Result] = []
        if payload:
            entry = decode_entry(payload)
            now_ms = version.to_unix_ms(entry.proposed)
            for command in entry.commands:
                if isinstance(command, MetadataTransaction):
                    results.append(self._transact(command, overlay))
                elif isinstance(command, LeaseGrant):
                    results.append(self._grant(command, now_ms, overlay))
                elif isinstance(command, LeaseEnd):
                    results.append(self._end(command, now_ms, overlay))
                else:
                    raise UnreadableEntry(
                        f"the metadata was given a {type(command).__name__}, which is for data shards"
                    )
        self.state.applied_index, self.state.applied_term = index, term
        save_state(overlay, GROUP, self.state)
        return results

    def collect_changes(self) -> list[Change]:
        """Return the changes since the last call, in order."""
        changes, self.changes = self.changes, []
        return changes

    def _transact(self, command: MetadataTransaction, overlay: Overlay) -> Transacted:
        revision = read_revision(overlay)
        for compare in command.compares:
            stored = read(overlay, compare.key)
            if (0 if stored is None else stored.revision) != compare.revision:
                return Transacted(False, revision)
        if any(op.lease and read(overlay, _lease_key(op.lease)) is None for op in command.ops):
            return Transacted(False, revision)
        return Transacted(True, self._change(list(command.ops), overlay))

    def _change(self, ops: list[MetadataOp], overlay: Overlay) -> int:
        revision = read_revision(overlay) + 1
        overlay.put(keys.METADATA_REVISION_KEY, revision.to_bytes(8))
        for op in ops:
            if op.value is None:
                overlay.delete(keys.metadata(op.key))
            else:
                overlay.put(keys.metadata(op.key), _encoder.encode(Stored(op.value, revision, op.lease)))
            self.changes.append(Change(op.key, op.value, revision))
        return revision

    def _grant(self, command: LeaseGrant, now_ms: int, overlay: Overlay) -> Transacted:
        lease = command.lease
        if lease and read(overlay, _lease_key(lease)) is None:
            return Transacted(False, read_revision(overlay), lease)
        lease = lease or read_revision(overlay) + 1  # revisions never repeat, so neither do the numbers of leases
        record = _encoder.encode(_Lease(command.ttl_ms, now_ms + command.ttl_ms))
        return Transacted(True, self._change([MetadataOp(_lease_key(lease), record)], overlay), lease)

    def _end(self, command: LeaseEnd, now_ms: int, overlay: Overlay) -> Transacted:
        key = _lease_key(command.lease)
        stored = read(overlay, key)
        if stored is None:
            return Transacted(False, read_revision(overlay), command.lease)
        if command.only_if_expired and _lease_decoder.decode(stored.value).expires_ms > now_ms:
            return Transacted(False, read_revision(overlay), command.lease)
        held = [name for name, other in read_prefix(overlay, "").items() if other.lease == command.lease]
        return Transacted(True, self._change([MetadataOp(name, None) for name in [*held, key]], overlay), command.lease)


def _lease_key(lease: int) -> str:
    return f"{_LEASES}{lease}"
