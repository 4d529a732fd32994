"""One Raft group on this node: its core, its machine, and the proposals that wait for their entries.

An entry carries all the proposals that were waiting for a turn, so the price of an entry is shared under load.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import msgspec

import themis_raft
from themis_server.replication.log import HardState, Log, LogStart, Recovered
from themis_server.statemachine.command import Result, encode_entry
from themis_server.statemachine.machine import Machine
from themis_server.storage.engine import CorruptionError, Overlay


class NotLeader(Exception):
    """This replica does not lead the group. Nothing happened. `leader` is who does, 0 if that is not known."""

    def __init__(self, leader: int) -> None:
        super().__init__(f"not the leader; the leader is {leader or 'not known'}")
        self.leader = leader


class Busy(Exception):
    """The group takes no more at the moment. Nothing happened."""


class OutcomeUnknown(Exception):
    """The proposal was made, and whether it takes effect is not known."""


class Stalled(Exception):
    """The disk is full. Nothing happened."""


class Stopped(Exception):
    """The node is stopping. Nothing happened."""


class Proposal(NamedTuple):
    """An encoded command, and the handle under which its result is handed back."""

    command: bytes
    handle: object


class Completion(NamedTuple):
    """What became of a proposal or of a read barrier (for which `result` is None)."""

    handle: object
    result: Result | Exception | None


@dataclass(frozen=True, slots=True)
class _Waiting:
    index: int
    term: int
    handles: list[object]


@dataclass(frozen=True)
class RaftTiming:
    """How fast time runs for a group, in ticks."""

    election_ticks: int = 10
    heartbeat_ticks: int = 2


_GENESIS_INDEX = 1
"""A new group begins after an entry that nobody has: as if a snapshot had been taken of it.

So a replica that joins later can never replay the log from nothing, which would leave it without the first membership,
but is always given a snapshot.
"""


def _genesis(voters: Sequence[int]) -> Recovered:
    membership = themis_raft.ConfState(voters=list(voters)).encode()
    return Recovered(LogStart(_GENESIS_INDEX, 1, membership), HardState(term=1, vote=0, commit=_GENESIS_INDEX), [])


class Group:
    """A replica of one Raft group, driven by `Driver`."""

    def __init__(
        self,
        group_id: int,
        node_id: int,
        voters: Sequence[int],
        machine: Machine,
        recovered: Recovered | None,
        timing: RaftTiming,
    ) -> None:
        self.id = group_id
        self.machine = machine
        self.leader = 0
        self._waiting: deque[_Waiting] = deque()
        self._barriers: dict[bytes, object] = {}
        self._ready_barriers: list[tuple[int, object]] = []
        self._next_barrier = 0
        self.is_new = recovered is None
        """Whether the group has no trace in the log yet."""
        recovered = recovered or _genesis(voters)
        start, hard_state = recovered.start, recovered.hard_state
        last = start.index + len(recovered.entries)
        applied = machine.state.applied_index or _GENESIS_INDEX
        if self.is_new and applied > _GENESIS_INDEX:
            raise CorruptionError(f"group {group_id} has applied entry {applied}, but its log is gone")
        if applied < start.index:
            raise CorruptionError(
                f"group {group_id} has applied up to entry {applied}, but its log begins after {start.index}: "
                "the state has lost what the log no longer holds"
            )
        if applied > last:
            raise CorruptionError(
                f"group {group_id} has applied up to entry {applied}, but its log ends at entry {last}"
            )
        self.start = start
        self.hard_state = hard_state
        self._hard_state_saved = True
        self.last_logged = last
        self.logged_bytes = sum(map(len, recovered.entries))
        self.raft = themis_raft.Group(
            node_id=node_id,
            conf_state=machine.state.membership or start.membership,
            election_ticks=timing.election_ticks,
            heartbeat_ticks=timing.heartbeat_ticks,
            hard_state=(hard_state.term, hard_state.vote, hard_state.commit),
            snapshot_index=start.index,
            snapshot_term=start.term,
            applied=applied,
            entries=recovered.entries,
        )

    def log_genesis(self, write: Overlay) -> None:
        """Put the beginning of a new group into `write`."""
        Log.save_start(write, self.id, self.start)
        Log.save_hard_state(write, self.id, self.hard_state)

    @property
    def is_sole_voter(self) -> bool:
        """Whether this replica alone decides what is committed."""
        members = self.raft.conf_state()
        return members.voters == [self.raft.node_id] and not members.voters_outgoing

    def replicated_to_all(self) -> int:
        """Return the index up to which no replica lacks an entry, as far as this one knows."""
        members = self.raft.conf_state()
        if self.is_sole_voter and not members.learners:
            return self.raft.applied
        progress = self.raft.status().progress
        return min((replica.match for replica in progress.values()), default=self.raft.first_index - 1)

    @property
    def is_leader(self) -> bool:
        """Whether this replica leads the group."""
        return self.raft.role == "leader"

    def propose(self, proposals: list[Proposal], proposed: int, entry_bytes_max: int) -> list[Completion]:
        """Put proposals into as few entries as their size allows; return those that could not even be proposed."""
        if not self.is_leader:
            return [Completion(proposal.handle, NotLeader(self.raft.leader)) for proposal in proposals]
        payloads: list[bytes] = []
        handles: list[list[object]] = []
        for part in _parts(proposals, entry_bytes_max):
            payloads.append(encode_entry(proposed, [proposal.command for proposal in part]))
            handles.append([proposal.handle for proposal in part])
        try:
            first = self.raft.propose(payloads)
        except themis_raft.ProposalDropped as dropped:
            refusal = self._refusal(dropped)
            return [Completion(proposal.handle, refusal) for proposal in proposals]
        overwritten = self._overwritten_from(first)
        term = self.raft.term
        self._waiting.extend(_Waiting(first + offset, term, part) for offset, part in enumerate(handles))
        return overwritten

    def _overwritten_from(self, first: int) -> list[Completion]:
        """End proposals of an earlier time as leader in whose places new ones now stand: they can never be committed.

        So what waits is in log order, and a new proposal is not looked for behind an old one of a higher index.
        """
        overwritten: list[Completion] = []
        while self._waiting and self._waiting[-1].index >= first:
            lost = self._waiting.pop()
            overwritten += [Completion(handle, NotLeader(self.raft.leader)) for handle in lost.handles]
        return overwritten

    def read_barrier(self, handle: object) -> Completion | None:
        """Ask for proof that this replica leads now.

        `handle` completes when the state includes everything acknowledged before.
        """
        if not self.is_leader:
            return Completion(handle, NotLeader(self.raft.leader))
        self._next_barrier += 1
        context = self._next_barrier.to_bytes(8)
        try:
            self.raft.read_index(context)
        except themis_raft.ProposalDropped as dropped:
            return Completion(handle, self._refusal(dropped))
        self._barriers[context] = handle
        return None

    def _refusal(self, dropped: themis_raft.ProposalDropped) -> Exception:
        if dropped.reason in ("too_much_in_flight", "transferring", "not_ready"):
            return Busy(dropped.reason)
        return NotLeader(self.raft.leader)

    def log(self, ready: themis_raft.Ready, write: Overlay) -> int:
        """Put what `ready` says must be durable into `write`; return the bytes of entries."""
        size = 0
        if ready.entries:
            first = ready.entries[0][0]
            if first <= self.last_logged:
                Log.truncate_from(write, self.id, first)
            size = Log.append(write, self.id, ready.entries)
            self.last_logged = ready.entries[-1][0]
            self.logged_bytes += size
        if ready.hard_state is not None:
            self.hard_state = HardState(*ready.hard_state)
            self._hard_state_saved = False
        # A commit index that moved is learnt again after a restart, so by itself it is not worth a write: it waits for
        # the next entries. A term or a vote must be durable before anything is sent.
        if not self._hard_state_saved and (ready.entries or ready.must_sync):
            Log.save_hard_state(write, self.id, self.hard_state)
            self._hard_state_saved = True
        return size

    def barriers_confirmed(self, read_states: list[tuple[int, bytes]]) -> None:
        """Take the answers to read barriers: each may complete when its index has been applied."""
        for index, context in read_states:
            handle = self._barriers.pop(context, None)
            if handle is not None:
                self._ready_barriers.append((index, handle))

    def apply(self, committed: list[tuple[int, int, int, bytes]], overlay: Overlay) -> list[Completion]:
        """Apply committed entries and return the results of the proposals in them."""
        completions: list[Completion] = []
        for index, term, kind, data in committed:
            if kind != themis_raft.NORMAL:
                self._change_membership(kind, data)
                results = self.machine.apply(index, term, b"", overlay)
            else:
                results = self.machine.apply(index, term, data, overlay)
            while self._waiting and self._waiting[0].index <= index:
                waiting = self._waiting.popleft()
                if waiting.index == index and waiting.term == term:
                    completions.extend(map(Completion, waiting.handles, results))
                else:
                    # Another leader's entry stands where ours would have: ours can never be committed.
                    completions.extend(Completion(handle, NotLeader(self.raft.leader)) for handle in waiting.handles)
        if committed:
            self.raft.applied_to(committed[-1][0])
        return completions

    def _change_membership(self, kind: int, data: bytes) -> None:
        try:
            self.machine.state.membership = self.raft.apply_conf_change(kind, data)
        except themis_raft.StepError:
            # Every replica finds the same fault in the same entry, and the membership stays as it was on all of them.
            return

    def barriers_reached(self) -> list[Completion]:
        """Return the read barriers that the state has reached."""
        if not self._ready_barriers:
            return []
        applied = self.machine.state.applied_index
        reached = [Completion(handle, None) for index, handle in self._ready_barriers if index <= applied]
        self._ready_barriers = [(index, handle) for index, handle in self._ready_barriers if index > applied]
        return reached

    def lost_leadership(self) -> list[Completion]:
        """Return the reads that wait for a proof of leadership which will not come.

        Writes stay: they may yet be committed.
        """
        lost = [Completion(handle, NotLeader(self.raft.leader)) for handle in self._barriers.values()]
        self._barriers.clear()
        return lost

    def abandon(self, why: Exception) -> list[Completion]:
        """Give up on everything that waits: what was proposed may yet take effect, reads are told `why`."""
        unknown = OutcomeUnknown("the node stopped or its disk filled up before the write was committed")
        abandoned = [Completion(handle, unknown) for waiting in self._waiting for handle in waiting.handles]
        abandoned += [Completion(handle, why) for handle in self._barriers.values()]
        abandoned += [Completion(handle, why) for _, handle in self._ready_barriers]
        self._waiting.clear()
        self._barriers.clear()
        self._ready_barriers.clear()
        return abandoned

    def compact(self, index: int, write: Overlay) -> None:
        """Forget log entries up to `index`, all of which are durable in the state."""
        index, term = self.raft.compact(index)
        self.start = LogStart(index, term, self.raft.conf_state().encode())
        Log.save_start(write, self.id, self.start)
        self.logged_bytes = self.raft.bytes_in_memory


def _parts(proposals: list[Proposal], entry_bytes_max: int) -> list[list[Proposal]]:
    parts: list[list[Proposal]] = [[]]
    size = 0
    for proposal in proposals:
        size += len(proposal.command)
        if size > entry_bytes_max and parts[-1]:
            parts.append([])
            size = len(proposal.command)
        parts[-1].append(proposal)
    return parts


class GroupStatus(msgspec.Struct, frozen=True):
    """A group as operators see it."""

    group: int
    role: str
    leader: int
    term: int
    commit: int
    applied: int
    log_entries: int
    log_bytes: int
