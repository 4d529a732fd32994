"""A group leaves a node with all it had but its votes, whatever moment the power goes."""

from __future__ import annotations

import pytest

from server.tests.unit.replication.snapshot.states import GROUP, Receiving, content, pinned, said, staged
from themis_server.replication.log import HardState, Log
from themis_server.replication.snapshot import destroy as destroy_module
from themis_server.replication.snapshot.destroy import destroy, reclaim
from themis_server.replication.snapshot.install import install
from themis_server.replication.snapshot.recover import Recovery, recover
from themis_server.storage import keys
from themis_server.storage.engine import Engine
from themis_server.storage.memory import MemoryEngine

LAST = HardState(4, 3, 14)
SLICES = len(list(destroy(MemoryEngine(), MemoryEngine(), GROUP, LAST)))


def is_removed(at: Receiving) -> bool:
    """Whether the group is gone; False when it is as it was. Anything else fails."""
    left = {key: value for key, value in content(at.log).items() if key[1:3] == GROUP.to_bytes(2)}
    if Log(at.log).recover(GROUP) is None:
        assert content(at.state, GROUP) == {}
        assert list(left) == [keys.hard_state(GROUP)]
        return True
    assert content(at.state) == at.before
    assert content(at.log) == at.log_before
    return False


def test_nothing_is_left_but_the_hard_state() -> None:
    at = Receiving()
    beside = at.neighbours()

    for _ in destroy(at.log, at.state, GROUP, LAST):
        pass

    assert is_removed(at)
    assert at.neighbours() == beside
    tombstone = at.log.get(keys.hard_state(GROUP))
    assert tombstone is not None
    assert tombstone == b"\x93\x04\x03\x0e"


@pytest.mark.parametrize("keep_state", [0, 1, 3, 99])
@pytest.mark.parametrize("keep_log", [0, 99])
@pytest.mark.parametrize("steps", range(SLICES + 2))
def test_after_a_crash_at_any_step_it_is_finished_or_never_began(steps: int, keep_log: int, keep_state: int) -> None:
    log, state = MemoryEngine(), MemoryEngine()
    at = Receiving(log, state)
    beside = at.neighbours()
    slices = destroy(log, state, GROUP, LAST)
    for _ in range(steps):
        next(slices, None)
    log.crash(keep_log)
    state.crash(keep_state)

    recovery = recover(log, state)

    assert is_removed(at) == (steps > 0)
    assert recovery.removed == ((GROUP,) if 0 < steps < SLICES else ())
    assert at.neighbours() == beside
    assert recover(log, state) == Recovery()


def test_the_check_above_notices_a_state_that_is_not_synced(monkeypatch: pytest.MonkeyPatch) -> None:
    log, state = MemoryEngine(), MemoryEngine()
    at = Receiving(log, state)
    monkeypatch.setattr(state, "sync", lambda: None)

    for _ in destroy(log, state, GROUP, LAST):
        pass
    log.crash()
    state.crash()
    recover(log, state)

    with pytest.raises(AssertionError):
        is_removed(at)


def test_a_removal_in_the_middle_of_an_installation_ends_both() -> None:
    for steps in range(1, 6):
        at = Receiving()
        content_here = staged(at.state, pinned(full()))
        slices = install(at.log, at.state, GROUP, content_here, said(content_here.manifest), LAST)
        for _ in range(steps):
            next(slices)
        removal = destroy(at.log, at.state, GROUP, LAST)
        next(removal)

        recovery = recover(at.log, at.state)

        assert recovery == Recovery((), (GROUP,), (content_here.load,))
        assert is_removed(at)


def full() -> Engine:
    at = Receiving()
    return at.state


def test_space_is_given_back_range_by_range(monkeypatch: pytest.MonkeyPatch) -> None:
    compacted = []
    engine = MemoryEngine()
    monkeypatch.setattr(engine, "compact", lambda start, end: compacted.append((start, end)))

    reclaim(engine, GROUP)

    assert tuple(compacted) == keys.group_ranges(GROUP)
    assert destroy_module.redo(MemoryEngine(), engine) == []
