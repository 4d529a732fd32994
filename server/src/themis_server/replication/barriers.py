"""The read barriers of a group: proof that a state includes everything acknowledged before the barrier was asked for.

ReadIndex (Raft thesis, 6.4): the leader notes its commit index, has a quorum confirm that it still leads, and whoever
has applied up to that index may read. A follower has the leader do it. How the confirmation is had is the business of
`rounds`, which asks for all groups of a node at once; here is who waits for it:

    add -> waiting -> begin: a batch, whose index is noted no earlier than this -> confirmed(index) -> applied(index)

All barriers that wait go into one batch, and those that arrive while it is under way into the next. Messages get lost,
so a batch may be asked for several times; any answer to it will do, and an answer to an earlier one never.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import Final, NamedTuple

from themis_server.replication.outcome import Completion


class Asker(NamedTuple):
    """A node that wants the index for a replica of its own, and what it calls its request."""

    node: int
    incarnation: int
    token: int


class Batch:
    """Barriers that are proven together."""

    __slots__ = ("again", "asked_tick", "askers", "began_tick", "handles", "leader")

    def __init__(self, handles: list[object], askers: list[Asker], tick: int) -> None:
        self.handles: Final = handles
        self.askers: Final = askers
        self.began_tick: Final = tick
        self.asked_tick = tick
        """When somebody was last asked to confirm it."""
        self.again = True
        """Whether somebody is to be asked, for the first time or anew."""
        self.leader = 0
        """Who had been asked, or has asked: the leader as of then."""


@dataclass(frozen=True, slots=True)
class _Confirmed:
    index: int
    handles: list[object]
    began_s: float
    led_term: int


class Barriers:
    """Who waits for which proof. Belongs to its group."""

    __slots__ = ("_askers", "_confirmed", "_since_tick", "_waiting", "batch", "fresh_at_s", "led")

    def __init__(self) -> None:
        self._waiting: list[object] = []
        self._askers: list[Asker] = []
        self._since_tick = 0
        self._confirmed: list[_Confirmed] = []
        self.batch: Batch | None = None
        """What is under way."""
        self.fresh_at_s = -inf
        """The greatest beginning of a round whose proof the state has reached."""
        self.led = (0, -inf)
        """The same of the rounds in which this replica led, after the term in which it did."""

    def __bool__(self) -> bool:
        return bool(self._waiting or self._askers or self.batch or self._confirmed)

    @property
    def due(self) -> bool:
        """Whether somebody is to be asked."""
        return self.waiting if self.batch is None else self.batch.again

    @property
    def waiting(self) -> bool:
        """Whether any barrier waits for a batch to begin."""
        return bool(self._waiting or self._askers)

    def waited_ticks(self, tick: int) -> int:
        """Return for how long the oldest that has no proof yet has waited."""
        if self.batch is not None:
            return tick - self.batch.began_tick
        return tick - self._since_tick if self.waiting else 0

    def add(self, handle: object, tick: int) -> None:
        """Let `handle` wait for the next batch (a None waits for nobody, it only has one take place)."""
        if not self.waiting:
            self._since_tick = tick
        self._waiting.append(handle)

    def add_asker(self, asker: Asker, tick: int) -> None:
        """Let another node wait for the next batch."""
        if not self.waiting:
            self._since_tick = tick
        self._askers.append(asker)

    def begin(self) -> Batch:
        """Put all that wait into a batch. None may be under way."""
        assert self.batch is None, "what waits now cannot be proven by what began before"
        self.batch = Batch(self._waiting, self._askers, self._since_tick)
        self._waiting, self._askers = [], []
        return self.batch

    def confirm(self, batch: Batch, index: int, began_s: float, led_term: int) -> bool:
        """Take a proof; return whether it was waited for.

        Args:
            batch: what it proves.
            index: the state has everything once it is applied up to here.
            began_s: a reading of the monotonic clock from before the index was noted.
            led_term: the term in which this replica leads, 0 if it does not.
        """
        if batch is not self.batch:
            return False
        self._confirmed.append(_Confirmed(index, batch.handles, began_s, led_term))
        self.batch = None
        return True

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
        """End all that wait for a proof. Those that have theirs and wait for the state stay.

        Other nodes are told nothing: they ask again, and by then perhaps somebody else.
        """
        handles = self._waiting if self.batch is None else self.batch.handles + self._waiting
        self._waiting, self._askers, self.batch = [], [], None
        return [Completion(handle, why) for handle in handles if handle is not None]

    def abandon(self, why: Exception) -> list[Completion]:
        """End all."""
        ended = self.refuse(why)
        for proof in self._confirmed:
            ended += [Completion(handle, why) for handle in proof.handles if handle is not None]
        self._confirmed = []
        return ended
