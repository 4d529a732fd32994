"""The read barriers of a group: proof that a state includes everything acknowledged before the barrier was asked for.

ReadIndex (Raft thesis, 6.4): the leader notes its commit index, has a quorum confirm that it still leads, and whoever
has applied up to that index may read. A follower has the leader do it. All barriers that wait share one round, and
those that arrive while it is under way share the next:

    add -> waiting -> begin: the round, under a context that nobody else uses -> confirmed(index) -> applied(index)

Messages get lost, so a round that got no answer is asked for again under a new context; any of its contexts will do.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import inf

import themis_raft
from themis_server.replication.outcome import Busy, Completion, NotLeader


class _Round:
    __slots__ = ("asked_tick", "began_tick", "contexts", "handles", "leader")

    def __init__(self, handles: list[object], tick: int) -> None:
        self.handles = handles
        self.began_tick = tick
        self.asked_tick = tick
        self.leader = 0
        self.contexts: dict[bytes, float] = {}


@dataclass(frozen=True, slots=True)
class _Confirmed:
    index: int
    handles: list[object]
    began_s: float
    led_term: int


class Barriers:
    """Who waits for which proof. Belongs to its group."""

    __slots__ = ("_confirmed", "_counter", "_name", "_round", "_since_tick", "_waiting", "fresh_at_s", "led")

    def __init__(self, node_id: int) -> None:
        self._name = node_id.to_bytes(8) + bytes(8)
        self._counter = 0
        self._waiting: list[object] = []
        self._since_tick = 0
        self._round: _Round | None = None
        self._confirmed: list[_Confirmed] = []
        self.fresh_at_s = -inf
        """The greatest beginning of a round whose proof the state has reached."""
        self.led = (0, -inf)
        """The same of the rounds in which this replica led, after the term in which it did."""

    def name(self, node_id: int, incarnation: int) -> None:
        """Set apart this node's rounds, in this run of it, from everybody's: an answer to another would be too old."""
        self._name = node_id.to_bytes(8) + (incarnation & ((1 << 64) - 1)).to_bytes(8)

    def __bool__(self) -> bool:
        return bool(self._waiting or self._round or self._confirmed)

    @property
    def unproven(self) -> bool:
        """Whether any barrier still waits for its proof."""
        return bool(self._waiting or self._round)

    def add(self, handle: object, tick: int) -> None:
        """Let `handle` wait for the next round (a None waits for nobody, it only has the round take place)."""
        if not self._waiting:
            self._since_tick = tick
        self._waiting.append(handle)

    def begin(self, raft: themis_raft.Group, now_s: float, tick: int) -> list[Completion]:
        """Begin a round if one is due and can be; return the barriers that cannot be helped here."""
        if self._round is not None or not self._waiting:
            return []
        current = _Round(self._waiting, self._since_tick)
        try:
            self._ask(raft, current, now_s, tick)
        except themis_raft.ProposalDropped as dropped:
            if dropped.reason == "not_ready":
                return []  # a new leader, about to commit its first entry: then it begins
            return self.refuse(Busy(dropped.reason) if dropped.reason == "too_much_in_flight" else NotLeader(0))
        self._round, self._waiting = current, []
        return []

    def _ask(self, raft: themis_raft.Group, current: _Round, now_s: float, tick: int) -> None:
        self._counter += 1
        context = self._name + self._counter.to_bytes(8)
        raft.read_index(context)
        current.contexts[context] = now_s
        current.asked_tick = tick
        current.leader = raft.leader

    def look_after(
        self, raft: themis_raft.Group, now_s: float, tick: int, repeat_ticks: int, give_up_ticks: int
    ) -> list[Completion]:
        """Ask again for a round that got no answer or whose leader has changed; give up on what took too long."""
        current = self._round
        since = self._since_tick if current is None else current.began_tick
        if tick - since >= give_up_ticks:
            return self.refuse(NotLeader(raft.leader))
        if current is None:
            return self.begin(raft, now_s, tick)
        # A leader's own heartbeats repeat its round.
        moved = raft.leader not in (0, current.leader)
        if moved or (raft.role != "leader" and tick - current.asked_tick >= repeat_ticks):
            try:
                self._ask(raft, current, now_s, tick)
            except themis_raft.ProposalDropped:
                current.asked_tick = tick
        return []

    def confirm(self, read_states: Iterable[tuple[int, bytes]], led_term: int) -> None:
        """Take the answers. `led_term` is the term in which this replica leads, 0 if it does not."""
        for index, context in read_states:
            current = self._round
            if current is not None and context in current.contexts:
                self._confirmed.append(_Confirmed(index, current.handles, current.contexts[context], led_term))
                self._round = None

    def reached(self, applied: int) -> list[Completion]:
        """Return the barriers whose proof the state, applied up to `applied`, has reached."""
        if not self._confirmed:
            return []
        completions: list[Completion] = []
        later = []
        for proof in self._confirmed:
            if proof.index > applied:
                later.append(proof)
                continue
            completions += [Completion(handle, None) for handle in proof.handles if handle is not None]
            self.fresh_at_s = max(self.fresh_at_s, proof.began_s)
            if proof.led_term:
                self.led = max(self.led, (proof.led_term, proof.began_s))
        self._confirmed = later
        return completions

    def refuse(self, why: Exception) -> list[Completion]:
        """End all that wait for a proof. Those that have theirs and wait for the state stay."""
        handles = self._waiting if self._round is None else self._round.handles + self._waiting
        self._waiting, self._round = [], None
        return [Completion(handle, why) for handle in handles if handle is not None]

    def abandon(self, why: Exception) -> list[Completion]:
        """End all."""
        ended = self.refuse(why)
        for proof in self._confirmed:
            ended += [Completion(handle, why) for handle in proof.handles if handle is not None]
        self._confirmed = []
        return ended
