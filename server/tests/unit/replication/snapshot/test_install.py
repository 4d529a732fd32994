"""All of a state or none of it, whatever moment the power goes."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from server.tests.unit.replication.snapshot.states import (
    GROUP,
    INDEX,
    MEMBERS,
    TERM,
    Receiving,
    content,
    fill,
    pinned,
    said,
    staged,
)
from themis_server.replication.log import HardState, Log, LogStart, Recovered
from themis_server.replication.snapshot import install as install_module
from themis_server.replication.snapshot.install import SnapshotMismatch, install, pending
from themis_server.replication.snapshot.pins import Pin
from themis_server.replication.snapshot.recover import Recovery, recover
from themis_server.replication.snapshot.staging import StagedSnapshot
from themis_server.statemachine.machine import MachineState, save_state
from themis_server.storage import keys
from themis_server.storage.engine import CorruptionError, DiskFull, Engine, Overlay
from themis_server.storage.memory import MemoryEngine
from themis_server.storage.rocks import RocksEngine, Role

HARD_STATE = HardState(3, 2, 14)
AFTER = Recovered(LogStart(INDEX, TERM, MEMBERS), HardState(3, 2, INDEX), [])


def sent() -> tuple[MemoryEngine, Pin]:
    engine = MemoryEngine()
    fill(engine)
    return engine, pinned(engine)


class Installing(Receiving):
    """A node that is behind, with a content staged."""

    def __init__(self, log: Engine | None = None, state: Engine | None = None) -> None:
        super().__init__(log, state)
        self.sent, pin = sent()
        self.staged: StagedSnapshot = staged(self.state, pin)
        self.beside = self.neighbours()
        self.after = {**self.before, **content(self.sent, GROUP)}
        for key in content(self.state, GROUP).keys() - content(self.sent, GROUP).keys():
            del self.after[key]

    def slices(self) -> list[None]:
        return list(install(self.log, self.state, GROUP, self.staged, said(self.staged.manifest), HARD_STATE))

    def is_installed(self) -> bool:
        """Whether the new state is in force; False when the old one is. Anything else fails."""
        recovered = Log(self.log).recover(GROUP)
        assert recovered is not None
        if recovered.start.index == INDEX:
            assert content(self.state) == self.after
            assert recovered == AFTER
        else:
            assert content(self.state) == self.before
            assert content(self.log) == self.log_before
        assert self.neighbours() == self.beside
        assert pending(self.log) == {}
        assert self.state.bulk_loads() == {}
        return recovered.start.index == INDEX


def test_the_state_and_the_beginning_of_the_log_are_those_of_the_snapshot() -> None:
    at = Installing()

    at.slices()

    assert at.is_installed()


def test_what_a_group_learnt_about_its_commit_index_is_never_behind_its_log() -> None:
    at = Installing()
    at.slices()

    assert Log(at.log).recover(GROUP) == AFTER  # its hard state said 14, the log begins after 40


def crashed(steps: int, keep_log: int, keep_state: int) -> Installing:
    """Lose power after so many slices, with a part of what was not synced on the disk all the same."""
    at = Installing()
    slices = install(at.log, at.state, GROUP, at.staged, said(at.staged.manifest), HARD_STATE)
    for _ in range(steps):
        next(slices, None)
    assert isinstance(at.log, MemoryEngine)
    assert isinstance(at.state, MemoryEngine)
    at.log.crash(keep_log)
    at.state.crash(keep_state)
    return at


SLICES = len(Installing().slices())


@pytest.mark.parametrize("keep_state", [0, 1, 99])
@pytest.mark.parametrize("keep_log", [0, 99])
@pytest.mark.parametrize("steps", range(SLICES + 2))
def test_after_a_crash_at_any_step_it_is_finished_or_never_began(steps: int, keep_log: int, keep_state: int) -> None:
    at = crashed(steps, keep_log, keep_state)

    recovery = recover(at.log, at.state)

    assert at.is_installed() == (steps > 0)  # the first slice ends with the note synced
    assert recovery.installed == ((GROUP,) if 0 < steps < SLICES else ())
    assert recover(at.log, at.state) == Recovery()


@pytest.mark.parametrize("steps", range(1, SLICES))
def test_a_crash_during_the_redo_is_made_good_too(steps: int) -> None:
    for redo_steps in range(SLICES):
        at = crashed(steps, 0, 0)
        assert isinstance(at.log, MemoryEngine)
        assert isinstance(at.state, MemoryEngine)
        (note,) = install_module._pending(at.log).values()
        slices = at.state.replace(keys.group_ranges(GROUP), note.load, verify=True)
        rest = install_module._rest(at.log, at.state, GROUP, note, slices)
        for _ in range(redo_steps):
            next(rest, None)
        at.log.crash()
        at.state.crash()

        recover(at.log, at.state)

        assert at.is_installed()


@pytest.mark.parametrize(
    "plant",
    [
        lambda at, monkeypatch: monkeypatch.setattr(at.log, "sync", lambda: None),
        lambda at, monkeypatch: monkeypatch.setattr(keys, "pending_installs", lambda: (b"N", b"N")),
        lambda at, monkeypatch: monkeypatch.setattr(Log, "save_start", staticmethod(lambda *_: None)),
        lambda at, monkeypatch: monkeypatch.setattr(keys, "group_ranges", lambda _: ()),
    ],
    ids=["the note is not synced", "nobody looks for notes", "the log begins as before", "the old state stays"],
)
def test_the_checks_above_notice_a_planted_fault(
    plant: Callable[[Installing, pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    at = Installing()
    plant(at, monkeypatch)
    slices = install(at.log, at.state, GROUP, at.staged, said(at.staged.manifest), HARD_STATE)
    caught = []
    for steps in range(SLICES + 1):
        if steps:
            next(slices, None)
        copy = copied_in_memory(at)
        try:
            copy.log.crash()  # type: ignore[attr-defined]
            copy.state.crash()  # type: ignore[attr-defined]
            recover(copy.log, copy.state)
            if copy.is_installed() != (steps > 0):
                caught.append(steps)
        except (AssertionError, CorruptionError):
            caught.append(steps)

    assert caught


def copied_in_memory(at: Installing) -> Installing:
    """Copy a node with what is synced, what is not, and what is staged."""
    copy = Installing.__new__(Installing)
    copy.__dict__.update(at.__dict__)
    for name in ("log", "state"):
        engine, new = getattr(at, name), MemoryEngine()
        new._values, new._keys = dict(engine._values), list(engine._keys)
        new._unsynced = [list(undo) for undo in engine._unsynced]
        new._loads = dict(engine._loads)
        setattr(copy, name, new)
    return copy


@pytest.mark.parametrize("change", [{"index": INDEX + 1}, {"term": TERM + 1}, {"data": b"other"}, {"group": GROUP + 1}])
def test_a_message_about_other_content_changes_nothing(change: dict[str, object]) -> None:
    at = Installing()
    message = said(at.staged.manifest)
    group = int(str(change.pop("group", GROUP)))
    for name, value in change.items():
        object.__setattr__(message, name, value)

    with pytest.raises(SnapshotMismatch):
        install(at.log, at.state, group, at.staged, message, HARD_STATE)

    assert content(at.state) == at.before
    assert content(at.log) == at.log_before


def test_a_content_that_is_gone_changes_nothing() -> None:
    at = Installing()
    at.state.discard_load(at.staged.load)

    with pytest.raises(CorruptionError):
        install(at.log, at.state, GROUP, at.staged, said(at.staged.manifest), HARD_STATE)

    assert content(at.state) == at.before
    assert content(at.log) == at.log_before


def test_a_node_whose_content_is_gone_halfway_does_not_start_as_if_nothing_had_been() -> None:
    at = crashed(3, 0, 0)
    at.state.discard_load(at.staged.load)

    with pytest.raises(CorruptionError):
        recover(at.log, at.state)


def test_a_note_that_cannot_be_read_stops_the_start() -> None:
    at = Installing()
    write = Overlay(at.log)
    write.put(keys.pending_install(GROUP), b"\xc1")
    at.log.write(write)

    with pytest.raises(CorruptionError, match="note of an installation of group 3"):
        recover(at.log, at.state)


@pytest.mark.parametrize("full_from", range(SLICES))
def test_after_a_full_disk_it_is_begun_again(full_from: int) -> None:
    at = Installing()
    assert isinstance(at.state, MemoryEngine)
    assert isinstance(at.log, MemoryEngine)
    slices = install(at.log, at.state, GROUP, at.staged, said(at.staged.manifest), HARD_STATE)
    for _ in range(full_from):
        next(slices)
    at.state.full = at.log.full = True
    with contextlib.suppress(DiskFull):
        list(slices)
    at.state.full = at.log.full = False

    with contextlib.suppress(CorruptionError):  # it had ended, and the content was discarded
        at.slices()

    assert at.is_installed()


def test_contents_that_nobody_noted_are_discarded_at_the_start() -> None:
    at = Installing()
    _, pin = sent()
    other = staged(at.state, pin)
    at.state.bulk_load("4-5-half")

    assert recover(at.log, at.state) == Recovery((), (), tuple(sorted({other.load, "4-5-half"})))

    assert at.state.bulk_loads() == {}
    assert content(at.state) == at.before


def test_metadata_is_installed_as_data_is() -> None:
    sending, receiving = MemoryEngine(), MemoryEngine()
    for engine, mark in ((sending, b"new"), (receiving, b"old")):
        overlay = Overlay(engine)
        overlay.put(keys.metadata("topology"), mark)
        overlay.put(keys.metadata(mark.decode()), mark)
        overlay.put(keys.METADATA_REVISION_KEY, mark)
        overlay.put(keys.TOPOLOGY_KEY, mark)
        engine.write(overlay)
    fill(receiving)
    overlay = Overlay(sending)
    save_state(overlay, 0, MachineState(INDEX, TERM))
    sending.write(overlay)
    beside = content(receiving, GROUP)
    arrived = staged(receiving, pinned(sending, 0))

    list(install(MemoryEngine(), receiving, 0, arrived, said(arrived.manifest), HARD_STATE))

    assert content(receiving, 0) == content(sending, 0)
    assert receiving.get(keys.TOPOLOGY_KEY) == b"old"  # what this node has seen is its own
    assert content(receiving, GROUP) == beside


def opened(path: Path) -> tuple[RocksEngine, RocksEngine]:
    log = RocksEngine(path / "raft", Role.LOG, write_buffer_bytes=1 << 20)
    return log, RocksEngine(path / "data", Role.STATE, block_cache_bytes=1 << 20, write_buffer_bytes=1 << 20)


def copied(path: Path, copy: Path) -> None:
    """Copy a data directory as a power failure would leave it, had the disk kept every write."""
    while True:  # RocksDB removes files beside us
        before = sorted(path.rglob("*"))
        with contextlib.suppress(shutil.Error):
            shutil.copytree(path, copy, ignore=shutil.ignore_patterns("LOCK"))
            if sorted(path.rglob("*")) == before:
                return
        shutil.rmtree(copy)


@pytest.mark.parametrize("unsynced_lost", [False, True])
def test_rocksdb_after_a_crash_at_any_step(tmp_path: Path, unsynced_lost: bool) -> None:
    log, state = opened(tmp_path / "node")
    at = Installing(log, state)
    slices = install(at.log, at.state, GROUP, at.staged, said(at.staged.manifest), HARD_STATE)
    copied(tmp_path / "node", tmp_path / "copy0")
    steps = 0
    for steps, _ in enumerate(slices, 1):
        copied(tmp_path / "node", tmp_path / f"copy{steps}")
    log.close()
    state.close()
    synced = {file.name: file.read_bytes() for file in (tmp_path / "copy0/data").glob("*.log")}

    assert steps >= 4
    for step in range(steps + 1):
        copy = tmp_path / f"copy{step}"
        if unsynced_lost and step:  # what the last sync before step 1 left, and nothing that came later
            for file in (copy / "data").glob("*.log"):
                file.write_bytes(synced.get(file.name, b""))
        at.log, at.state = log, state = opened(copy)
        recover(at.log, at.state)
        assert at.is_installed() == (step > 0)
        log.close()
        state.close()
