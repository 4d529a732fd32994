"""Rounds of leadership: how a node learns, for all groups at once, that it still leads those whose barriers wait.

    barriers of any group, local or of followers -> due -> begin: the commit index of each is noted, and each peer that
    votes in any of them gets ONE list of (group, term) -> each answers with those for which it does not agree ->
    a group that a quorum agreed to is proven: local barriers wait until that index is applied, followers are told it

This is ReadIndex (Ongaro, "Consensus", 2014, 6.4) without a Raft message, so nobody's core has work with it and groups
that sleep go on sleeping. Why a state applied up to the index has everything acknowledged before the round began:

1.  What this leader, of term T, has acknowledged it had committed, so it is below the index. And from the first entry
    of its own term that is committed on (before that no round begins), the index covers what earlier leaders have
    acknowledged, because whoever is elected has all of it in its log (5.4).
2.  So only a leader of a term above T could have acknowledged something that is missing. To be elected it needed votes
    of a quorum, in a term above T, before the round began. Two quorums share a voter, and so do the ones before and
    after one step of a membership change: one voter of ours would have been above T before the round began. But each
    agrees only if its term is T when it takes the question, which is after the round began; and terms never fall: a
    vote is sent only when its term is durable, so neither a restart takes it back. (A pre-vote raises no term.)
3.  A joint phase has two halves, and an election there takes a quorum of each, so a round does too. The leader counts
    itself where it votes; learners do not count. If the membership changes under a round, the group is asked anew.

Answers count only for the round and the run of this node that they name, and only once for each peer, so what is late
or comes twice proves nothing that it should not; what is lost is asked again after two heartbeats. A round is in flight
alone, to be shared by all that comes meanwhile, but it makes the others wait no longer than those peers take that are
heard: a group without a quorum must not slow down the rest.

Who is asked: only as many as a quorum needs with this node, for a question costs its receiver a turn. What counts is a
quorum of the voters all the same, so whom it is had from is nothing to the argument; whoever is asked later under the
same number takes the question after the round began, too. The others are asked as soon as one does not agree, its
stream breaks or a heartbeat passes; who was late is spared until it has answered a question in time that nobody
waited for. Where writes are under way all are asked: one of them may be waiting for its disk.

With leases a voter that agrees begins its wait for the leader anew, just as a heartbeat has it do; the lease counts
from before the round began, as ever. Without them the question is nothing to its clock.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Final, NamedTuple

from themis_server.clock import Clock
from themis_server.replication.barriers import Asker, Batch
from themis_server.replication.elections import RaftTiming
from themis_server.replication.envelope import Answered, Asked, Polled, Voted
from themis_server.replication.group import Completion, Group, NotLeader
from themis_server.replication.peers import Peers

_INCARNATION_BITS: Final = 60
_TRIAL_HEARTBEATS: Final = 10
"""After so many heartbeats a peer that was late is asked on trial."""


@dataclass(slots=True)
class _Entry:
    """A group in a round."""

    group: Group
    batch: Batch
    term: int
    index: int
    halves: tuple[frozenset[int], ...]
    agreed: set[int]

    @property
    def has_quorum(self) -> bool:
        """Whether more than half of the voters have agreed; in a joint phase, of either half."""
        return self.would_have_quorum(self.agreed)

    def would_have_quorum(self, agreed: AbstractSet[int]) -> bool:
        """Whether those would be enough."""
        return all(2 * len(half & agreed) > len(half) for half in self.halves)


@dataclass(slots=True)
class _Round:
    number: int
    began_s: float
    began_tick: int
    entries: dict[int, _Entry]
    asked: set[int]
    unanswered: set[int]


class _Late(NamedTuple):
    """A peer that let a round wait."""

    number: int
    """The round in which it is asked on trial; 0: none yet."""
    tick: int
    """When it was found late, or asked on trial."""


@dataclass(slots=True)
class _Request:
    """What this node, as a follower, has asked a leader."""

    leader: int
    began_s: float
    began_tick: int
    batches: dict[int, tuple[Group, Batch]]


class Rounds:
    """Has the barriers of all groups proven. Belongs to the driver."""

    def __init__(
        self,
        groups: Mapping[int, Group],
        peers: Peers,
        clock: Clock,
        timing: RaftTiming,
        incarnation: int,
        *,
        wake: Callable[[Group], None],
        tell_commit: Callable[[Group, int], None],
        leases: bool,
    ) -> None:
        """Prepare.

        Args:
            groups: the replicas of this node.
            peers: takes what is to be said, and knows who is heard.
            clock: its monotonic reading tells how fresh what is proven is.
            timing: how long answers are waited for.
            incarnation: differs between any two runs of this node.
            wake: lets a group's clock run; for one where something seems to be wrong.
            tell_commit: has the followers of a group told up to where it is committed, if they were not.
            leases: whether a confirmed leader is to have a lease.
        """
        self._groups = groups
        self._peers = peers
        self._now_s = clock.monotonic_s
        self._incarnation = incarnation & ((1 << _INCARNATION_BITS) - 1)
        self._wake = wake
        self._tell_commit = tell_commit
        self._leases = leases
        self._heartbeat_ticks = timing.heartbeat_ticks
        self._repeat_ticks = 2 * timing.heartbeat_ticks
        self._give_up_ticks = 2 * timing.election_ticks
        self._due: dict[int, Group] = {}
        """Groups for which somebody is to be asked, for the first time or again."""
        self._watched: dict[int, Group] = {}
        """Groups with barriers that have no proof yet."""
        self._rounds: dict[int, _Round] = {}
        self._latest: _Round | None = None
        """The round that the next one waits for."""
        self._late: dict[int, _Late] = {}
        """Peers on which no round relies, since they have let one wait."""
        self._requests: dict[int, _Request] = {}
        self._done: list[Completion] = []
        self.begun = 0
        """Rounds and requests begun so far; also their numbers."""

    # What is wanted

    def add(self, group: Group, handle: object) -> None:
        """Let a barrier wait for its proof; a None has the proof made for nobody in particular."""
        group.barriers.add(handle, self._peers.ticks)
        self._want(group)

    def refresh(self) -> None:
        """Have every group proven anew that is not about to be."""
        for group in self._groups.values():
            if group.others and group.raft.leader and not (group.barriers.batch or group.barriers.waiting):
                self.add(group, None)

    def _want(self, group: Group) -> None:
        self._due[group.id] = self._watched[group.id] = group

    def collect(self) -> list[Completion]:
        """Return the barriers that have ended since the last call."""
        done, self._done = self._done, []
        return done

    # Asking

    def begin(self) -> None:
        """Ask for everything that is due and can be asked for now."""
        if not self._due:
            return
        now_s = self._now_s()
        led: list[tuple[Group, Batch]] = []
        followed: dict[int, dict[int, tuple[Group, Batch]]] = {}
        waits = self._must_wait()
        for group in list(self._due.values()):
            barriers, leader = group.barriers, group.raft.leader
            if self._groups.get(group.id) is not group or not barriers.due:
                del self._due[group.id]
                continue
            if not leader or group.removed:
                del self._due[group.id]
                self._done += barriers.refuse(NotLeader(0))
                continue
            if group.is_leader:
                # Without an entry of its own term that is committed, a leader does not know what is.
                if waits or group.raft.term_at(group.raft.commit) != group.raft.term:
                    continue
                led.append((group, self._asked(group, leader)))
            else:
                followed.setdefault(leader, {})[group.id] = group, self._asked(group, leader)
            del self._due[group.id]
        if led:
            self._begin_round(led, now_s)
        for leader, batches in followed.items():
            self._begin_request(leader, batches, now_s)

    def _asked(self, group: Group, leader: int) -> Batch:
        batch = group.barriers.batch or group.barriers.begin()
        batch.asked_tick, batch.leader, batch.again = self._peers.ticks, leader, False
        return batch

    def _must_wait(self) -> bool:
        """Whether a round is in flight that others are to wait for: those of its peers that are heard will answer."""
        latest = self._latest
        if latest is not None and (
            not latest.entries
            or self._peers.ticks - latest.began_tick >= self._heartbeat_ticks
            or all(self._peers.silence(peer) > self._heartbeat_ticks for peer in latest.unanswered)
        ):
            latest = self._latest = None
        return latest is not None

    def _begin_round(self, led: Sequence[tuple[Group, Batch]], now_s: float) -> None:
        self.begun += 1
        current = _Round(self.begun, now_s, self._peers.ticks, {}, set(), set())
        for group, batch in led:
            me, voters = group.node_id, group.members.voters
            entry = _Entry(group, batch, group.raft.term, group.raft.commit, group.halves, {me} & voters)
            current.entries[group.id] = entry
            if entry.has_quorum:  # the only voter
                self._settle(current, entry)
        if current.entries:
            self._rounds[current.number] = self._latest = current
            self._ask(current, self._enough(current) | self._on_trial(current))

    def _enough(self, current: _Round) -> set[int]:
        """Return whom to ask: who can make up a quorum for every group, of those that have not been late."""
        enough: set[int] = set()
        for entry in current.entries.values():
            me, voters = entry.group.node_id, entry.group.members.voters
            would = entry.agreed | (enough & voters)
            if not entry.group.proposals:
                # Each node begins with the one after it, so that all are asked about as often.
                left = sorted(voters - would - {me})
                for peer in [peer for peer in left if peer > me] + [peer for peer in left if peer < me]:
                    if entry.would_have_quorum(would):
                        break
                    if peer not in self._late and self._peers.silence(peer) <= self._heartbeat_ticks:
                        would.add(peer)
            enough |= would if not entry.group.proposals and entry.would_have_quorum(would) else voters
        return enough

    def _on_trial(self, current: _Round) -> set[int]:
        """Return who was late a while ago, and may be in time again."""
        tick = self._peers.ticks
        tried = {
            peer for peer, late in self._late.items() if tick - late.tick >= _TRIAL_HEARTBEATS * self._heartbeat_ticks
        }
        for peer in tried:
            self._late[peer] = _Late(current.number, tick)
        return tried

    def _ask(self, current: _Round, peers: AbstractSet[int]) -> None:
        """Ask those of `peers` that were not asked yet, for what has no quorum yet and they vote in."""
        for peer in sorted(peers - current.asked):
            groups = [
                (group_id, entry.term)
                for group_id, entry in current.entries.items()
                if peer in entry.group.members.voters and peer != entry.group.node_id
            ]
            if groups:
                current.asked.add(peer)
                current.unanswered.add(peer)
                self._peers.mail.to(peer).polls.append(Polled(self._incarnation, current.number, self._leases, groups))

    def _ask_all(self, current: _Round) -> None:
        """Ask those that were spared."""
        self._ask(current, {voter for entry in current.entries.values() for voter in entry.group.members.voters})

    def _begin_request(self, leader: int, batches: dict[int, tuple[Group, Batch]], now_s: float) -> None:
        self.begun += 1
        self._requests[self.begun] = _Request(leader, now_s, self._peers.ticks, batches)
        self._peers.mail.to(leader).asks.append(Asked(self._incarnation, self.begun, list(batches)))

    # Being asked

    def polled(self, sender: int, poll: Polled) -> None:
        """Say for which groups this replica does not agree that `sender` leads them.

        What came with the question is to be stepped before.
        """
        against = [group_id for group_id, term in poll.groups if not self._agrees(group_id, term, sender, poll.hold)]
        self._peers.mail.to(sender).votes.append(Voted(poll.incarnation, poll.number, against))

    def _agrees(self, group_id: int, term: int, sender: int, hold: bool) -> bool:
        group = self._groups.get(group_id)
        if group is None or group.removed or group.is_waiting:
            return False
        raft = group.raft
        if raft.term != term or raft.leader != sender:
            return False
        return not hold or raft.hear_leader()

    def asked(self, sender: int, ask: Asked) -> None:
        """Put another node's replicas with the barriers of groups that this node leads; refuse the others."""
        asker = Asker(sender, ask.incarnation, ask.token)
        refused = []
        for group_id in ask.groups:
            group = self._groups.get(group_id)
            if group is None or group.removed or not group.is_leader:
                refused.append(group_id)
                continue
            group.barriers.add_asker(asker, self._peers.ticks)
            self._want(group)
        if refused:
            self._peers.mail.to(sender).proofs.append(Answered(ask.incarnation, ask.token, [], refused))

    # Answers

    def voted(self, sender: int, vote: Voted) -> None:
        """Take a peer's answer to a round."""
        if vote.incarnation != self._incarnation:
            return
        late = self._late.get(sender)
        if late is not None and late.number == vote.number and self._peers.ticks - late.tick < self._heartbeat_ticks:
            del self._late[sender]
        current = self._rounds.get(vote.number)
        if current is None or sender not in current.unanswered:
            return
        current.unanswered.discard(sender)
        against = set(vote.against)
        for entry in list(current.entries.values()):
            if sender in entry.group.members.voters and entry.group.id not in against:
                entry.agreed.add(sender)
                if entry.has_quorum:
                    self._settle(current, entry)
        if current.entries and (not current.unanswered or not against.isdisjoint(current.entries)):
            self._ask_all(current)
        if not current.unanswered or not current.entries:
            self._end(current)

    def lost(self, peer: int) -> None:
        """Rely no longer on a peer a stream to or from which broke."""
        self._late[peer] = _Late(0, self._peers.ticks)
        for current in self._rounds.values():
            if peer in current.unanswered:
                self._ask_all(current)

    def _settle(self, current: _Round, entry: _Entry) -> None:
        """A quorum has agreed: whoever waits in the group's batch has the proof, if nothing has changed meanwhile."""
        group, batch = entry.group, entry.batch
        del current.entries[group.id]
        raft = group.raft
        if not group.is_leader or raft.term != entry.term or group.halves is not entry.halves:
            return
        if not group.barriers.confirm(batch, entry.index, current.began_s, entry.term):
            return
        for asker in batch.askers:
            self._tell(asker, group.id, entry.index)
        if batch.askers:  # they cannot apply what they do not know to be committed
            self._tell_commit(group, entry.index)
        self._proven(group)

    def _tell(self, asker: Asker, group_id: int, index: int) -> None:
        proofs = self._peers.mail.to(asker.node).proofs
        if proofs and (proofs[-1].incarnation, proofs[-1].token) == asker[1:]:
            proofs[-1].indexes.append((group_id, index))
        else:
            proofs.append(Answered(asker.incarnation, asker.token, [(group_id, index)], []))

    def _end(self, current: _Round) -> None:
        self._rounds.pop(current.number, None)
        if self._latest is current:
            self._latest = None

    def answered(self, sender: int, answer: Answered) -> None:
        """Take a leader's answer to a request of this node."""
        request = self._requests.get(answer.token)
        if answer.incarnation != self._incarnation or request is None or request.leader != sender:
            return
        for group_id, index in answer.indexes:
            group, batch = request.batches.pop(group_id, (None, None))
            if group is not None and batch is not None and group.barriers.confirm(batch, index, request.began_s, 0):
                self._proven(group)
        for group_id in answer.refused:
            group, _ = request.batches.pop(group_id, (None, None))
            if group is not None:
                self._wake(group)  # it may sleep under somebody who leads it no more
        if not request.batches:
            del self._requests[answer.token]

    def _proven(self, group: Group) -> None:
        self._done += group.barriers_reached(leases=self._leases)
        if group.barriers.waiting:
            self._want(group)
        else:
            self._watched.pop(group.id, None)

    # Time

    def tick(self) -> None:
        """Ask again where no answer came or the leader has changed; give up on what took too long."""
        tick = self._peers.ticks
        for group in list(self._watched.values()):
            self._look_after(group, tick)
        for current in list(self._rounds.values()):
            if tick - current.began_tick >= self._give_up_ticks:
                self._end(current)
            elif tick - current.began_tick == self._heartbeat_ticks:
                for peer in current.unanswered:
                    self._late[peer] = _Late(0, tick)
                self._ask_all(current)
        self._forget(token for token, old in self._requests.items() if tick - old.began_tick >= self._give_up_ticks)

    def _forget(self, tokens: Iterable[int]) -> None:
        for token in list(tokens):
            del self._requests[token]

    def _look_after(self, group: Group, tick: int) -> None:
        barriers = group.barriers
        batch = barriers.batch
        if self._groups.get(group.id) is not group or not (batch or barriers.waiting):
            del self._watched[group.id]
            return
        leader = group.raft.leader
        if barriers.waited_ticks(tick) >= self._give_up_ticks:
            self._done += barriers.refuse(NotLeader(leader))
            del self._watched[group.id]
        elif batch is None:
            self._due[group.id] = group
        elif leader not in (0, batch.leader) or tick - batch.asked_tick >= self._repeat_ticks:
            self._wake(group)
            batch.again = True
            self._due[group.id] = group
