"""A staged state in place of a group's own: all of it or, after a crash, all of it at the next start.

    1  raft/   N = which load, and how the log is to begin          synced: from here on it will be done
    2  data/   the group's ranges emptied, the load ingested        in slices; durable at the end
    3  raft/   the log emptied, S and H as the snapshot says, N removed      one write, synced
    4          the load discarded

A crash before 1 is durable leaves the old state and a load that nobody names, which the next start discards. After it
the state may be half there, and the note says so: the next start repeats 2 to 4 before anybody looks at the group.
Between 1 and 4 the group must not be read.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

import themis_raft
from themis_server.replication.log import HardState, Log, LogStart
from themis_server.replication.snapshot.manifest import encode
from themis_server.replication.snapshot.staging import StagedSnapshot
from themis_server.statemachine.machine import load_state
from themis_server.storage import keys
from themis_server.storage.engine import CorruptionError, Engine, Overlay


class SnapshotMismatch(Exception):
    """The Raft message speaks of other content than what was received with it. Nothing was changed."""


class _Note(msgspec.Struct, array_like=True, frozen=True):
    """What a redo must know."""

    load: str
    index: int
    term: int
    membership: bytes
    hard_state: tuple[int, int, int]


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(_Note)


def install(
    log: Engine,
    state: Engine,
    group: int,
    staged: StagedSnapshot,
    snapshot: themis_raft.Snapshot,
    hard_state: HardState,
) -> Iterator[None]:
    """Return the slices of an installation; when they are exhausted it is durable. May be repeated after `DiskFull`.

    Args:
        log: the raft/ database.
        state: the data/ database.
        group: whose state.
        staged: the content.
        snapshot: what Raft wants installed.
        hard_state: the group's, as of the same Ready.

    Raises:
        SnapshotMismatch: at once, if `staged` is not the content of `snapshot`.
        CorruptionError: the staged files are not what was sealed; nothing was changed.
    """
    manifest = staged.manifest
    if (manifest.group, manifest.index, manifest.term) != (group, snapshot.index, snapshot.term):
        raise SnapshotMismatch(
            f"group {group} is to begin after entry {snapshot.index} of term {snapshot.term}, and the content is of "
            f"group {manifest.group}, entry {manifest.index} of term {manifest.term}"
        )
    if snapshot.data != encode(manifest):
        raise SnapshotMismatch(f"the Raft message for group {group} does not name content {manifest.name}")
    # Entries up to the snapshot's are committed, whether the Ready says so or not; a log that ends before its commit
    # index would be refused at the next start.
    commit = max(hard_state.commit, snapshot.index)
    note = _Note(
        staged.load, snapshot.index, snapshot.term, snapshot.conf_state, (hard_state.term, hard_state.vote, commit)
    )
    slices = state.replace(keys.group_ranges(group), note.load)  # raises now if the load is not whole
    return _noted(log, state, group, note, slices)


def _noted(log: Engine, state: Engine, group: int, note: _Note, slices: Iterator[None]) -> Iterator[None]:
    begun = Overlay(log)
    begun.put(keys.pending_install(group), _encoder.encode(note))
    log.write(begun)
    log.sync()
    yield
    yield from _rest(log, state, group, note, slices)


def _rest(log: Engine, state: Engine, group: int, note: _Note, slices: Iterator[None]) -> Iterator[None]:
    yield from slices
    applied = load_state(state, group).applied_index
    if applied != note.index:
        raise CorruptionError(
            f"the snapshot of group {group} was installed at entry {note.index}, and its state is that of {applied}"
        )
    ended = Overlay(log)
    ended.delete_range(*keys.log_range(group, 0, (1 << 64) - 2))
    Log.save_start(ended, group, LogStart(note.index, note.term, note.membership))
    Log.save_hard_state(ended, group, HardState(*note.hard_state))
    ended.delete(keys.pending_install(group))
    log.write(ended)
    log.sync()
    yield
    state.discard_load(note.load)


def pending(log: Engine) -> dict[int, str]:
    """Return the groups whose installation a crash cut off, and the loads that it needs; raises `CorruptionError`."""
    return {group: note.load for group, note in _pending(log).items()}


def _pending(log: Engine) -> dict[int, _Note]:
    found = {}
    for key, stored in log.scan(*keys.pending_installs()):
        group = int.from_bytes(key[1:])
        try:
            found[group] = _decoder.decode(stored)
        except msgspec.MsgspecError as error:
            raise CorruptionError(f"the note of an installation of group {group} cannot be read: {error}") from error
    return found


def redo(log: Engine, state: Engine) -> list[int]:
    """End the installations that a crash cut off; return their groups. Before anybody reads logs or states.

    Raises `CorruptionError` where a load is gone or damaged: the old state is gone too, so the node must not go on
    as if it had voted for nothing.
    """
    notes = _pending(log)
    for group, note in notes.items():
        slices = state.replace(keys.group_ranges(group), note.load, verify=True)
        for _ in _rest(log, state, group, note, slices):
            pass
    return list(notes)
