"""Brings the groups that this node leads to the members they shall have, and hands leadership over when asked to.

It also sees to replicas that were taken out of their group and did not hear of it: a leader stops talking to a member
as soon as the change that removes it is committed, so the last thing such a replica hears is silence. Whoever hears of
it and votes itself answers with the entry as of which it is none (`Envelope.gone`). That is believed only by a replica
whose log is not more up to date than that entry: then it has acknowledged nothing since, and nobody relies on it. (A
replica that was taken in again later has, as soon as it votes, a longer log.) And only when most of those who stay say
so: see `Group.told_gone`.
"""

from __future__ import annotations

from collections.abc import Mapping

import themis_raft
from themis_server.replication.elections import RaftTiming
from themis_server.replication.group import Busy, Group, NotLeader
from themis_server.replication.membership import Change, HandOver, best_successor, next_step
from themis_server.replication.peers import Peers
from themis_server.replication.quiescence import Quiescence


class Steward:
    """Belongs to the driver."""

    def __init__(self, groups: Mapping[int, Group], peers: Peers, quiescence: Quiescence, timing: RaftTiming) -> None:
        self._groups = groups
        self._peers = peers
        self._quiescence = quiescence
        self._ask_ticks = 2 * timing.election_ticks
        self._unsettled: set[int] = set()
        self._handing_over = False

    def reconsider(self, group: Group) -> None:
        """Take note that a group's members, the desired ones, or its leader have changed."""
        shall_go = group.desired is not None and group.node_id not in group.desired.all
        if group.is_leader or not group.is_settled or shall_go or group.removed:
            self._unsettled.add(group.id)
            self._quiescence.wake(group)
        else:
            self._unsettled.discard(group.id)

    def hand_over(self) -> None:
        """From now on hand over every group that another voter can lead."""
        self._handing_over = True

    def keep(self) -> None:
        """Take `hand_over` back: what this node comes to lead from now on it keeps."""
        self._handing_over = False

    def tend(self, ticks: int) -> list[Group]:
        """Take the next steps; return the groups in which something was begun."""
        begun = []
        for group_id in sorted(self._unsettled):
            group = self._groups.get(group_id)
            if group is None or group.released:
                self._unsettled.discard(group_id)
            elif group.removed:
                # Those may be gone themselves by now: then others know.
                self._ask(group, group.members.voters | (group.desired or group.members).voters)
            elif group.is_leader:
                if group.settle():
                    self._unsettled.discard(group_id)
                elif self._move(group):
                    begun.append(group)
            elif ticks % self._ask_ticks < 1 and group.desired is not None and not group.is_waiting:
                self._ask(group, group.desired.all)
        if self._handing_over:
            begun += [group for group in self._groups.values() if self._hand_over(group)]
        return begun

    def _move(self, group: Group) -> bool:
        if group.desired is None:
            return False
        status = group.raft.status()
        if status.pending_conf_change or status.transferee:
            return False
        step = next_step(
            group.node_id, status.conf_state, group.desired, status.progress, status.last_index, group.members_since
        )
        try:
            if isinstance(step, HandOver):
                group.transfer(step.to)
            elif isinstance(step, Change):
                how = "explicit" if not step.items else "auto" if len(step.items) == 1 else "implicit"
                group.raft.propose_conf_change(step.items, transition=how)  # type: ignore[arg-type]
            else:
                return False
        except (themis_raft.ProposalDropped, NotLeader, Busy):
            return False  # tried again at the next heartbeat
        return True

    def _ask(self, group: Group, members: frozenset[int]) -> None:
        """Ask those who stay whether this replica is gone, which hears nothing; or whether they know that it is."""
        if group.node_id in members:
            return
        for member in sorted(members):
            self._peers.mail.to(member).wake.append(group.id)

    def is_transferable(self, group: Group) -> bool:
        """Whether this node leads a group that another voter, which is heard of, could lead."""
        return group.is_leader and any(
            voter != group.node_id and self._peers.silence(voter) < self._quiescence.patience
            for voter in group.members.voters
        )

    def _hand_over(self, group: Group) -> bool:
        if not self.is_transferable(group):
            return False
        status = group.raft.status()
        if status.transferee:
            return False
        able = frozenset(
            voter for voter in group.members.voters if self._peers.silence(voter) < self._quiescence.patience
        )
        successor = best_successor(group.node_id, able, status.progress)
        if successor is None:
            return False
        self._quiescence.wake(group)
        try:
            group.transfer(successor)
        except (NotLeader, Busy):
            return False
        return True

    def tell_if_gone(self, group: Group, sender: int) -> bool:
        """Tell `sender`, who speaks as a member of a group, that it is none as far as this voter knows."""
        if sender in group.members.all or group.removed or group.node_id not in group.members.voters:
            return False
        state = group.machine.state
        self._peers.mail.to(sender).gone.append((group.id, state.applied_term, state.applied_index))
        return True

    def told_lost(self, group: Group, sender: int) -> bool:
        """Take out a member that has lost what this leader believes it to have; return whether that was begun.

        If it is wanted it is taken in again, and gets a snapshot.
        """
        if not group.is_leader or sender not in group.others:
            return False
        status = group.raft.status()
        if status.pending_conf_change or not status.progress[sender].match:
            return False
        try:
            group.raft.propose_conf_change([("remove", sender)])
        except themis_raft.ProposalDropped:
            return False
        return True

    def told_gone(self, group: Group, sender: int, term: int, index: int) -> bool:
        """Take note of what a voter says; return whether this replica finds by it that it was taken out."""
        if not group.removed and (group.is_waiting or group.raft.ready_pending):
            return False
        knew = group.removed
        group.told_gone(sender, term, index)
        return group.removed and not knew
