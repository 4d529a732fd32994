"""The durable Raft logs of a node: one database, all groups, one sync for all of them.

Damage is told apart from a crash. RocksDB cuts an incomplete record at the tail of its write-ahead log, which nobody
was acknowledged for, and refuses to open over a damaged record before it. On top of that each entry carries its own
checksum, entries must follow one another without a gap, and the log must reach at least as far as the commit index
that was saved.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import msgspec

from themis_server.storage import keys
from themis_server.storage.engine import CorruptionError, Engine, Overlay

_CHECKSUM_BYTES = 4


class HardState(msgspec.Struct, array_like=True, frozen=True):
    """What a Raft replica must never forget: its term, its vote in it, and what it knows to be committed."""

    term: int = 0
    vote: int = 0
    commit: int = 0


class LogStart(msgspec.Struct, array_like=True, frozen=True):
    """Where a group's log begins: everything up to `index` is in the state, and the membership as of then."""

    index: int
    term: int
    membership: bytes


@dataclass(frozen=True)
class Recovered:
    """What a group finds in the log when it starts."""

    start: LogStart
    hard_state: HardState
    entries: list[bytes]
    """Encoded, from start.index + 1 on, without a gap."""


_encoder = msgspec.msgpack.Encoder()
_hard_state_decoder = msgspec.msgpack.Decoder(HardState)
_start_decoder = msgspec.msgpack.Decoder(LogStart)


class Log:
    """The logs of all groups of a node, in one database."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def new_write(self) -> Overlay:
        """Return an empty write, to be filled by the functions below and made durable by `commit`."""
        return Overlay(self._engine)

    def recover(self, group: int) -> Recovered | None:
        """Return what the log holds of a group, None if the group is new; raises `CorruptionError`."""
        raw_start = self._engine.get(keys.log_start(group))
        if raw_start is None:
            return None
        start = _start_decoder.decode(raw_start)
        raw_hard_state = self._engine.get(keys.hard_state(group))
        hard_state = HardState() if raw_hard_state is None else _hard_state_decoder.decode(raw_hard_state)
        entries = []
        expected = start.index + 1
        lower, upper = keys.log_range(group, expected, (1 << 64) - 2)
        for key, stored in self._engine.scan(lower, upper):
            index = int.from_bytes(key[-8:])
            if index != expected:
                raise CorruptionError(f"the log of group {group} has no entry {expected}, but has entry {index}")
            entries.append(_checked(stored, group, index))
            expected += 1
        if expected - 1 < hard_state.commit:
            raise CorruptionError(
                f"the log of group {group} ends at entry {expected - 1}, but entry {hard_state.commit} was committed: "
                "acknowledged writes are missing"
            )
        return Recovered(start, hard_state, entries)

    def groups(self) -> list[int]:
        """Return the groups that have a log here, in order."""
        start, end = keys.log_start(0), keys.after_prefix(keys.log_start(0)[:1])
        return [int.from_bytes(key[1:]) for key, _ in self._engine.scan(start, end)]

    def tombstone(self, group: int) -> HardState | None:
        """Return what a replica that is gone from here had promised: its term and vote; None if there never was one."""
        raw = self._engine.get(keys.hard_state(group))
        if raw is None or self._engine.get(keys.log_start(group)) is not None:
            return None
        promised = _hard_state_decoder.decode(raw)
        return HardState(promised.term, promised.vote)

    @staticmethod
    def append(write: Overlay, group: int, entries: list[tuple[int, bytes]]) -> int:
        """Add encoded entries to `write`; return how many bytes that is. An index that exists is replaced."""
        size = 0
        for index, encoded in entries:
            write.put(keys.log_entry(group, index), zlib.crc32(encoded).to_bytes(_CHECKSUM_BYTES) + encoded)
            size += len(encoded)
        return size

    @staticmethod
    def truncate_from(write: Overlay, group: int, first: int) -> None:
        """Remove entry `first` and all after it: a new leader has other entries there. Call it before `append`."""
        write.delete_range(*keys.log_range(group, first, (1 << 64) - 2))

    @staticmethod
    def save_hard_state(write: Overlay, group: int, hard_state: HardState) -> None:
        """Put a group's hard state into `write`."""
        write.put(keys.hard_state(group), _encoder.encode(hard_state))

    @staticmethod
    def save_start(write: Overlay, group: int, start: LogStart) -> None:
        """Put where a group's log begins into `write`, and remove the entries before that."""
        write.delete_range(*keys.log_range(group, 0, start.index))
        write.put(keys.log_start(group), _encoder.encode(start))

    def commit(self, write: Overlay, *, sync: bool) -> None:
        """Make `write` visible and, with `sync`, durable. An error of the sync itself must stop the node."""
        self._engine.write(write)
        if sync:
            self._engine.sync()

    def reopen(self) -> None:
        """Open the database again, after it found the disk full."""
        self._engine.reopen()

    def sync(self) -> None:
        """Make everything written so far durable."""
        self._engine.sync()


def _checked(stored: bytes, group: int, index: int) -> bytes:
    checksum, encoded = stored[:_CHECKSUM_BYTES], stored[_CHECKSUM_BYTES:]
    if zlib.crc32(encoded).to_bytes(_CHECKSUM_BYTES) != checksum:
        raise CorruptionError(f"entry {index} of the log of group {group} fails its checksum")
    return encoded
