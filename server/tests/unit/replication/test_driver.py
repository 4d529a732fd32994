"""One voter: from a proposal to its completion, through crashes and compaction."""

from __future__ import annotations

import pytest

from server.tests.unit.replication.turning import GROUP, Journaled, Turned, content, putting, stored, succeeded
from themis_server.replication.driver import DriverLimits, Work
from themis_server.replication.group import Completion, NotLeader, Proposal, Stalled
from themis_server.replication.log import Log
from themis_server.statemachine.command import Mutated, Status
from themis_server.storage import keys
from themis_server.storage.engine import CorruptionError, EngineError, Overlay


def test_the_only_voter_leads_from_the_start() -> None:
    node = Turned()

    (status,) = node.driver.status()

    assert (status.role, status.leader) == ("leader", 1)
    assert status.applied == status.commit > 0


def test_a_proposal_is_committed_applied_and_answered_in_one_turn() -> None:
    node = Turned()

    result = node.put(1, b'{"a":1}')

    assert isinstance(result, Mutated)
    assert result.outcomes[0].status == Status.CREATED
    assert stored(node.state, 1) == b'{"a":1}'


def test_proposals_of_a_turn_share_an_entry_and_are_answered_each() -> None:
    node = Turned()

    handles = node.propose(putting(1), putting(2), putting(1, expect=(0,)))

    results = [node.answers[handle] for handle in handles]
    assert [result.outcomes[0].status for result in results if isinstance(result, Mutated)] == [
        Status.CREATED,
        Status.CREATED,
        Status.PRECONDITION_FAILED,
    ]
    assert node.notes.log_writes[-1] == 1


def test_an_entry_grows_only_to_its_limit() -> None:
    node = Turned(limits=DriverLimits(entry_bytes_max=400))

    handles = node.propose(
        *[putting(number, b'{"a":"%b"}' % (b"x" * 100)) for number in range(5)], putting(9, b"x" * 999)
    )

    assert all(succeeded(node.answers[handle]) for handle in handles)
    assert node.notes.log_writes[-1] == 4  # two, two, one, and the large one by itself


def test_one_log_write_serves_a_whole_turn() -> None:
    journal: list[str] = []
    node = Turned(log=Journaled("log", journal), state=Journaled("state", journal))
    journal.clear()

    node.propose(*[putting(number) for number in range(100)])

    assert journal.count("log sync") == 1
    assert journal.count("state write") == 1


def test_a_turn_without_work_touches_no_disk() -> None:
    journal: list[str] = []
    node = Turned(log=Journaled("log", journal), state=Journaled("state", journal))
    journal.clear()

    for _ in range(50):
        node.turn(Work(ticks=1))

    assert journal == []


def acknowledged_before_the_sync(limits: DriverLimits) -> list[str]:
    """Write through a driver; return what was delivered or applied before the log was synced."""
    journal: list[str] = []
    node = Turned(log=Journaled("log", journal), state=Journaled("state", journal), limits=limits)
    wrong: list[str] = []
    for number in range(5):
        journal.clear()
        node.put(number)
        journal.append("deliver")
        synced = journal.index("log sync") if "log sync" in journal else len(journal)
        first_entry = journal.index("log write")
        assert first_entry < synced, "the entry must be in the log that is synced"
        wrong += [event for event in journal[:synced] if event in ("state write", "deliver")]
    return wrong


def test_nothing_is_applied_or_delivered_before_the_log_is_synced() -> None:
    assert acknowledged_before_the_sync(DriverLimits()) == []


def test_the_check_above_notices_a_sync_that_is_skipped() -> None:
    assert acknowledged_before_the_sync(DriverLimits(sync=False)) == ["state write", "deliver"] * 5


def test_what_was_acknowledged_survives_a_crash() -> None:
    node = Turned()
    for number in range(20):
        assert succeeded(node.put(number, b'{"n":%d}' % number))

    node.crash()

    assert [stored(node.state, number) for number in range(20)] == [b'{"n":%d}' % number for number in range(20)]


def test_the_test_above_notices_a_log_that_is_not_synced() -> None:
    node = Turned(limits=DriverLimits(sync=False))
    assert succeeded(node.put(1))

    node.crash()

    assert stored(node.state, 1) is None


def test_a_replay_gives_the_state_that_was_lost_byte_for_byte() -> None:
    node = Turned()
    for number in range(10):
        node.clock.advance(1)
        node.put(number % 3, b'{"n":%d}' % number)
        if number == 4:
            node.state.sync()  # the state on disk is now half-way
    before = {key: value for key, value in content(node.state).items() if key != keys.machine_state(GROUP)}

    node.crash()

    after = {key: value for key, value in content(node.state).items() if key != keys.machine_state(GROUP)}
    assert after == before


def test_many_crashes_in_a_row_lose_nothing_and_double_nothing() -> None:
    node = Turned()

    for number in range(10):
        assert succeeded(node.put(number))
        if number % 3 == 0:
            node.state.sync()
        node.crash()
        node.crash()

    assert all(stored(node.state, number) == b"{}" for number in range(10))
    assert int.from_bytes(node.state.get(keys.count(GROUP, 1)) or b"") == 10


def test_versions_rise_through_a_crash_and_a_clock_that_goes_back() -> None:
    node = Turned()
    before = node.put(1)
    node.crash()
    node.clock.set_unix_ms(node.clock.unix_ms() - 3_600_000)

    after = node.put(1)

    assert isinstance(before, Mutated)
    assert isinstance(after, Mutated)
    assert after.outcomes[0].version > before.outcomes[0].version


# Compaction


def applied(node: Turned) -> int:
    return node.driver.status()[0].applied


def test_a_log_is_compacted_when_it_is_long_or_the_node_idle() -> None:
    node = Turned(limits=DriverLimits(compact_entries=10))

    for number in range(5):
        node.put(number)
    assert node.driver.compaction_due(idle=False) == {}
    assert node.driver.compaction_due(idle=True) == {GROUP: applied(node)}

    for number in range(5):
        node.put(number)
    assert node.driver.compaction_due(idle=False) == {GROUP: applied(node)}


def test_many_bytes_make_a_log_long_too() -> None:
    node = Turned(limits=DriverLimits(compact_bytes=1000))

    node.put(1, b'{"a":"%b"}' % (b"x" * 1000))

    assert node.driver.compaction_due(idle=False) == {GROUP: applied(node)}


def compacted(node: Turned, *, sync_state: bool = True) -> None:
    """Do what the thread does: learn what is due, sync the state, compact."""
    due = node.driver.compaction_due(idle=True)
    if sync_state:
        node.state.sync()
    node.driver.compact(due)


@pytest.mark.parametrize("log_synced", [True, False])
def test_after_compaction_a_crash_still_loses_nothing(log_synced: bool) -> None:
    node = Turned()
    for number in range(10):
        node.put(number)

    compacted(node)
    if log_synced:
        node.log.sync()  # else the crash brings the longer log back, which must do as well
    node.put(10)
    node.crash()

    assert all(stored(node.state, number) == b"{}" for number in range(11))
    assert succeeded(node.put(11))


def test_compaction_removes_entries_from_the_disk() -> None:
    node = Turned()
    for number in range(10):
        node.put(number)
    held = len(list(node.log.scan(*keys.log_range(GROUP, 0, 1000))))

    compacted(node)

    assert (held, len(list(node.log.scan(*keys.log_range(GROUP, 0, 1000))))) == (11, 0)
    assert node.driver.status()[0].log_entries == 0
    assert node.driver.compaction_due(idle=True) == {}


def test_a_state_that_lost_what_the_log_no_longer_holds_does_not_start() -> None:
    node = Turned()
    node.put(1)
    compacted(node, sync_state=False)
    node.log.sync()

    with pytest.raises(CorruptionError, match="the state has lost what the log no longer holds"):
        node.crash()


def test_a_state_without_its_log_does_not_start() -> None:
    node = Turned()
    node.put(1)

    with pytest.raises(CorruptionError, match=r"has applied entry \d+, but its log is gone"):
        Turned(state=node.state)


def test_a_state_ahead_of_its_log_does_not_start() -> None:
    node = Turned()
    for number in range(3):
        node.put(number)
    overlay = Overlay(node.log)
    Log.truncate_from(overlay, GROUP, applied(node))
    overlay.delete(keys.hard_state(GROUP))
    node.log.write(overlay)

    with pytest.raises(CorruptionError, match=r"applied up to entry \d+, but its log ends at entry \d+"):
        node.start()


# Errors


def test_an_error_of_the_log_is_not_survived() -> None:
    node = Turned()

    def fail() -> None:
        raise EngineError("the disk failed")

    node.log.sync = fail  # type: ignore[method-assign]

    with pytest.raises(EngineError, match="the disk failed"):
        node.put(1)
    assert node.answers == {}


def test_what_was_only_queued_did_not_happen() -> None:
    node = Turned()

    abandoned = node.driver.abandon(
        Work(proposals={GROUP: [Proposal(putting(1), "write")]}, barriers=[(GROUP, "read")]), Stalled()
    )

    assert [(handle, type(result)) for handle, result in abandoned] == [("write", Stalled), ("read", Stalled)]
    assert stored(node.state, 1) is None


def test_who_does_not_lead_makes_no_proposal() -> None:
    node = Turned(voters=(1, 2, 3))

    assert isinstance(node.put(1), NotLeader)

    (refused,) = node.turn(Work(barriers=[(GROUP, "read")]))
    assert isinstance(refused.result, NotLeader)


def test_a_read_barrier_of_the_only_voter_is_reached_at_once() -> None:
    node = Turned()

    done = node.turn(Work(barriers=[(GROUP, "read")]))

    assert done == [Completion("read", None)]
