"""Groups in which nothing happens sleep: no ticks, no heartbeats, no cost.

A leader puts its group to sleep when it has been idle for a while, everybody has everything and is heard. It says so to
each member, and who finds it true stops the group's clock too. From then on the nodes' beat stands for the heartbeats
of all groups that sleep:

    asleep -> awake   something is proposed or received in the group, or a read finds something wrong in it
                      the leader's node (on the leader: a member's) is not heard for `patience` ticks
                      the leader's node says that it does not lead the group any more

A follower that wakes because its leader is silent makes up for the ticks since that was heard, so an election starts as
soon as in a group that never slept; but never so many that it would stand at once, or that an earlier lease would not
hold. Notices get lost: a follower that is awake, hears the leader's node but no heartbeat in the group asks it to wake,
and the leader beats again and later puts the group to sleep again. See docs/adr/0024-quiescence.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from themis_server.replication.elections import RaftTiming
from themis_server.replication.envelope import Kind, kind_of
from themis_server.replication.group import Group
from themis_server.replication.peers import Peers

_IDLE_KINDS = (Kind.HEARTBEAT, Kind.HEARTBEAT_RESPONSE, Kind.APPEND_RESPONSE)


class Quiescence:
    """Which groups' clocks run. Belongs to the driver."""

    def __init__(self, groups: Mapping[int, Group], peers: Peers, timing: RaftTiming) -> None:
        self.awake: dict[int, Group] = {}
        self._groups = groups
        self._peers = peers
        self._idle_ticks = timing.election_ticks
        self._heartbeat_ticks = timing.heartbeat_ticks
        self._lost_ticks = 2 * timing.heartbeat_ticks + 1
        self.patience = max(timing.election_ticks - timing.heartbeat_ticks, 1)
        """Ticks of silence after which a node's groups are watched again."""

    def add(self, group: Group) -> None:
        """Let a group's clock run, where it has anything to count."""
        group.asleep = True
        if group.others:
            self.wake(group)

    def forget(self, group: Group) -> None:
        """Take out a group that is no more."""
        self.awake.pop(group.id, None)

    def wake(self, group: Group) -> None:
        """Let a group's clock run because something happens in it."""
        group.idle_ticks = 0
        if not group.asleep or not group.others or group.released:
            return
        group.asleep = group.view.quiesced = False
        group.silent_ticks = 0
        self.awake[group.id] = group
        leader = group.raft.leader
        if leader not in (0, group.node_id):
            status = group.raft.status()
            unheard = min(self._peers.silence(leader), group.timing.election_ticks, status.election_timeout_ticks - 1)
            for _ in range(unheard - status.election_elapsed_ticks):
                group.raft.tick()

    def sleep(self, group: Group) -> None:
        """Stop a group's clock."""
        group.asleep = group.view.quiesced = True
        self.awake.pop(group.id, None)

    def received(self, group: Group, sender: int, messages: Iterable[bytes]) -> None:
        """Take note of Raft messages that came for a group: the answers to heartbeats do not wake who asked."""
        if sender == group.raft.leader:
            group.silent_ticks = 0
        kinds = {kind_of(message) for message in messages}
        if group.is_leader:
            kinds.difference_update(_IDLE_KINDS)
            if kinds:
                self.wake(group)
        elif group.asleep or kinds - {Kind.HEARTBEAT}:
            self.wake(group)

    def tick(self) -> list[Group]:
        """Let a tick pass for the groups that are awake; return those that may have something to do."""
        ready = []
        for group in list(self.awake.values()):
            if group.released:
                self.sleep(group)
                continue
            if group.raft.tick():
                ready.append(group)
            group.idle_ticks += 1
            if group.is_leader:
                due = group.idle_ticks - self._idle_ticks
                if due >= 0 and due % self._heartbeat_ticks == 0 and self._may_sleep(group):
                    self._put_to_sleep(group)
            else:
                self._listen(group)
        for peer in list(self._peers.silent_for(self.patience)):
            ready += self.unheard(peer)
        return ready

    def _listen(self, group: Group) -> None:
        """On a follower: notice that a leader whose node is there says nothing in the group."""
        group.silent_ticks += 1
        if group.silent_ticks % self._lost_ticks:
            return
        leader = group.raft.leader
        if leader and leader != group.node_id and self._peers.silence(leader) <= self._heartbeat_ticks:
            self._peers.mail.to(leader).wake.append(group.id)

    def _may_sleep(self, group: Group) -> bool:
        raft = group.raft
        if not group.others:
            return True
        commit = raft.commit
        if (
            raft.last_index != commit
            or group.machine.state.applied_index != commit
            or not group.view.settled
            or not self._peers.all_heard(group.others, self._lost_ticks)
        ):
            return False
        status = raft.status()
        return (
            not status.transferee
            and not status.pending_conf_change
            and all(
                known.match == commit and known.commit == commit
                for node, known in status.progress.items()
                if node != group.node_id
            )
        )

    def _put_to_sleep(self, group: Group) -> None:
        raft = group.raft
        for member in sorted(group.others):
            self._peers.mail.to(member).quiesce.append((group.id, raft.term, raft.commit))
        self.sleep(group)

    def told(self, sender: int, group: Group, term: int, commit: int) -> None:
        """Take a leader's notice that its group sleeps: do so too, or have it go on."""
        raft = group.raft
        if raft.leader == sender and raft.term == term and raft.last_index == raft.commit == commit:
            self.sleep(group)
        elif raft.term <= term:
            self._peers.mail.to(sender).wake.append(group.id)

    def unheard(self, peer: int) -> list[Group]:
        """Return the groups that wake because nothing is heard of `peer`: those it led, and those led here with it."""
        woken = []
        for group in self._groups.values():
            if group.asleep and (group.raft.leader == peer or (peer in group.others and group.is_leader)):
                self.wake(group)
                woken.append(group)
        return woken

    def led_with(self, peer: int) -> list[Group]:
        """Return the groups that are led here and wake because their member `peer` is to be spoken to."""
        woken = [group for group in self._groups.values() if group.asleep and peer in group.others and group.is_leader]
        for group in woken:
            self.wake(group)
        return woken

    def not_led_by(self, peer: int, led: Mapping[int, int]) -> list[Group]:
        """Return the groups that wake because `peer`, whom they take for their leader, says it does not lead them."""
        woken = []
        for group in self._groups.values():
            if group.asleep and group.raft.leader == peer and group.id not in led:
                self.wake(group)
                woken.append(group)
        return woken
