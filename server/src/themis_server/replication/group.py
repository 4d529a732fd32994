"""One Raft group on this node: its core, its machine, who waits for what in it, and what the rest of the node sees.

A group is new (it is made with its voters), recovered (from the log), or waiting: made without voters and without a
log, it takes part once a leader has sent it a snapshot. Before that it gives no vote: it may have had a log before,
been taken out and destroyed, and now would help somebody to lead who lacks what that log had.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import inf

import themis_raft
from themis_server.replication.barriers import Barriers
from themis_server.replication.elections import RaftTiming, election_timeout
from themis_server.replication.log import HardState, Log, LogStart, Recovered
from themis_server.replication.membership import Members, halves_of, in_force, is_settled
from themis_server.replication.outcome import (
    Busy,
    Completion,
    NotLeader,
    OutcomeUnknown,
    Proposal,
    Stalled,
    Stopped,
)
from themis_server.replication.proposals import Proposals, parts
from themis_server.replication.retention import MARK_BYTES, LogSize, compact_to
from themis_server.replication.views import GroupStatus, GroupView
from themis_server.statemachine.command import encode_entry
from themis_server.statemachine.machine import Machine
from themis_server.storage.engine import CorruptionError, Overlay
from themis_server.storage.keys import METADATA_GROUP

__all__ = [
    "Busy",
    "Completion",
    "Group",
    "GroupStatus",
    "NotLeader",
    "OutcomeUnknown",
    "Proposal",
    "RaftTiming",
    "Stalled",
    "Stopped",
]

_GENESIS_INDEX = 1
"""A new group begins after an entry that nobody has: as if a snapshot had been taken of it.

So a replica that joins later can never replay the log from nothing, which would leave it without the first membership,
but is always given a snapshot.
"""
_MESSAGE_BYTES = 512 << 10
_MESSAGES_IN_FLIGHT = 64
_LEADERLESS_ELECTIONS = 10
"""After so many election timeouts without any leader, proposals of a deposed one are given up."""
"""So much of a group's log is on its way to a replica that catches up, at most: their product."""
_NO_LOG = Recovered(LogStart(0, 0, b""), HardState(), [])


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
        *,
        hard_state: HardState | None = None,
        mark_bytes: int = MARK_BYTES,
    ) -> None:
        """Make a replica.

        Args:
            group_id: number of the group.
            node_id: Raft id of this node.
            voters: the first voters of a new group, the same on all of them; empty: wait for a snapshot.
            machine: what committed entries are applied to.
            recovered: what the log holds of the group; None: nothing.
            timing: how fast time runs.
            hard_state: what an earlier replica of the group on this node has promised (`Log.tombstone`).
            mark_bytes: in steps of about how many bytes the log is forgotten (`retention.LogSize`).

        Raises:
            CorruptionError: log and state contradict each other.
        """
        self.id = group_id
        self.node_id = node_id
        self.machine = machine
        self.timing = timing
        self.view = GroupView(group_id)
        self.leader = 0
        self.proposals = Proposals()
        self.barriers = Barriers()
        self.is_new = recovered is None and bool(voters)
        """Whether the group has no trace in the log yet, and begins here."""
        self.desired: Members | None = None
        self.removed = False
        """A committed change has taken this replica out; it goes on helping those who do not know of it yet."""
        self.released = False
        """Nobody needs it any more: it can be destroyed."""
        self._gone_since: dict[int, tuple[int, int]] = {}
        """Voters that say that this replica is none any more, and as of which entry: its term and index."""
        self.asleep = False
        """Nothing happens in the group and its clock stands (see quiescence)."""
        self.idle_ticks = 0
        """Ticks since anything but heartbeats happened."""
        self.silent_ticks = 0
        """Ticks since the leader was heard in this group."""
        self.votes_from_tick = 0
        """Before this tick of the driver no vote is given: what an earlier run promised to a leader's lease holds."""
        self.transfer_to = 0
        self.told_trimmed = 0
        self.leaderless_ticks = 0
        """Ticks for which proposals have waited here without a leader."""
        self.lease_until_s = 0.0
        self._lease_void_term = 0
        begins = recovered or (_genesis(voters) if voters else _NO_LOG)
        start = begins.start
        promised = begins.hard_state
        if recovered is None and hard_state is not None:
            promised = HardState(
                max(promised.term, hard_state.term),
                hard_state.vote if hard_state.term >= promised.term else promised.vote,
                promised.commit,
            )
        last = start.index + len(begins.entries)
        applied = machine.state.applied_index or min(start.index, _GENESIS_INDEX)
        self._check(applied, start, last, lost=recovered is None)
        self.start = start
        self.hard_state = promised
        self._hard_state_saved = True
        self.last_logged = last
        self.size = LogSize(0, mark_bytes)
        for index, entry in enumerate(begins.entries, start.index + 1):
            self.size.added(index, len(entry))
        self.members_since = applied
        """The members in force were in force at this entry, or before."""
        membership = machine.state.membership or start.membership
        self.raft = themis_raft.Group(
            node_id=node_id,
            conf_state=membership or None,
            election_ticks=timing.election_ticks,
            heartbeat_ticks=timing.heartbeat_ticks,
            hard_state=(promised.term, promised.vote, promised.commit),
            snapshot_index=start.index,
            snapshot_term=start.term,
            applied=applied,
            entries=begins.entries,
            max_size_per_message=_MESSAGE_BYTES,
            max_inflight=_MESSAGES_IN_FLIGHT,
            eager_commit=group_id == METADATA_GROUP,
        )
        self.members_changed()
        if not self.is_waiting:
            self._look_whether_removed()
        self.refresh_view()

    def _check(self, applied: int, start: LogStart, last: int, *, lost: bool) -> None:
        if lost and applied > start.index:
            raise CorruptionError(f"group {self.id} has applied entry {applied}, but its log is gone")
        if applied < start.index:
            raise CorruptionError(
                f"group {self.id} has applied up to entry {applied}, but its log begins after {start.index}: "
                "the state has lost what the log no longer holds"
            )
        if applied > last:
            raise CorruptionError(
                f"group {self.id} has applied up to entry {applied}, but its log ends at entry {last}"
            )

    def log_genesis(self, write: Overlay) -> None:
        """Put the beginning of a new group into `write`."""
        Log.save_start(write, self.id, self.start)
        Log.save_hard_state(write, self.id, self.hard_state)

    # Who belongs to it

    def members_changed(self) -> None:
        """Take note of the membership in force."""
        state = self.raft.conf_state()
        self.members = in_force(state)
        self.others = self.members.all - {self.node_id}
        self.halves = halves_of(state)
        """The voters; in a joint phase, those before and those after: a quorum of each decides."""
        self.is_sole_voter = state.voters == [self.node_id] and not state.voters_outgoing
        self.is_settled = is_settled(state, self.desired)
        self.is_settled_for_good = False
        if self.node_id in self.members.voters:
            self.raft.set_election_timeout(election_timeout(self.id, self.node_id, self.members.voters, self.timing))

    @property
    def is_relied_on(self) -> bool:
        """Whether a leader still speaks to this replica as to a member, or it leads itself."""
        if self.removed or self.is_waiting or not self.others:
            return False
        return self.is_leader or self.asleep or self.silent_ticks < self.timing.election_ticks

    def settle(self) -> bool:
        """On the leader: return whether the members are the desired ones and a majority of them knows it.

        Before that an old member that leaves must not be destroyed: if the leader died, the others might need it to
        find out.
        """
        if self.is_settled and not self.is_settled_for_good and self.is_leader:
            progress = self.raft.status().progress
            voters = self.members.voters
            know = sum(
                node == self.node_id or (node in progress and progress[node].commit >= self.members_since)
                for node in voters
            )
            self.is_settled_for_good = self.raft.commit >= self.members_since and 2 * know > len(voters)
            self.view.settled = self.is_settled_for_good
        return self.is_settled_for_good

    def save_membership(self, write: Overlay) -> None:
        """Put into `write` that what changed the members is committed.

        It has to be durable before others hear of it: a replica that forgot it would look for members that are
        destroyed by then.
        """
        state = self.hard_state
        self.hard_state = HardState(state.term, state.vote, max(state.commit, self.machine.state.applied_index))
        Log.save_hard_state(write, self.id, self.hard_state)

    @property
    def is_waiting(self) -> bool:
        """Whether it has neither members nor a log, and needs a snapshot."""
        return not self.members.voters

    @property
    def is_leader(self) -> bool:
        """Whether this replica leads the group."""
        return self.raft.role == "leader"

    # Work in

    def propose(self, proposals: list[Proposal], proposed: int, entry_bytes_max: int) -> list[Completion]:
        """Put proposals into as few entries as their size allows; return those that could not even be proposed."""
        if not self.is_leader:
            return self._refused(proposals, NotLeader(self.raft.leader))
        payloads: list[bytes] = []
        handles: list[list[object]] = []
        for part in parts(proposals, entry_bytes_max):
            payloads.append(encode_entry(proposed, [proposal.command for proposal in part]))
            handles.append([proposal.handle for proposal in part])
        try:
            first = self.raft.propose(payloads)
        except themis_raft.ProposalDropped as dropped:
            return self._refused(proposals, self._refusal(dropped))
        return self.proposals.expect(first, self.raft.term, handles, self.raft.leader)

    @staticmethod
    def _refused(proposals: list[Proposal], why: Exception) -> list[Completion]:
        return [Completion(proposal.handle, why) for proposal in proposals]

    def _refusal(self, dropped: themis_raft.ProposalDropped) -> Exception:
        if dropped.reason in ("too_much_in_flight", "not_ready"):
            return Busy(dropped.reason)
        return NotLeader(self.transfer_to if dropped.reason == "transferring" else self.raft.leader)

    def transfer(self, to: int) -> None:
        """Begin to hand leadership to voter `to`. Raises `NotLeader`, or `Busy` when `to` cannot lead."""
        # The message that makes `to` stand overrides the refusals that a lease relies on, and may arrive late.
        self._lease_void_term = self.raft.term
        self.lease_until_s = 0.0
        self.refresh_lease()
        self.raft.tell_commit(self.raft.commit)  # so that `to` has little to apply before it can serve
        try:
            self.raft.transfer_leader(to)
        except themis_raft.ProposalDropped as dropped:
            raise (Busy("not_member") if dropped.reason == "not_member" else NotLeader(self.raft.leader)) from None
        self.transfer_to = to

    # Work out

    def log(self, ready: themis_raft.Ready, write: Overlay) -> int:
        """Put what `ready` says must be durable into `write`; return the bytes of entries."""
        size = 0
        if ready.entries:
            first = ready.entries[0][0]
            if first <= self.last_logged:
                Log.truncate_from(write, self.id, first)
                self.size.cut(first)
            size = Log.append(write, self.id, ready.entries)
            self.last_logged = ready.entries[-1][0]
            self.size.added(self.last_logged, size)
        if ready.hard_state is not None:
            self.hard_state = HardState(*ready.hard_state)
            self._hard_state_saved = False
        # A commit index that moved is learnt again after a restart, so by itself it is not worth a write: it waits for
        # the next entries. A term or a vote must be durable before anything is sent.
        if not self._hard_state_saved and (ready.entries or ready.must_sync):
            Log.save_hard_state(write, self.id, self.hard_state)
            self._hard_state_saved = True
        return size

    def apply(self, committed: list[tuple[int, int, int, bytes]], overlay: Overlay) -> tuple[list[Completion], bool]:
        """Apply committed entries; return the ends of the proposals in them, and whether the membership changed."""
        completions: list[Completion] = []
        changed = False
        leader = self.raft.leader
        for index, term, kind, data in committed:
            if kind != themis_raft.NORMAL:
                changed = self._change_membership(index, kind, data) or changed
                results = self.machine.apply(index, term, b"", overlay)
            else:
                results = self.machine.apply(index, term, data, overlay)
            completions += self.proposals.applied(index, term, results, leader)
        if committed:
            self.raft.applied_to(committed[-1][0])
        return completions, changed

    def _change_membership(self, index: int, kind: int, data: bytes) -> bool:
        try:
            self.machine.state.membership = self.raft.apply_conf_change(kind, data)
        except themis_raft.StepError:
            # Every replica finds the same fault in the same entry, and the membership stays as it was on all of them.
            return False
        self.members_since = index
        self.members_changed()
        if not self._decides:
            self.lease_until_s = 0.0
            self.refresh_lease()
        self._look_whether_removed()
        return True

    def _look_whether_removed(self) -> None:
        self.removed = self.node_id not in self.members.all  # it may have been taken in again, by the same entries even
        self.released = False
        self._gone_since.clear()

    def told_gone(self, voter: int, term: int, index: int) -> None:
        """Take note that a voter knows of a change, in force by that entry, that has taken this replica out.

        When most of those who stay know of it, they can go on by themselves, and this replica is let go of, whether it
        has heard of the change itself or not. Before, its vote may be needed to find out: in the joint phase that the
        change has ended, and of which the others may not know that it has.
        """
        self._gone_since[voter] = term, index
        if self.removed:
            state, stay = self.machine.state, self.members.voters
            has = state.applied_term, state.applied_index
        else:
            # A log that is longer than that has acknowledged something since, as a member: it was taken in again.
            last, stay = self.raft.last_index, (self.desired or self.members).voters - {self.node_id}
            has = self.raft.term_at(last), last
        know = {other for other, entry in self._gone_since.items() if entry >= has}
        # Who votes now and did not after the change that this replica knows does so by a later one, and that was not
        # begun before most of them knew of the first.
        later = self.removed and not know <= stay
        if later or 2 * len(know & stay) > len(stay):
            self.removed = self.released = self.view.released = True

    @property
    def _decides(self) -> bool:
        """Whether this replica votes, and will when a joint phase has ended.

        Who leads without, because it found itself in a joint phase that takes it out, has no lease: if one voter is
        left, that one needs nobody's vote, so no promise to this leader stops it from leading at once.
        """
        return all(self.node_id in half for half in self.halves)

    def installed(self, snapshot: themis_raft.Snapshot, machine: Machine) -> list[Completion]:
        """Go on from a snapshot that is in force on disk, with the machine as it reads from there."""
        self.machine = machine
        self.start = LogStart(snapshot.index, snapshot.term, snapshot.conf_state)
        self.last_logged = snapshot.index
        self.size.emptied()
        self.members_since = snapshot.index
        self.members_changed()
        self._look_whether_removed()
        return self.proposals.jumped(snapshot.index)

    def barriers_reached(self, *, leases: bool) -> list[Completion]:
        """Return the barriers that the state has reached; a leader that a quorum has confirmed may have a lease of
        it."""
        reached = self.barriers.reached(self.machine.state.applied_index)
        self.view.fresh_at_s = self.barriers.fresh_at_s
        term, began_s = self.barriers.led
        if leases and self.is_leader and self._decides and term == self.raft.term > self._lease_void_term:
            self.lease_until_s = began_s + self.timing.lease_s
            self.refresh_lease()
        return reached

    def lost_leadership(self) -> list[Completion]:
        """Return the reads that wait for a proof of leadership which will not come.

        Writes stay: they may yet be committed.
        """
        self.lease_until_s = 0.0
        self.transfer_to = 0
        return self.barriers.refuse(NotLeader(self.raft.leader))

    def give_up_proposals(self) -> list[Completion]:
        """Called each tick: give up on proposals of a leader that was deposed and finds no other to ask.

        They may be committed by those that it cannot hear.
        """
        if not self.proposals or self.raft.leader:
            self.leaderless_ticks = 0
            return []
        self.leaderless_ticks += 1
        if self.leaderless_ticks < _LEADERLESS_ELECTIONS * self.timing.election_ticks:
            return []
        return self.proposals.abandon("the node has lost its leadership, and finds no other leader")

    def abandon(self, why: Exception) -> list[Completion]:
        """Give up on everything that waits: what was proposed may yet take effect, reads are told `why`."""
        abandoned = self.proposals.abandon("the node stopped or its disk filled up before the write was committed")
        return abandoned + self.barriers.abandon(why)

    def wants_lease(self, now_s: float) -> bool:
        """Whether this leader had better be confirmed again before its lease runs out."""
        return (
            not self.is_sole_voter
            and self._decides
            and self.raft.term > self._lease_void_term
            and self.lease_until_s - now_s < self.timing.lease_s / 2
        )

    # The log's length

    def compactable(self, retain_bytes: int) -> int:
        """Return up to which index the log may be forgotten once the state is durable."""
        applied = self.machine.state.applied_index
        if not self.others:
            return applied
        if not self.is_leader:
            return compact_to(applied, self.told_trimmed, None, self.size, retain_bytes)
        progress = self.raft.status().progress
        slowest = min((known.match for known in progress.values()), default=self.start.index)
        on_their_way = [known.pending_snapshot for known in progress.values() if known.pending_snapshot]
        return compact_to(applied, slowest, min(on_their_way, default=None), self.size, retain_bytes)

    def compact(self, index: int, write: Overlay) -> None:
        """Forget log entries up to `index`, all of which are durable in the state."""
        index, term = self.raft.compact(index)
        self.start = LogStart(index, term, self.machine.state.membership or self.start.membership)
        Log.save_start(write, self.id, self.start)
        self.size.trimmed(index, self.raft.bytes_in_memory)

    # What others see

    def promise_version(self) -> None:
        """Show readers the greatest version that the coming state write can hold, before it is visible."""
        self.view.version_ahead = self.machine.state.last_version

    def show_applied(self) -> None:
        """Show how far the state goes, after the state write."""
        state = self.machine.state
        self.view.applied, self.view.version = state.applied_index, state.last_version

    def refresh_lease(self) -> None:
        """Show how long nobody else can lead."""
        self.view.lease_until_s = inf if self.is_sole_voter and self.is_leader else self.lease_until_s

    def refresh_view(self) -> None:
        """Show the group as it is; what was applied is visible in the state."""
        view, raft = self.view, self.raft
        self.promise_version()
        self.show_applied()
        view.role, view.leader, view.term = raft.role, raft.leader, raft.term
        view.is_leader = view.role == "leader"
        view.sole_voter = self.is_sole_voter
        view.members, view.removed, view.released = self.members, self.removed, self.released
        view.settled = self.is_settled_for_good if view.is_leader else self.is_settled
        view.fresh_at_s = self.barriers.fresh_at_s
        view.quiesced = self.asleep
        self.refresh_lease()

    def status(self) -> GroupStatus:
        """Return the group as operators see it."""
        raft = self.raft
        return GroupStatus(
            group=self.id,
            role=raft.role,
            leader=raft.leader,
            term=raft.term,
            commit=raft.commit,
            applied=self.machine.state.applied_index,
            log_entries=self.last_logged - self.start.index,
            log_bytes=self.size.bytes,
            voters=tuple(sorted(self.members.voters)),
            learners=tuple(sorted(self.members.learners)),
            settled=self.view.settled,
            quiesced=self.asleep,
            match={node: known.match for node, known in raft.status().progress.items()} if self.others else {},
        )
