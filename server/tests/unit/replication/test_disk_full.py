"""A full disk: what was promised to Raft waits, who waits for it is told the truth, and nothing is lost or doubled."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from server.tests.unit.replication.turning import GROUP, Turned, putting, stored, succeeded
from themis_server.replication.driver import Work
from themis_server.replication.group import Completion, OutcomeUnknown, Proposal, Stalled
from themis_server.storage import keys
from themis_server.storage.engine import DiskFull, EngineError, Overlay
from themis_server.storage.memory import MemoryEngine

Which = Callable[[Turned], MemoryEngine]
DISKS = [pytest.param(lambda node: node.log, id="log"), pytest.param(lambda node: node.state, id="state")]


class Stalling(Turned):
    """A node whose disk becomes full, and which does in the meantime what its thread would do."""

    def __init__(self) -> None:
        self.waits = 0
        self.frees_after = 3
        self.loses_power = False
        self.during: list[Completion] = []
        self.arriving = Work()
        super().__init__(wait_for_space=self._wait)

    def _wait(self) -> None:
        if self.loses_power:
            raise KeyboardInterrupt
        self.waits += 1
        abandoned = self.driver.abandon(self.arriving, Stalled())
        self.arriving = Work()
        self.during += abandoned
        self.completions += abandoned
        if self.waits >= self.frees_after:
            self.log.full = self.state.full = False


@pytest.mark.parametrize("disk", DISKS)
def test_a_write_that_meets_a_full_disk_takes_effect_once_there_is_space(disk: Which) -> None:
    node = Stalling()
    disk(node).full = True

    node.put(1, b'{"a":1}')

    assert node.waits == 3
    assert stored(node.state, 1) == b'{"a":1}'
    assert node.notes.stalls == [True, False]
    assert int.from_bytes(node.state.get(keys.count(GROUP, 1)) or b"") == 1


def test_who_waits_for_the_log_is_told_at_once_that_the_outcome_is_unknown() -> None:
    node = Stalling()
    node.log.full = True

    (handle,) = node.propose(putting(1))

    assert [(done.handle, type(done.result)) for done in node.during] == [(handle, OutcomeUnknown)]
    assert isinstance(node.answers[handle], OutcomeUnknown)  # and is not told anything else afterwards


def test_a_write_that_is_committed_when_the_state_finds_no_space_is_acknowledged_after_it_is_there() -> None:
    node = Stalling()
    node.state.full = True

    (handle,) = node.propose(putting(1))

    assert node.during == []
    assert succeeded(node.answers[handle])
    assert stored(node.state, 1) == b"{}"


@pytest.mark.parametrize("disk", DISKS)
def test_what_arrives_during_the_stall_is_refused_and_does_not_happen(disk: Which) -> None:
    node = Stalling()
    disk(node).full = True
    node.arriving = Work(proposals={GROUP: [Proposal(putting(2), "late")]}, barriers=[(GROUP, "read")])

    node.put(1)

    assert isinstance(node.answers["late"], Stalled)
    assert isinstance(node.answers["read"], Stalled)
    assert stored(node.state, 2) is None


@pytest.mark.parametrize("disk", DISKS)
def test_after_the_stall_everything_is_as_before(disk: Which) -> None:
    node = Stalling()
    assert succeeded(node.put(1))
    disk(node).full = True
    node.put(2)

    assert succeeded(node.put(3))
    node.crash()

    assert [stored(node.state, number) for number in (1, 2, 3)] == [b"{}"] * 3
    assert int.from_bytes(node.state.get(keys.count(GROUP, 1)) or b"") == 3


@pytest.mark.parametrize("disk", DISKS)
def test_a_crash_during_the_stall_loses_nothing_that_was_acknowledged(disk: Which) -> None:
    node = Stalling()
    assert succeeded(node.put(1))
    disk(node).full = True

    node.loses_power = True
    with pytest.raises(KeyboardInterrupt):
        node.put(2)
    node.log.full = node.state.full = False
    node.crash()

    assert stored(node.state, 1) == b"{}"
    # The entry that found no space in the state is in the synced log; the one that found none in the log never was.
    assert (stored(node.state, 2) is not None) is (disk(node) is node.state)


def test_a_compaction_that_meets_a_full_disk_waits_too() -> None:
    node = Stalling()
    for number in range(5):
        node.put(number)
    due = node.driver.compaction_due(idle=True)
    node.state.sync()
    node.log.full = True

    node.driver.compact(due)
    node.put(5)
    node.crash()

    assert node.waits == 3
    assert all(stored(node.state, number) == b"{}" for number in range(6))


def test_another_error_is_no_full_disk() -> None:
    node = Stalling()

    def fail(overlay: Overlay) -> None:
        raise EngineError("the disk failed")

    node.log.write = fail  # type: ignore[method-assign]

    with pytest.raises(EngineError, match="the disk failed"):
        node.put(1)
    assert node.waits == 0


def test_without_a_way_to_wait_a_full_disk_is_an_error() -> None:
    node = Turned()
    node.log.full = True

    with pytest.raises(DiskFull):
        node.put(1)
