"""The next step from the members a group has to those it shall have."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

import themis_raft
from themis_server.replication.membership import (
    Change,
    HandOver,
    Members,
    best_successor,
    in_force,
    is_settled,
    next_step,
)

LAST = 1000


@dataclass
class Known:
    """What a leader knows of a replica."""

    match: int = LAST
    recent_active: bool = True
    state: str = "replicate"
    commit: int = LAST


def state(*voters: int, learners: tuple[int, ...] = (), outgoing: tuple[int, ...] = ()) -> themis_raft.ConfState:
    return themis_raft.ConfState(voters=voters, learners=learners, voters_outgoing=outgoing, auto_leave=bool(outgoing))


def members(*voters: int, learners: tuple[int, ...] = ()) -> Members:
    return Members(frozenset(voters), frozenset(learners))


def step(now: themis_raft.ConfState, desired: Members, me: int = 1, **lags: Known) -> Change | HandOver | None:
    progress = {node: Known() for node in in_force(now).all}
    progress |= {int(node[1:]): known for node, known in lags.items()}
    return next_step(me, now, desired, progress, LAST)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("now", "desired", "expected"),
    [
        pytest.param(state(1, 2, 3), members(1, 2, 3), None, id="as it shall be"),
        pytest.param(state(1), members(1, 2, 3), Change((("add_learner", 2),)), id="newcomers one by one"),
        pytest.param(state(1, learners=(2,)), members(1, 2, 3), Change((("add_learner", 3),)), id="the other newcomer"),
        pytest.param(
            state(1, learners=(2, 3)),
            members(1, 2, 3),
            Change((("add_voter", 2), ("add_voter", 3))),
            id="both vote at once",
        ),
        pytest.param(
            state(1, 2, 3, learners=(4,)),
            members(1, 2, 4),
            Change((("add_voter", 4), ("remove", 3))),
            id="one for another in one change",
        ),
        pytest.param(state(1, 2, 3), members(1, 2, learners=(3,)), Change((("add_learner", 3),)), id="a voter less"),
        pytest.param(state(1, 2, learners=(9,)), members(1, 2), Change((("remove", 9),)), id="a learner nobody wants"),
        pytest.param(state(1, 2), members(2), HandOver(2), id="a leader that is to go hands over"),
        pytest.param(
            state(1, learners=(2,)), members(2), Change((("add_voter", 2),)), id="but first its successor votes"
        ),
        pytest.param(state(1, 2), members(2, learners=(1,)), HandOver(2), id="a leader that is to follow hands over"),
        pytest.param(state(1, 2, outgoing=(1, 3)), members(1, 2), Change(()), id="a joint phase is left"),
        pytest.param(state(1, 2, 3), members(), None, id="a group without voters is nobody's wish"),
    ],
)
def test_the_next_step(now: themis_raft.ConfState, desired: Members, expected: Change | HandOver | None) -> None:
    assert step(now, desired) == expected


@pytest.mark.parametrize(
    "lags", [Known(match=LAST - 100), Known(recent_active=False), Known(match=0, state="snapshot")]
)
def test_nobody_votes_before_it_has_caught_up_and_nobody_goes_before_that(lags: Known) -> None:
    assert step(state(1, 2, 3, learners=(4,)), members(1, 2, 4), n4=lags) is None


def test_who_never_answered_has_not_caught_up_with_a_short_log_either() -> None:
    progress = {1: Known(5), 2: Known(0, commit=0)}

    assert next_step(1, state(1, learners=(2,)), members(1, 2), progress, 5) is None  # type: ignore[arg-type]


def test_an_answer_from_before_the_last_change_counts_for_nothing() -> None:
    progress = {1: Known(), 2: Known(commit=500)}

    assert next_step(1, state(1, learners=(2,)), members(1, 2), progress, LAST, 501) is None  # type: ignore[arg-type]
    assert next_step(1, state(1, learners=(2,)), members(1, 2), progress, LAST, 500) is not None  # type: ignore[arg-type]


def test_a_few_entries_are_no_lag() -> None:
    assert step(state(1, learners=(2,)), members(1, 2), n2=Known(match=LAST - 10)) == Change((("add_voter", 2),))


def test_leadership_goes_to_who_has_most_and_is_heard() -> None:
    progress = {1: Known(), 2: Known(match=10), 3: Known(match=20), 4: Known(match=LAST, recent_active=False)}

    found = best_successor(1, frozenset({1, 2, 3, 4}), progress)  # type: ignore[arg-type]

    assert found == 3
    assert best_successor(1, frozenset({1, 4}), progress) is None  # type: ignore[arg-type]


def test_a_joint_phase_is_not_settled() -> None:
    assert is_settled(state(1, 2), members(1, 2))
    assert is_settled(state(1, 2), None)
    assert not is_settled(state(1, 2), members(1, 2, learners=(3,)))
    assert not is_settled(state(1, 2, outgoing=(1,)), members(1, 2))
    assert not is_settled(state(1, 2, outgoing=(1,)), None)


@pytest.mark.parametrize(
    ("begin", "end"),
    [
        (members(1), members(1, 2, 3)),
        (members(1, 2, 3), members(4, 5, 6)),
        (members(1, 2, 3), members(2)),
        (members(1, 2, 3, learners=(4,)), members(1, learners=(5,))),
        (members(1, 2), members(3, learners=(1, 2))),
    ],
)
def test_step_by_step_every_wish_comes_true_and_the_group_always_has_voters(begin: Members, end: Members) -> None:
    now, leader = begin, min(begin.voters)
    for _ in range(20):
        taken = step(state(*sorted(now.voters), learners=tuple(sorted(now.learners))), end, leader)
        if taken is None:
            break
        if isinstance(taken, HandOver):
            leader = taken.to
            continue
        voters, learners = set(now.voters), set(now.learners)
        for kind, node in taken.items:
            voters.discard(node)
            learners.discard(node)
            if kind != "remove":
                (voters if kind == "add_voter" else learners).add(node)
        now = Members(frozenset(voters), frozenset(learners))
        assert leader in voters
    assert now == end
