"""One turn over all Raft groups of a node. No threads and no clock of its own: the thread and the simulator turn it
alike.

               proposals  barriers  envelopes  ticks
                        |          |        |
    turn:   1  propose / step / tick          every group that something arrived for
            2  ready                          what each group wants to persist, send and apply
            3  flush                          what may go out before the disk has anything, one envelope a peer
            4  log.commit                     ONE write and ONE sync for all groups
            5  flush, advance                 what had to wait for the sync
            6  apply                          committed entries of all groups into ONE write of the state
            7  completions                    whose proposals and barriers ended, and how; the views of the groups

Everything that arrives while a sync is under way waits for the next turn, and shares it: that is the group commit. Only
groups that something happened to are looked at: those that sleep (see quiescence) cost nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import themis_raft
from themis_server.clock import Clock
from themis_server.replication.chores import Chores
from themis_server.replication.commits import CommitNews
from themis_server.replication.compaction import Compaction
from themis_server.replication.disk import Disk
from themis_server.replication.elections import RaftTiming
from themis_server.replication.envelope import Kind, kind_of
from themis_server.replication.group import Busy, Completion, Group, GroupStatus, NotLeader
from themis_server.replication.intake import Counters, Intake
from themis_server.replication.log import Log
from themis_server.replication.membership import Members
from themis_server.replication.peers import Peers
from themis_server.replication.ports import Observer, Snapshots, Transport
from themis_server.replication.quiescence import Quiescence
from themis_server.replication.rounds import Rounds
from themis_server.replication.steward import Steward
from themis_server.replication.views import GroupView
from themis_server.replication.work import DriverLimits, Work
from themis_server.statemachine import version
from themis_server.statemachine.machine import Machine
from themis_server.storage.engine import Engine, Overlay

__all__ = ["Counters", "Driver", "DriverLimits", "Observer", "Transport", "Work"]

_ReadyOf = tuple[Group, themis_raft.Ready]


class Driver:
    """Drives every group of this node. Belongs to one thread."""

    def __init__(
        self,
        log: Log,
        state: Engine,
        groups: Iterable[Group],
        clock: Clock,
        observer: Observer,
        limits: DriverLimits,
        transport: Transport | None = None,
        wait_for_space: Callable[[], None] | None = None,
        *,
        snapshots: Snapshots | None = None,
        machine: Callable[[int], Machine] | None = None,
        on_removed: Callable[[int], None] | None = None,
        incarnation: int | None = None,
        timing: RaftTiming | None = None,
    ) -> None:
        """Make a driver of `groups`; `start` it next.

        Args:
            log: the logs of all groups.
            state: what committed entries are written to.
            groups: the replicas of this node.
            clock: for the times in entries, and for leases.
            observer: is told what happens.
            limits: sizes.
            transport: takes what other nodes are to be told; None: there are none.
            wait_for_space: waits while the disk is full; None: a full disk is an error.
            snapshots: makes and installs the states of groups; None: nobody lags so far.
            machine: makes the machine of a group anew, from the state that a snapshot left.
            on_removed: is told of a group that a committed change took this node out of.
            incarnation: differs between any two runs of this node; None: taken from the clock.
            timing: how fast time runs; None: as for the first group.
        """
        self._log = log
        self._state = state
        self.groups = {group.id: group for group in groups}
        self.views: dict[int, GroupView] = {group.id: group.view for group in self.groups.values()}
        """What others may see of each group, on any thread."""
        self._clock = clock
        self._observer = observer
        self._limits = limits
        self._disk = Disk(log, state, clock, observer, wait_for_space, sync=limits.sync)
        self._snapshots = snapshots
        self._on_removed = on_removed or (lambda group: None)
        if incarnation is None:
            incarnation = clock.unix_ms() << 20 ^ int(clock.monotonic_s() * 1e6)
        timing = timing or next((group.timing for group in self.groups.values()), RaftTiming())
        self._timing = timing
        self._peers = Peers(transport, timing.heartbeat_ticks)
        self._quiescence = Quiescence(self.groups, self._peers, timing)
        self._steward = Steward(self.groups, self._peers, self._quiescence, timing)
        self._chores = Chores(snapshots, machine)
        self._compaction = Compaction(self.groups, log, self._disk, self._chores, self._peers, limits)
        self._commits = CommitNews(self.groups)
        self._dirty: dict[int, Group] = {}
        self._rounds = Rounds(
            self.groups,
            self._peers,
            clock,
            timing,
            incarnation,
            wake=self._quiescence.wake,
            tell_commit=self._tell_commit,
            leases=limits.lease_reads,
        )
        self._intake = Intake(
            self.groups,
            self._dirty,
            self._peers,
            self._quiescence,
            self._steward,
            self._chores,
            self._rounds,
            self._was_removed,
        )
        self._lonely: list[Group] = []
        """Groups of which this node may have become the only voter, and then has nobody to wait for."""
        self._led_changed = True
        self._leaders_moved = 0
        self._ended: list[Completion] = []
        self.applied_something = False
        """Whether the last turn changed the state."""

    # Groups come and go

    def start(self) -> list[Completion]:
        """Make new groups durable, and let groups that this node alone votes in elect it at once."""
        write = self._log.new_write()
        for group in self.groups.values():
            if group.is_new:
                group.log_genesis(write)
        if write:
            self._log.commit(write, sync=True)
        for group in self.groups.values():
            self._begin(group)
        self._meet_neighbours()
        return self.turn(Work())

    def _begin(self, group: Group) -> None:
        # What this replica promised to a leader before it was started, not to elect another for a while, holds.
        group.votes_from_tick = 0 if group.is_sole_voter else self._peers.ticks + group.timing.election_ticks
        self._quiescence.add(group)
        self._dirty[group.id] = group
        self._lonely.append(group)

    def is_removing(self, group_id: int) -> bool:
        """Whether a replica that left is still being destroyed: another of that group has to wait."""
        return self._chores.is_removing(group_id)

    def add_group(self, group: Group) -> None:
        """Take in a further replica. Raises `Busy` while an earlier one of that group is still being removed."""
        if group.id in self.groups:
            raise ValueError(f"group {group.id} has a replica here")
        if self._chores.is_removing(group.id):
            raise Busy("being_removed")
        if group.is_new:
            write = self._log.new_write()
            group.log_genesis(write)
            self._disk.log(write, 0, 0, must_sync=True)
        self.groups[group.id] = group
        self.views = {**self.views, group.id: group.view}  # read on other threads: never changed, only replaced
        self._begin(group)
        self._meet_neighbours()

    def remove_group(self, group_id: int) -> None:
        """Destroy a replica: who waits is answered, and state and log go; what it has promised in votes stays.

        Raises `Busy` while a leader still counts on it (see `Group.is_relied_on`): then the change that takes it out is
        not made yet, or made already the one that takes it in again.
        """
        group = self.groups.get(group_id)
        if group is None:
            return
        if group.is_relied_on:
            raise Busy("still_a_member")
        del self.groups[group_id]
        self._ended += group.abandon(NotLeader(0))
        group.view.removed, group.view.is_leader, group.view.role = True, False, "follower"
        group.view.leader = 0
        group.view.lease_until_s = 0.0
        self.views = {other: view for other, view in self.views.items() if other != group_id}
        self._dirty.pop(group_id, None)
        self._quiescence.forget(group)
        self._led_changed = True
        self._chores.remove(group)
        self._meet_neighbours()

    def set_peers(self, peers: frozenset[int]) -> None:
        """Name the other nodes of the cluster: they are told which groups this one leads."""
        self._peers.set_known(peers)

    def version_with(self, peer: int) -> int:
        """Return the highest version of the protocol between nodes that this node and `peer` both speak."""
        return self._peers.version(peer)

    def set_members(self, group_id: int, members: Members, epoch: int) -> None:
        """Say whom a group shall consist of as of a topology's epoch; an older epoch changes nothing.

        To be called on each node for each group that it has a replica of.
        """
        group = self.groups.get(group_id)
        if group is not None and epoch >= group.view.config_epoch:
            group.view.config_epoch = epoch
            if members == group.desired:
                return
            group.desired = members
            group.members_changed()
            group.refresh_view()
            self._steward.reconsider(group)

    def _meet_neighbours(self) -> None:
        self._peers.set_neighbours(sorted({other for group in self.groups.values() for other in group.others}))

    @property
    def counters(self) -> Counters:
        """What other nodes have said so far."""
        return self._intake.counters

    # Leadership

    def transfer_leader(self, group_id: int, to: int) -> None:
        """Begin to hand a group to another voter. Raises `NotLeader`, or `Busy` when `to` cannot lead."""
        group = self.groups.get(group_id)
        if group is None:
            raise NotLeader(0)
        self._quiescence.wake(group)
        self._dirty[group_id] = group
        group.transfer(to)

    def hand_over(self) -> None:
        """Begin to hand over every group that somebody else can lead, and go on so until it has worked."""
        self._steward.hand_over()
        self._dirty.update({group.id: group for group in self._steward.tend(self._peers.ticks)})

    def keep_leading(self) -> None:
        """Take `hand_over` back."""
        self._steward.keep()

    @property
    def leads_elsewhere(self) -> int:
        """How many groups this node leads that another voter, which is heard of, could lead."""
        return sum(self._steward.is_transferable(group) for group in self.groups.values())

    @property
    def waits_for_entries(self) -> bool:
        """Whether any proposal still waits for its entry."""
        return any(len(group.proposals) for group in self.groups.values())

    @property
    def leaders_version(self) -> int:
        """Grows whenever `known_leaders` may have come to say something else. Read on any thread."""
        return self._leaders_moved + self._peers.led_moved

    def hide_leaders(self) -> None:
        """Show no leader of any group but those that this node alone votes in, while it cannot turn.

        Nobody hears it meanwhile, so the others elect leaders of which it does not know.
        """
        for group in self.groups.values():
            view = group.view
            if not group.is_sole_voter and (view.leader or view.lease_until_s):
                view.is_leader, view.role, view.leader = False, "follower", 0
                view.lease_until_s = 0.0

    def show_leaders(self) -> None:
        """Take `hide_leaders` back: show what this node knew then, which it now finds out to be over."""
        for group in self.groups.values():
            group.refresh_view()
        self._leaders_moved += 1

    def is_silent(self, peer: int) -> bool:
        """Whether nothing was heard of a node for as long as followers wait for a leader. Read on any thread."""
        return self._peers.silence(peer) >= self._timing.election_ticks

    def known_leaders(self) -> dict[int, tuple[int, int]]:
        """Return {group: (term, Raft id of its leader)}, for this node's groups and what other nodes have said."""
        own = {group.id: (group.view.term, group.view.leader) for group in self.groups.values() if group.view.leader}
        return self._peers.leaders(own)

    # The turn

    @property
    def has_commits_to_tell(self) -> bool:
        """Whether followers may have to be told what is committed: a turn with `tell_commits` does; so does a tick."""
        return bool(self._commits)

    @property
    def has_more(self) -> bool:
        """Whether the next turn has something to do whatever arrives."""
        return bool(self._chores or self._dirty or self._lonely or self._ended)

    def turn(self, work: Work) -> list[Completion]:
        """Take what arrived, bring every group as far as it will go, and return whose proposals and barriers ended."""
        done = self._ended
        self.applied_something = False
        intake = self._intake
        if work.connected or work.disconnected:
            intake.streams(work.connected, work.disconnected)
        for sender, envelope in work.envelopes:
            intake.envelope(sender, envelope)
        for arrived in work.snapshots:
            intake.snapshot(arrived)
        for _ in range(work.ticks):
            self._tick(done)
        if work.proposals or work.barriers or work.refresh:
            self._take_proposals(work, done)
        if self._commits and (work.tell_commits or work.ticks):
            for group in self._commits.tell():
                self._dirty[group.id] = group
        if self._chores:
            for group, ready, ended in self._chores.step(self._disk):
                done += ended
                self._members_changed(group)
                self._persist([(group, ready)], done)
        self._rounds.begin()
        self._go_on(done)
        while self._lonely:
            lonely, self._lonely = self._lonely, []
            for group in lonely:
                if group.is_sole_voter and not group.is_leader and group.id in self.groups:
                    group.raft.campaign()
                    self._dirty[group.id] = group
            self._go_on(done)
        if work.snapshots:
            self._chores.discard_unused()
        if self._led_changed:
            self._led_changed = False
            self._leaders_moved += 1
            self._peers.lead([(group.id, group.view.term) for group in self.groups.values() if group.view.is_leader])
        self._rounds.begin()
        self._peers.flush()
        done += self._rounds.collect()
        self._ended = []
        return done

    def _tell_commit(self, group: Group, index: int) -> None:
        if group.raft.tell_commit(index):
            self._dirty[group.id] = group

    def _go_on(self, done: list[Completion]) -> None:
        while self._dirty:
            busy = [group for group in self._dirty.values() if group.raft.has_ready()]
            self._dirty.clear()
            if busy:
                self._advance(busy, done)

    def _tick(self, done: list[Completion]) -> None:
        self._peers.tick()
        ticks = self._peers.ticks
        for group in self._quiescence.tick():
            self._dirty[group.id] = group
        now_s = self._clock.monotonic_s()
        self._rounds.tick()
        for group in self._quiescence.awake.values():
            if group.proposals:
                done += group.give_up_proposals()
            if self._limits.lease_reads and not group.barriers and group.is_leader and group.wants_lease(now_s):
                self._rounds.add(group, None)
        if ticks % self._timing.heartbeat_ticks == 0:
            for group in self._steward.tend(ticks):
                self._dirty[group.id] = group

    def _take_proposals(self, work: Work, done: list[Completion]) -> None:
        proposed = version.from_unix_ms(self._clock.unix_ms()) if work.proposals else 0
        for group_id, proposals in work.proposals.items():
            group = self.groups.get(group_id)
            if group is None:
                done += [Completion(proposal.handle, NotLeader(0)) for proposal in proposals]
                continue
            if group.asleep:
                self._quiescence.wake(group)
            group.idle_ticks = 0
            done += group.propose(proposals, proposed, self._limits.entry_bytes_max)
            self._dirty[group_id] = group
        for group_id, handle in work.barriers:
            group = self.groups.get(group_id)
            if group is not None and not group.removed:
                self._rounds.add(group, handle)
                if self._limits.lease_reads:
                    self._quiescence.wake(group)  # only an awake leader renews its lease
            else:
                done.append(Completion(handle, NotLeader(0)))
        if work.refresh:
            self._rounds.refresh()

    def _advance(self, busy: Sequence[Group], done: list[Completion]) -> None:
        readies: list[_ReadyOf] = []
        for group in busy:
            ready = group.raft.ready()
            for to, message in ready.messages:
                self._post(group, to, message)
            if group.leader == group.node_id != 0 and ready.role != "leader":
                done += group.lost_leadership()
            if ready.leader != group.leader:
                group.leader = ready.leader
                if not ready.leader:
                    done += group.barriers.refuse(NotLeader(0))
            if ready.snapshot is not None:
                self._chores.install(group, ready, ready.snapshot)
            else:
                readies.append((group, ready))
        self._persist(readies, done)

    def _persist(self, readies: list[_ReadyOf], done: list[Completion]) -> None:
        write = self._log.new_write()
        entries = size = 0
        must_sync = False
        for group, ready in readies:
            size += group.log(ready, write)
            entries += len(ready.entries)
            must_sync = must_sync or ready.must_sync
        if write:
            self._peers.flush()
            self._disk.log(write, entries, size, must_sync=must_sync)

        overlay = Overlay(self._state)
        reshaped: list[Group] = []
        applied = 0
        started_s = self._clock.monotonic_s()
        for group, ready in readies:
            for to, message in ready.persisted_messages:
                self._post(group, to, message)
            advanced = group.raft.advance()
            for to, message in advanced.messages:
                self._post(group, to, message)
            committed = ready.committed + advanced.committed
            if committed:
                applied += len(committed)
                ended, changed = group.apply(committed, overlay)
                done += ended
                if changed:
                    self._members_changed(group)
                    reshaped.append(group)
                group.promise_version()
                if ready.role == "leader" and group.others:
                    self._commits.note(group)
            self._dirty[group.id] = group
        if reshaped:
            write = self._log.new_write()
            for group in reshaped:
                group.save_membership(write)
            self._disk.log(write, 0, 0, must_sync=True)
        if write:
            self._peers.flush()  # what waits for the sync need not wait for the state as well
        if overlay:
            self._disk.apply(overlay)
        if applied:
            self.applied_something = True
            self._observer.applied(applied, self._clock.monotonic_s() - started_s)
        for group, ready in readies:
            view = group.view
            group.show_applied()
            if ready.leader != view.leader or ready.term != view.term or ready.role != view.role:
                self._led_changed = True
                group.is_settled_for_good = False
                group.refresh_view()
                self._lonely.append(group)
                self._steward.reconsider(group)
            if group.barriers:
                done += group.barriers_reached(leases=self._limits.lease_reads)
            if self._snapshots is not None and view.is_leader and group.others:
                self._chores.serve(group)
        for group in reshaped:
            group.refresh_view()

    def _post(self, group: Group, to: int, message: bytes) -> None:
        if kind_of(message) == Kind.SNAPSHOT:
            self._chores.send(group, to, message)
        else:
            self._peers.mail.to(to).add(group.id, message)

    def _members_changed(self, group: Group) -> None:
        self._chores.members_changed(group)
        self._meet_neighbours()
        self._steward.reconsider(group)
        self._lonely.append(group)
        if group.removed:
            self._was_removed(group)

    def _was_removed(self, group: Group) -> None:
        group.view.removed = True
        self._ended += group.barriers.refuse(NotLeader(0))
        self._on_removed(group.id)

    # Upkeep

    def compaction_due(self, *, idle: bool) -> dict[int, int]:
        """Return {group: index} of what could be forgotten of logs; see `Compaction`."""
        return self._compaction.due(idle=idle)

    def compact(self, due: dict[int, int]) -> None:
        """Forget log entries. The caller has synced the state since `compaction_due` said up to where."""
        self._compaction.compact(due)

    def snapshot_sent(self, group_id: int, to: int, ok: bool) -> None:
        """Say how sending a snapshot ended."""
        group = self.groups.get(group_id)
        if group is not None and group.is_leader:
            group.raft.report_snapshot(to, ok)
            self._quiescence.wake(group)
            self._dirty[group_id] = group

    def snapshot_released(self, group_id: int, manifest: bytes) -> None:
        """Say that the content which `manifest` names is no longer kept."""
        group = self.groups.get(group_id)
        if group is not None:
            self._chores.released(group, manifest)

    def abandon(self, queued: Work, why: Exception) -> list[Completion]:
        """Return everything that waits: what was queued did not happen, for `why`; what was proposed may have."""
        done = [Completion(proposal.handle, why) for proposals in queued.proposals.values() for proposal in proposals]
        done += [Completion(handle, why) for _, handle in queued.barriers]
        for group in self.groups.values():
            done += group.abandon(why)
        return done

    def broken_off(self) -> list[Completion]:
        """Return what had ended in a turn that an exception left: it is committed and logged, and nobody was told."""
        ended, self._ended = self._ended + self._rounds.collect(), []
        return ended

    def status(self) -> list[GroupStatus]:
        """Return every group as operators see it."""
        return [group.status() for group in self.groups.values()]
