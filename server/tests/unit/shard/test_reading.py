from __future__ import annotations

from dataclasses import dataclass
from math import inf

import pytest

from themis_server.replication.membership import Members
from themis_server.shard.reading import Before, Level, Need, Serve, Verdict, judge, lag_between

ME = 1
NOW_S = 100.0
VOTER = Members(frozenset({1, 2, 3}))


@dataclass
class View:
    members: Members = VOTER
    leader: int = 2
    is_leader: bool = False
    version: int = 50
    version_ahead: int = 60
    lease_until_s: float = 0.0
    fresh_at_s: float = -inf
    installs: int = 0
    removed: bool = False


def judged(view: View, need: Need, *, proven: bool = False, fresh_at_s: float = -inf) -> Serve | Verdict:
    return judge(ME, view, need, Before(view.version, fresh_at_s, view.installs, proven), NOW_S)


STRONG = Need()
EVENTUAL = Need(Level.EVENTUAL)


def test_a_strong_read_needs_a_lease_that_still_holds_after_storage_was_read_or_a_proof() -> None:
    leader = View(is_leader=True, leader=1)

    assert judged(leader, STRONG) is Verdict.PROVE
    leader.lease_until_s = NOW_S
    assert judged(leader, STRONG) is Verdict.PROVE
    leader.lease_until_s = NOW_S + 0.001
    assert judged(leader, STRONG) == Serve("leader", 0, 60)
    leader.lease_until_s = 0.0
    assert judged(leader, STRONG, proven=True) == Serve("leader", 0, 60)


def test_a_strong_read_of_who_was_deposed_meanwhile_is_only_as_young_as_its_proof() -> None:
    assert judged(View(), STRONG, proven=True, fresh_at_s=99.9) == Serve("follower", 100, 60)


@pytest.mark.parametrize(
    ("fresh_at_s", "proven", "verdict"),
    [
        (99.9, False, Serve("follower", 100, 60)),
        (99.899, False, Verdict.PROVE),
        (99.899, True, Verdict.TOO_OLD),
        (-inf, False, Verdict.PROVE),
        (-inf, True, Verdict.TOO_OLD),
    ],
)
def test_a_bounded_read_needs_a_state_that_is_proven_young_enough(
    fresh_at_s: float, proven: bool, verdict: Serve | Verdict
) -> None:
    assert judged(View(), Need(Level.BOUNDED, 100), proven=proven, fresh_at_s=fresh_at_s) == verdict


def test_a_leader_without_a_lease_is_as_old_as_its_last_proof() -> None:
    leader = View(is_leader=True, leader=1)

    assert judged(leader, Need(Level.BOUNDED, 100), fresh_at_s=99.95) == Serve("leader", 50, 60)
    assert judged(leader, Need(Level.BOUNDED, 10), fresh_at_s=99.95, proven=True) is Verdict.TOO_OLD


def test_an_eventual_read_is_always_answered_and_says_its_lag_if_it_is_known() -> None:
    assert judged(View(), EVENTUAL) == Serve("follower", None, 60)
    assert judged(View(), EVENTUAL, fresh_at_s=99.0) == Serve("follower", 1000, 60)
    assert judged(View(lease_until_s=inf, is_leader=True), EVENTUAL) == Serve("leader", 0, 60)


@pytest.mark.parametrize("level", [Level.BOUNDED, Level.EVENTUAL])
def test_a_session_waits_for_what_it_has_seen(level: Level) -> None:
    def at(version: int, *, proven: bool = False) -> Serve | Verdict:
        return judged(View(), Need(level, 1000, version), proven=proven, fresh_at_s=99.9)

    assert isinstance(at(50), Serve)
    assert at(51) is Verdict.PROVE
    assert at(51, proven=True) is Verdict.UNSEEN


def test_what_was_applied_while_storage_was_read_does_not_count_as_read() -> None:
    view = View(version=70)

    assert judge(ME, view, Need(Level.EVENTUAL, 0, 70), Before(69, -inf, 0), NOW_S) is Verdict.PROVE


@pytest.mark.parametrize(("before", "after"), [(1, 1), (0, 1), (0, 2), (1, 2)])
@pytest.mark.parametrize("need", [STRONG, Need(Level.BOUNDED, 1000), EVENTUAL])
def test_a_state_that_a_snapshot_replaces_is_not_read(before: int, after: int, need: Need) -> None:
    view = View(is_leader=True, lease_until_s=inf, installs=after)

    assert judge(ME, view, need, Before(50, NOW_S, before, True), NOW_S) is Verdict.NO_STATE


def test_a_replica_that_was_removed_answers_nothing() -> None:
    assert judged(View(removed=True), EVENTUAL) is Verdict.NO_STATE


def test_a_learner_says_that_it_is_one() -> None:
    learner = View(members=Members(frozenset({2, 3}), frozenset({1})))

    assert judged(learner, EVENTUAL) == Serve("learner", None, 60)


@pytest.mark.parametrize(("fresh_at_s", "lag_ms"), [(100.0, 0), (101.0, 0), (99.9999, 1), (99.0, 1000), (-inf, None)])
def test_a_lag_is_rounded_up_and_never_negative(fresh_at_s: float, lag_ms: int | None) -> None:
    assert lag_between(fresh_at_s, NOW_S) == lag_ms
