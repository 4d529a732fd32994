"""The groups of a node that does not run: what its logs hold, and a log that is ended by decree.

A group whose voters are lost for good cannot commit anything more, and cannot change its members by itself. Ending its
log makes of one replica the only one there is (`docs/adr/0032`):

    1  data/   the whole log is applied, also what is not known to be committed; then a closing entry of a term of its
               own, and with it the membership: this node alone                     in slices; synced at the end
    2  raft/   the log emptied, S and H begin after the closing entry               one write, by the caller

A crash before 2 is durable leaves a state that is further along than its log: the caller keeps the node from starting
until both are done again, which goes on where it was.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import themis_raft
from themis_server.metadata.recovery import Configuration, Copy
from themis_server.replication.group import Group, RaftTiming
from themis_server.replication.log import HardState, Log, LogStart
from themis_server.statemachine import meta
from themis_server.statemachine.data import DataMachine
from themis_server.statemachine.machine import Machine, load_state
from themis_server.storage.engine import CorruptionError, Engine, Overlay, Reader

_SLICE_ENTRIES: Final = 64
_GENESIS_INDEX: Final = 1


@dataclass(frozen=True)
class Ending:
    """How a log is to be ended: after `last_index`, with an entry of `term`."""

    group: int
    term: int
    last_index: int

    @property
    def closing_index(self) -> int:
        """The index of the closing entry."""
        return self.last_index + 1


def read(log: Engine, state: Engine, group: int, me: int) -> tuple[Copy, Overlay]:
    """Return what a node has of a group, and the state as it would be at the end of the log; nothing is written.

    Args:
        log: the raft/ database, in which what a crash cut off was ended (`snapshot.recover`).
        state: the data/ database, likewise.
        group: one that has a log here.
        me: the node's raft id.

    Raises:
        CorruptionError: log and state are damaged or contradict each other.
    """
    overlay = Overlay(state)
    replica, hard_state = _decreed(log, group, me, _machine(group, overlay))
    applied = replica.machine.state.applied_index or replica.start.index
    configurations = [_configuration(replica)]
    for entry in _entries(replica):
        _, changed = replica.apply([entry], overlay)
        if changed:
            configurations.append(_configuration(replica))
    copy = Copy(
        group=group,
        term=hard_state.term,
        commit=max(hard_state.commit, applied),
        applied=applied,
        last_index=replica.last_logged,
        last_term=replica.raft.term_at(replica.last_logged),
        last_version=replica.machine.state.last_version,
        configurations=tuple(configurations),
    )
    return copy, overlay


def end_state(log: Engine, state: Engine, ending: Ending, me: int, closing: Callable[[Reader], bytes]) -> None:
    """Do step 1: bring the state to the end of the log and beyond it. Synced when this returns; may be repeated.

    Args:
        log: the raft/ database.
        state: the data/ database.
        ending: where the log ends.
        me: the node's raft id: the only member from now on.
        closing: given the state at the end of the log, returns what the closing entry says; b"" for nothing.

    Raises:
        CorruptionError: as `read`.
    """
    if load_state(state, ending.group).applied_index < ending.closing_index:
        machine = _machine(ending.group, state)
        replica, _ = _decreed(log, ending.group, me, machine)
        if replica.last_logged != ending.last_index:
            raise CorruptionError(
                f"the log of group {ending.group} ends at entry {replica.last_logged}, not {ending.last_index}"
            )
        overlay, pending = Overlay(state), 0
        for entry in _entries(replica):
            replica.apply([entry], overlay)
            pending += 1
            if pending >= _SLICE_ENTRIES:
                state.write(overlay)
                overlay, pending = Overlay(state), 0
        state.write(overlay)
        overlay = Overlay(state)
        machine.state.membership = alone(me)
        machine.apply(ending.closing_index, ending.term, closing(state), overlay)
        state.write(overlay)
    state.sync()


def end_log(write: Overlay, ending: Ending, me: int) -> None:
    """Put step 2 into a write of the raft/ database."""
    _begin(write, ending.group, ending.closing_index, ending.term, me)


def begin_empty(write: Overlay, group: int, term: int, me: int) -> None:
    """Put the beginning of a group without any state into a write of the raft/ database; `me` is its only voter."""
    _begin(write, group, _GENESIS_INDEX, term, me)


def alone(me: int) -> bytes:
    """Return the encoded membership of a group of one voter."""
    return themis_raft.ConfState(voters=[me]).encode()


def _begin(write: Overlay, group: int, index: int, term: int, me: int) -> None:
    Log.save_start(write, group, LogStart(index, term, alone(me)))
    Log.save_hard_state(write, group, HardState(term, 0, index))


def _machine(group: int, reader: Reader) -> Machine:
    return meta.MetadataMachine(reader) if group == meta.GROUP else DataMachine(group, reader)


def _decreed(log: Engine, group: int, me: int, machine: Machine) -> tuple[Group, HardState]:
    """Return a replica to which its whole log is committed, and the hard state that it really has."""
    recovered = Log(log).recover(group)
    if recovered is None:
        raise CorruptionError(f"there is no log of group {group}")
    hard_state = recovered.hard_state
    last = recovered.start.index + len(recovered.entries)
    decreed = type(recovered)(recovered.start, HardState(hard_state.term, hard_state.vote, last), recovered.entries)
    return Group(group, me, (), machine, decreed, RaftTiming()), hard_state


def _entries(replica: Group) -> Iterator[tuple[int, int, int, bytes]]:
    """Yield the entries that are not applied yet, each to be applied before the next is asked for."""
    while replica.raft.has_ready():
        ready = replica.raft.ready()
        advanced = replica.raft.advance()
        yield from ready.committed
        yield from advanced.committed


def _configuration(replica: Group) -> Configuration:
    state = replica.raft.conf_state()
    learners = sorted({*state.learners, *state.learners_next} - {*state.voters_outgoing})
    return Configuration(tuple(sorted(state.voters)), tuple(sorted(state.voters_outgoing)), tuple(learners))
