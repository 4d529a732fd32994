"""The rules of `Group` that a scenario file cannot show: edges, restarts, forged messages, what is out of order."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from raft_harness import forge

import themis_raft
from themis_raft import (
    CONF_CHANGE_V2,
    ConfState,
    Group,
    Poisoned,
    ProposalDropped,
    RaftError,
    Ready,
    StepError,
    StorageError,
    describe_entry,
    describe_message,
    entry_index_term,
)

BOTH = ConfState(voters=[1, 2]).encode()


def make_group(**settings: Any) -> Group:
    arguments: dict[str, Any] = {"node_id": 1, "voters": [1], "election_ticks": 10, "heartbeat_ticks": 2}
    return Group(**arguments | settings)


def role_of(group: Group) -> str:
    """The role, looked up afresh: a type checker takes it for unchanged otherwise."""
    return group.role


def settle(group: Group) -> list[bytes]:
    """Persist and apply everything; the data applied."""
    applied = []
    while group.has_ready():
        ready = group.ready()
        for _, _, kind, data in [*ready.committed, *(advanced := group.advance()).committed]:
            applied.append(data)
            if kind == CONF_CHANGE_V2:
                group.apply_conf_change(kind, data)
        if committed := [*ready.committed, *advanced.committed]:
            group.applied_to(committed[-1][0])
    return applied


def sole_leader(**settings: Any) -> Group:
    group = make_group(**settings)
    group.campaign()
    settle(group)
    return group


def follower(**settings: Any) -> Group:
    """Node 1 of two, in term 2, led by node 2, with one entry persisted."""
    group = make_group(voters=[1, 2], **settings)
    append = [forge.entry(term=2, index=1)]
    assert group.step([forge.message(kind=forge.APPEND, to=1, sender=2, term=2, entries=append)]) == [None]
    settle(group)
    return group


def test_the_stub_names_what_the_module_has() -> None:
    public = {name for name in dir(themis_raft) if not name.startswith("_")} - {"themis_raft"}
    assert public | {"__version__"} == set(themis_raft.__all__)
    for error in (StepError, ProposalDropped, StorageError, Poisoned):
        assert issubclass(error, RaftError)


# -- proposals


def test_a_batch_gets_consecutive_indexes_and_comes_back_whole() -> None:
    group = sole_leader()
    assert (group.propose([b"a", b"b"]), group.propose([]), group.propose([b"c"])) == (2, 4, 4)
    ready = group.ready()
    assert [entry_index_term(data) for _, data in ready.entries] == [(2, 1), (3, 1), (4, 1)]
    assert (ready.must_sync, ready.committed) == (True, [])
    assert group.advance().committed == [(2, 1, 0, b"a"), (3, 1, 0, b"b"), (4, 1, 0, b"c")]


def test_a_batch_is_refused_whole() -> None:
    group = sole_leader(max_uncommitted_bytes=100, max_size_per_message=100)
    group.propose([bytes(90)])
    with pytest.raises(ProposalDropped, match="too_much_in_flight") as refused:
        group.propose([b"1234567", b"1234567"])
    assert (refused.value.reason, refused.value.accepted) == ("too_much_in_flight", 0)
    assert (group.last_index, group.uncommitted_bytes) == (2, 90)
    settle(group)
    assert group.uncommitted_bytes == 0
    # Alone, a batch of any size passes: otherwise it never would.
    assert group.propose([bytes(1000)]) == 3


def test_what_is_not_bytes_is_a_type_error_and_changes_nothing() -> None:
    group = sole_leader()
    for call in (group.propose, group.step):
        with pytest.raises(TypeError):
            call([b"a", "b"])  # type: ignore[list-item]
    assert group.last_index == 1


def test_committed_entries_come_in_portions() -> None:
    group = sole_leader(max_committed_bytes_per_ready=100)
    group.propose([bytes(60)] * 3)
    group.ready()
    portions = [len(group.advance().committed)]
    while group.has_ready():
        portions.append(len(group.ready().committed) + len(group.advance().committed))
    assert sum(portions) == 3
    assert len(portions) >= 2


# -- the order of calls


def test_one_ready_is_out_at_a_time_and_everything_else_goes_on() -> None:
    group = sole_leader()
    with pytest.raises(RaftError, match="no Ready"):
        group.advance()
    group.propose([b"a"])
    group.ready()
    assert (group.ready_pending, group.has_ready()) == (True, False)
    with pytest.raises(RaftError, match="not advanced"):
        group.ready()
    group.propose([b"b"])
    group.read_index(b"r")
    group.tick()
    group.compact(1)
    assert [data for *_, data in group.advance().committed] == [b"a"]
    ready = group.ready()
    assert ([index for index, _ in ready.entries], ready.read_states) == ([3], [(1, b"r")])


def test_applied_follows_what_was_handed_out() -> None:
    group = sole_leader()
    group.propose([b"a"])
    with pytest.raises(StorageError, match="only entries up to 1"):
        group.applied_to(2)
    group.ready()
    group.advance()
    group.applied_to(2)
    group.applied_to(1)
    assert group.applied == 2
    with pytest.raises(StorageError, match="applied is 2"):
        group.compact(3)


def test_a_sole_voter_says_nothing_to_learners_before_its_vote_is_persisted() -> None:
    group = make_group(learners=[2])
    group.campaign()
    ready = group.ready()
    assert (ready.role, ready.hard_state, ready.messages) == ("leader", (1, 1, 0), [])
    assert [to for to, _ in ready.persisted_messages] == [2]
    group.advance()
    group.propose([b"a"])
    assert group.ready().persisted_messages == []


# -- restarts


def restarted(group: Group, entries: list[bytes], **settings: Any) -> Group:
    status = group.status()
    hard_state = (status.term, status.vote, status.commit)
    return make_group(**{"hard_state": hard_state, "entries": entries} | settings)


def test_a_restart_continues_from_what_was_persisted() -> None:
    group = make_group()
    group.campaign()
    log = []
    for data in (b"a", b"b", b"c"):
        ready = group.ready()
        log += [entry for _, entry in ready.entries]
        group.advance()
        group.propose([data])
    again = restarted(group, log, applied=2)
    assert (again.last_index, again.applied, again.term) == (3, 2, 1)
    again.campaign()
    # c was never persisted; what lies after the applied index is handed out again.
    assert settle(again) == [b"b", b""]


def test_a_commit_that_was_not_synced_is_lifted_to_the_applied_index() -> None:
    log = [forge.entry(term=1, index=index) for index in (1, 2, 3)]
    assert make_group(hard_state=(1, 1, 0), entries=log, applied=2).commit == 2


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"entries": [forge.entry(term=1, index=2)]}, "cannot follow"),
        ({"entries": [forge.entry(term=1, index=1), forge.entry(term=1, index=3)]}, "cannot follow"),
        ({"entries": [forge.entry(term=1, index=1), forge.entry(term=0, index=2)]}, "cannot follow"),
        ({"entries": [forge.entry(term=2, index=1)]}, "ends in term 2"),
        ({"hard_state": (1, 1, 1)}, "beyond the log"),
        ({"applied": 1}, "beyond the log"),
        ({"snapshot_index": 5}, "cannot start"),
        ({"snapshot_index": 5, "snapshot_term": 1, "applied": 4}, "before the log"),
        ({"entries": [forge.entry(kind=2, term=1, index=1, data=b"\xff")]}, "conf change"),
    ],
)
def test_persisted_state_that_contradicts_itself_is_refused(settings: dict[str, Any], why: str) -> None:
    with pytest.raises(StorageError, match=why):
        make_group(**{"hard_state": (1, 1, 0)} | settings)


@pytest.mark.parametrize(
    ("settings", "error"),
    [
        ({"node_id": 0}, ValueError),
        ({"heartbeat_ticks": 10}, ValueError),
        ({"election_timeout_ticks": 9}, ValueError),
        ({"election_timeout_ticks": 20}, ValueError),
        ({"max_uncommitted_bytes": 5}, ValueError),
        ({"conf_state": b""}, ValueError),
        ({"voters": None, "conf_state": b"\xff"}, StepError),
        ({"voters": [1, 1]}, StepError),
        ({"voters": [1], "learners": [1]}, StepError),
        ({"voters": [0]}, StepError),
        ({"entries": [b"\xff"]}, StepError),
    ],
)
def test_settings_are_checked(settings: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        make_group(**settings)


# -- memory


def test_compaction_frees_memory_and_keeps_the_start() -> None:
    group = sole_leader()
    group.propose([bytes(1000)] * 10)
    assert group.bytes_in_memory > 10_000
    settle(group)
    before = group.bytes_in_memory
    assert group.compact(6) == (6, 1)
    assert group.compact(3) == (6, 1)
    assert (group.first_index, group.entries_in_memory, group.term_at(6)) == (7, 5, 1)
    assert group.bytes_in_memory < before * 0.6
    for index in (5, 12):
        with pytest.raises(StorageError, match="outside the log"):
            group.term_at(index)


def test_a_snapshot_is_of_an_applied_index_that_the_log_continues() -> None:
    group = sole_leader()
    group.propose([b"a", b"b"])
    settle(group)
    group.compact(2)
    state = group.conf_state().encode()
    group.provide_snapshot(3, 1, state, b"x")
    for index, term in ((1, 1), (4, 1), (3, 2), (0, 0)):
        with pytest.raises(StorageError):
            group.provide_snapshot(index, term, state, b"x")
    with pytest.raises(StepError):
        group.provide_snapshot(3, 1, b"\x08", b"x")


# -- messages that only a forger sends, at the moments when they would hurt


def test_votes_nobody_asked_for_do_not_elect_before_the_log_is_persisted() -> None:
    group = follower(pre_vote=False)
    entries = [forge.entry(term=2, index=2)]
    append = forge.message(kind=forge.APPEND, to=1, sender=2, term=2, log_term=2, index=1, entries=entries)
    assert group.step([append]) == [None]
    group.ready()
    group.campaign()
    vote = forge.message(kind=forge.VOTE_RESPONSE, to=1, sender=2, term=3)
    assert group.step([vote]) == ["a vote nobody asked for: the log is not persisted yet"]
    group.advance()
    settle(group)
    assert group.step([vote]) == [None]
    assert role_of(group) == "leader"


def test_the_last_voter_stands_only_when_its_log_is_persisted() -> None:
    group = follower()
    remove_2 = forge.field(2, forge.field(1, 1) + forge.field(2, 2))
    entries = [forge.entry(kind=2, term=2, index=2, data=remove_2)]
    append = {"kind": forge.APPEND, "to": 1, "sender": 2, "term": 2, "log_term": 2}
    assert group.step([forge.message(**append, index=1, entries=entries, commit=2)]) == [None]
    settle(group)
    assert group.conf_state() == ConfState(voters=[1])
    assert group.step([forge.message(**append, index=2, entries=[forge.entry(term=2, index=3)])]) == [None]
    group.ready()
    with pytest.raises(ProposalDropped, match="not_ready"):
        group.campaign()
    assert group.step([forge.message(kind=forge.TIMEOUT_NOW, to=1, sender=2, term=2)]) != [None]
    for _ in range(50):
        group.tick()
    assert role_of(group) == "follower"
    group.advance()
    group.tick()
    assert role_of(group) == "leader"


def installing(index: int = 10) -> tuple[Group, Ready]:
    """A follower that holds a Ready with a snapshot."""
    group = follower()
    snapshot = forge.snapshot(index, 2, BOTH, b"state")
    assert group.step([forge.message(kind=forge.SNAPSHOT, to=1, sender=2, term=2, snapshot=snapshot)]) == [None]
    return group, group.ready()


def test_no_election_while_a_snapshot_is_being_installed() -> None:
    group, ready = installing()
    assert ready.snapshot is not None
    assert (ready.snapshot.index, ready.snapshot.data, ready.must_sync) == (10, b"state", True)
    for _ in range(50):
        group.tick()
    with pytest.raises(ProposalDropped, match="not_ready"):
        group.campaign()
    assert group.step([forge.message(kind=forge.TIMEOUT_NOW, to=1, sender=2, term=2)]) != [None]
    assert role_of(group) == "follower"
    group.advance()
    assert (group.applied, group.first_index, group.last_index) == (10, 11, 10)
    group.tick()
    assert role_of(group) == "pre_candidate"


def test_entries_and_another_snapshot_may_come_while_one_is_installed() -> None:
    group, _ = installing()
    append = forge.message(
        kind=forge.APPEND,
        to=1,
        sender=2,
        term=2,
        log_term=2,
        index=10,
        entries=[forge.entry(term=2, index=11)],
        commit=11,
    )
    newer = forge.snapshot(20, 2, BOTH)
    assert group.step([append, forge.message(kind=forge.SNAPSHOT, to=1, sender=2, term=2, snapshot=newer)]) == [
        None,
        None,
    ]
    group.advance()
    ready = group.ready()
    assert ready.snapshot is not None
    assert (ready.snapshot.index, ready.entries, ready.committed) == (20, [], [])
    group.advance()
    assert (group.applied, group.commit, group.last_index) == (20, 20, 20)


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"kind": forge.PRE_VOTE, "term": 1, "priority": -5}, "priorities"),
        ({"kind": forge.VOTE, "term": 0}, "of term 0"),
        ({"kind": forge.VOTE, "term": 1, "to": 9}, "addressed to 9"),
        ({"kind": forge.VOTE, "term": 1, "sender": 1}, "no peer"),
        ({"kind": forge.VOTE, "term": 1 << 40}, "absurd"),
        ({"kind": forge.HEARTBEAT, "term": 1, "commit": 1}, "beyond the log"),
        ({"kind": forge.APPEND, "term": 1, "index": 5}, "append after 0/5"),
        ({"kind": forge.APPEND, "term": 1, "entries": [forge.entry(term=1, index=2)]}, "entry 2 after 0"),
        ({"kind": forge.APPEND, "term": 1, "entries": [forge.entry(term=2, index=1)]}, "of term 2"),
        ({"kind": forge.SNAPSHOT, "term": 1}, "do not go together"),
        ({"kind": forge.SNAPSHOT, "term": 1, "snapshot": forge.snapshot(3, 1, b"")}, "without voters"),
        ({"kind": forge.SNAPSHOT, "term": 1, "snapshot": forge.snapshot(3, 2, BOTH)}, "snapshot at 2/3"),
        ({"kind": forge.READ_INDEX, "entries": [b""]}, "asked of the leader"),
        ({"kind": forge.TRANSFER_LEADER, "term": 1}, "cannot make"),
        ({"kind": 0, "term": 1}, "local message"),
    ],
)
def test_a_new_replica_refuses(fields: dict[str, Any], why: str) -> None:
    group = make_group(voters=[1, 2])
    (error,) = group.step([forge.message(**{"to": 1, "sender": 2} | fields)])
    assert error is not None
    assert why in error
    assert not group.has_ready()


def test_a_leader_refuses_acknowledgements_of_what_it_does_not_have() -> None:
    group = sole_leader(learners=[2])
    claim = {"kind": forge.APPEND_RESPONSE, "to": 1, "sender": 2, "term": 1}
    assert group.step([forge.message(**claim, index=2)]) == ["acknowledges 2 beyond the log, which ends at 1"]
    assert group.step([forge.message(**claim | {"sender": 3}, index=1)]) == [
        "MsgAppendResponse from 3, which is no member"
    ]
    assert group.step([forge.message(**claim, index=1)]) == [None]
    assert group.status().progress[2].match == 1


def test_a_large_message_is_refused_before_it_is_decoded() -> None:
    assert make_group(max_message_bytes=10).step([bytes(11)]) == ["message of 11 bytes"]


# -- values


def test_memberships_compare_encode_and_check() -> None:
    state = ConfState(voters=[3, 1, 2], learners=[4])
    assert state == ConfState.decode(ConfState(voters=[1, 2, 3], learners=[4]).encode())
    assert hash(state) == hash(ConfState.decode(state.encode()))
    assert state != ConfState(voters=[1, 2, 3])
    assert (state.voters, state.learners, state.voters_outgoing, state.auto_leave) == ([1, 2, 3], [4], [], False)
    bad: list[Callable[[], ConfState]] = [
        lambda: ConfState(voters=[1, 1]),
        lambda: ConfState(voters=[1], learners=[1]),
        lambda: ConfState(voters=[1], learners_next=[2]),
        lambda: ConfState(voters=[1], auto_leave=True),
        lambda: ConfState(voters=[], learners=[1]),
    ]
    for make in bad:
        with pytest.raises(StepError):
            make()


def test_values_are_frozen() -> None:
    group = sole_leader()
    group.propose([b"a"])
    ready = group.ready()
    for value in (ready, group.status(), ConfState(voters=[1])):
        with pytest.raises(AttributeError):
            value.term = 5  # type: ignore[union-attr,misc]


def test_descriptions() -> None:
    data = forge.message(
        kind=forge.APPEND, to=1, sender=2, term=3, entries=[forge.entry(term=3, index=1, data=b"\x00x")]
    )
    assert describe_message(data) == '2->1 MsgAppend term:3 log:0/0 entries:[3/1 normal "\\x00x"]'
    assert describe_entry(forge.entry(kind=2, term=1, index=2)) == "1/2 conf-change leave-joint"


def test_the_same_inputs_give_the_same_bytes() -> None:
    def play() -> list[bytes]:
        groups = {n: make_group(node_id=n, voters=[1, 2, 3], election_timeout_ticks=10 + n) for n in (1, 2, 3)}
        seen: list[bytes] = []
        for turn in range(60):
            for group in groups.values():
                group.tick()
                if group.role == "leader" and turn % 3 == 0:
                    group.propose([bytes([turn])])
                while group.has_ready():
                    ready = group.ready()
                    for to, data in [*ready.messages, *ready.persisted_messages, *group.advance().messages]:
                        seen.append(data)
                        groups[to].step([data])
        assert any(group.commit > 10 for group in groups.values())
        return seen

    assert play() == play()
