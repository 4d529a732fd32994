"""What other nodes say, taken to the groups it is for.

Nothing a peer says can harm: Raft's messages are checked by the binding one by one, groups that have no replica here
are passed over and counted, and a notice beside Raft only wakes a group, or is checked against the group itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from themis_server.replication.chores import Chores
from themis_server.replication.envelope import Envelope, Kind, kind_of
from themis_server.replication.group import Group
from themis_server.replication.peers import Peers
from themis_server.replication.quiescence import Quiescence
from themis_server.replication.rounds import Rounds
from themis_server.replication.steward import Steward
from themis_server.replication.work import Arrived

_VOTES = (Kind.REQUEST_VOTE, Kind.REQUEST_PRE_VOTE)


@dataclass
class Counters:
    """What a driver was told, for metrics."""

    envelopes: int = 0
    messages: int = 0
    unknown_group: int = 0
    """Messages for groups that have no replica here."""
    refused: int = 0
    """Messages that Raft would not take: malformed, no business of their sender, or too early."""


class Intake:
    """Belongs to the driver."""

    def __init__(
        self,
        groups: Mapping[int, Group],
        dirty: dict[int, Group],
        peers: Peers,
        quiescence: Quiescence,
        steward: Steward,
        chores: Chores,
        rounds: Rounds,
        was_removed: Callable[[Group], None],
    ) -> None:
        self.counters = Counters()
        self._groups = groups
        self._dirty = dirty
        self._peers = peers
        self._quiescence = quiescence
        self._steward = steward
        self._chores = chores
        self._rounds = rounds
        self._was_removed = was_removed

    def streams(self, connected: list[tuple[int, int]], disconnected: list[int]) -> None:
        """Take note of streams that broke or stand."""
        for peer in disconnected:
            self._peers.forget_led(peer)
            self._rounds.lost(peer)
            for group in self._groups.values():
                if peer in group.others and group.is_leader:
                    group.raft.report_unreachable(peer)
        for peer, version in connected:
            self._peers.met(peer, version)
            self._peers.hear(peer)
            self._peers.announce_to(peer)
            # It may have been started again and know of no leader.
            for group in self._quiescence.led_with(peer):
                self._dirty[group.id] = group

    def envelope(self, sender: int, envelope: Envelope) -> None:
        """Take an envelope."""
        self.counters.envelopes += 1
        self._peers.hear(sender)
        for group_id, messages in envelope.messages:
            self.counters.messages += len(messages)
            group = self._groups.get(group_id)
            if group is None:
                self.counters.unknown_group += len(messages)
            else:
                self._step(group, sender, messages)
        if envelope.led is not None:
            self._peers.told_led(sender, envelope.led)
            for group in self._quiescence.not_led_by(sender, dict(envelope.led)):
                self._dirty[group.id] = group
        if envelope.quiesce or envelope.wake or envelope.gone or envelope.trimmed or envelope.lost:
            self._notices(sender, envelope)
        if envelope.polls or envelope.votes or envelope.asks or envelope.proofs:
            self._leadership(sender, envelope)

    def _step(self, group: Group, sender: int, messages: list[bytes]) -> None:
        admitted = [message for message in messages if self._is_admitted(group, sender, kind_of(message))]
        if admitted:
            self._quiescence.received(group, sender, admitted)
            refusals = group.raft.step(admitted)
            refused = len(refusals) - refusals.count(None)
            self.counters.refused += refused
            if refused and group.is_waiting and not group.raft.ready_pending:
                # The core refuses a heartbeat that speaks of entries it does not have.
                self._peers.mail.to(sender).lost.append(group.id)
            self._dirty[group.id] = group
        self.counters.refused += len(messages) - len(admitted)

    def _is_admitted(self, group: Group, sender: int, kind: int) -> bool:
        if kind in _VOTES:
            # Who seems to be no member is told so, but not refused: it may know more than this replica.
            self._steward.tell_if_gone(group, sender)
            return self._peers.ticks >= group.votes_from_tick and not group.is_waiting
        return kind != Kind.SNAPSHOT  # these come with their content

    def _notices(self, sender: int, envelope: Envelope) -> None:
        for group_id, term, commit in envelope.quiesce:
            if (sleeper := self._groups.get(group_id)) is not None:
                self._quiescence.told(sender, sleeper, term, commit)
        for group_id in envelope.wake:
            if (woken := self._groups.get(group_id)) is not None and not self._steward.tell_if_gone(woken, sender):
                self._quiescence.wake(woken)
        for group_id, term, index in envelope.gone:
            if (gone := self._groups.get(group_id)) is not None and self._steward.told_gone(gone, sender, term, index):
                self._was_removed(gone)
        for group_id, index in envelope.trimmed:
            trimmed = self._groups.get(group_id)
            if trimmed is not None and trimmed.raft.leader == sender:
                trimmed.told_trimmed = max(trimmed.told_trimmed, index)
        for group_id in envelope.lost:
            if (led := self._groups.get(group_id)) is not None and self._steward.told_lost(led, sender):
                self._quiescence.wake(led)
                self._dirty[group_id] = led

    def _leadership(self, sender: int, envelope: Envelope) -> None:
        """Take what is said of who leads, after the Raft messages that came with it."""
        rounds = self._rounds
        for poll in envelope.polls:
            rounds.polled(sender, poll)
        for vote in envelope.votes:
            rounds.voted(sender, vote)
        for ask in envelope.asks:
            rounds.asked(sender, ask)
        for answer in envelope.proofs:
            rounds.answered(sender, answer)

    def snapshot(self, arrived: Arrived) -> None:
        """Take the message of a snapshot whose content is here."""
        self._peers.hear(arrived.sender)
        self._chores.stage(arrived)
        group = self._groups.get(arrived.group)
        if group is not None and not self._chores.is_installing(group.id):
            self._quiescence.received(group, arrived.sender, [arrived.message])
            group.raft.step([arrived.message])
            self._dirty[group.id] = group
