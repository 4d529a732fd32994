"""Who belongs to a group, who shall, and the next step from the one to the other.

The placer says whom a group shall consist of (`Members`); its leader makes it so, one change at a time:

    nobody knows the newcomer -> learner -> has nearly all the leader has -> one joint change: newcomers vote, those who
    are to go do not -> learners that nobody wants any more are dropped

A leader that is to go hands leadership over first, to a voter that stays. Nothing is remembered between steps: each is
computed from what is in force, so a new leader goes on where the last one stopped.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple, TypeAlias

import themis_raft

CAUGHT_UP_ENTRIES: Final = 64
"""A learner may become a voter when it lacks no more entries than this: a new voter that lags would only stand in the
way of a quorum."""

ChangeKind: TypeAlias = Literal["add_voter", "add_learner", "remove"]


@dataclass(frozen=True)
class Members:
    """Raft ids of a group's replicas: those that vote, and those that only follow."""

    voters: frozenset[int]
    learners: frozenset[int] = frozenset()

    @property
    def all(self) -> frozenset[int]:
        """Everybody who holds a replica."""
        return self.voters | self.learners


NOBODY: Final = Members(frozenset())


class Change(NamedTuple):
    """A membership change to propose. More than one item goes through joint consensus; none leaves a joint phase."""

    items: tuple[tuple[ChangeKind, int], ...]


class HandOver(NamedTuple):
    """Leadership is to be moved to a voter that stays, before anything else."""

    to: int


def halves_of(state: themis_raft.ConfState) -> tuple[frozenset[int], ...]:
    """Return the sets of voters of each of which a majority is needed: one, or two in a joint phase."""
    return tuple(frozenset(half) for half in (state.voters, state.voters_outgoing) if half)


def in_force(state: themis_raft.ConfState) -> Members:
    """Return everybody with a say in `state`, both halves of a joint phase taken together."""
    voters = frozenset(state.voters) | frozenset(state.voters_outgoing)
    return Members(voters, frozenset(state.learners) | frozenset(state.learners_next) - voters)


def is_settled(state: themis_raft.ConfState, desired: Members | None) -> bool:
    """Whether the membership in force is the desired one (None: whatever is in force is desired) and not joint."""
    if state.voters_outgoing:
        return False
    return desired is None or (
        frozenset(state.voters) == desired.voters and frozenset(state.learners) == desired.learners
    )


def next_step(
    me: int,
    state: themis_raft.ConfState,
    desired: Members,
    progress: Mapping[int, themis_raft.Progress],
    last_index: int,
    since: int = 0,
) -> Change | HandOver | None:
    """Return what the leader `me` has to do next on the way to `desired`; None: wait, or nothing is left to do.

    Args:
        me: Raft id of the leader that asks; no change of its group may be pending.
        state: the membership in force.
        desired: the membership to arrive at; without voters it is not acted upon.
        progress: what the leader knows of each replica.
        last_index: the end of the leader's log.
        since: the entry that last changed the members.
    """
    if not desired.voters:
        return None
    if state.voters_outgoing:
        # Joint phases end by themselves; this one was entered by a leader that did not live to see it applied.
        return Change(())
    voters, learners = frozenset(state.voters), frozenset(state.learners)
    newcomers = sorted(desired.all - voters - learners)
    if newcomers:
        return Change((("add_learner", newcomers[0]),))
    current = {
        member for member in desired.voters if member == me or _caught_up(progress.get(member), last_index, since)
    }
    if not current >= desired.voters - voters:
        return None
    items: list[tuple[ChangeKind, int]] = [("add_voter", member) for member in sorted(desired.voters - voters)]
    for member in sorted((voters | learners) - desired.voters - {me}):
        if member not in desired.all:
            items.append(("remove", member))
        elif member in voters:
            items.append(("add_learner", member))
    if items:
        # Those who stay must be able to go on by themselves.
        return Change(tuple(items)) if 2 * len(current) > len(desired.voters) else None
    if me not in desired.voters:
        successor = best_successor(me, desired.voters & voters, progress)
        return None if successor is None else HandOver(successor)
    return None


def best_successor(me: int, candidates: frozenset[int], progress: Mapping[int, themis_raft.Progress]) -> int | None:
    """Return the voter among `candidates` that is nearest to the leader's log and was heard of lately; None: nobody."""
    able = [
        (-known.match, member)
        for member, known in progress.items()
        if member in candidates and member != me and known.recent_active and known.state != "snapshot"
    ]
    return min(able)[1] if able else None


def _caught_up(known: themis_raft.Progress | None, last_index: int, since: int) -> bool:
    # Who knows of the last change answers as the member that it is now. Without that, a late answer of an earlier
    # replica on that node, which is destroyed by now, could pass for one.
    return (
        known is not None
        and known.recent_active
        and known.match >= last_index - CAUGHT_UP_ENTRIES
        and known.commit >= max(since, 1)
    )
