"""The network between nodes, and between nodes and clients: late, lossy, and cut where it hurts.

A link is a pair (from, to), so a partition may cut one direction alone. Real streams between nodes are TCP: within a
stream nothing is reordered or doubled, but a stream breaks and is made anew, and then a message may be lost or arrive
twice. Raft must bear all of it anyway, so here each message fares for itself.
"""

from __future__ import annotations

from collections.abc import Iterable
from random import Random
from typing import TYPE_CHECKING

import msgspec

from themis_server.replication.envelope import decode, encode

if TYPE_CHECKING:
    from robustness.simulation.plan import Weather
    from robustness.simulation.world import World


class Network:
    """Carries messages between nodes, when and if it pleases."""

    def __init__(self, world: World, random: Random, weather: Weather) -> None:
        self._world = world
        self._random = random
        self.weather = weather
        self._blocked: set[tuple[int, int]] = set()
        self._without_raft: set[int] = set()
        self.sent = self.lost = 0

    def send(self, frm: int, to: int, payload: object, delay_us: int = 0) -> None:
        """Send a message between nodes, `delay_us` from now; it arrives later, once, twice or never."""
        self.sent += 1
        world, weather = self._world, self.weather
        lost = to not in world.nodes or (frm, to) in self._blocked
        if lost or (weather.loss and self._unlucky(weather.loss)):
            self.lost += 1
            return
        world.after(delay_us + self.latency_us(), self._arrive, frm, to, payload)
        if weather.duplicates and self._unlucky(weather.duplicates):
            world.after(delay_us + self.latency_us(), self._arrive, frm, to, payload)

    def _arrive(self, frm: int, to: int, payload: object) -> None:
        if (frm, to) in self._blocked:
            self.lost += 1
            return
        if self._without_raft and isinstance(payload, bytes) and self._without_raft & {frm, to}:
            payload = encode(msgspec.structs.replace(decode(payload), messages=[]))
        self._world.nodes[to].receive(frm, payload)

    def latency_us(self) -> int:
        """Return how long a message takes, this time."""
        weather = self.weather
        latency_us = weather.latency_us + int(self._random.random() * weather.jitter_us)
        if weather.stragglers and self._unlucky(weather.stragglers):
            latency_us += int(self._random.random() * weather.straggle_us)
        return latency_us

    def _unlucky(self, probability: float) -> bool:
        return probability > 0 and self._random.random() < probability

    def reachable(self, frm: int, to: int) -> bool:
        """Whether messages go from one node to the other at all."""
        return (frm, to) not in self._blocked

    # -- partitions ---------------------------------------------------------------------------------------------
    def split(self, sides: Iterable[Iterable[int]]) -> None:
        """Cut every link between nodes of different sides."""
        groups = [set(side) for side in sides]
        for one in groups:
            for other in groups:
                if one is not other:
                    self._blocked.update((frm, to) for frm in one for to in other)

    def cut_one_way(self, frm: int, to: Iterable[int]) -> None:
        """Let nothing that `frm` says reach `to`; what they say still reaches it."""
        self._blocked.update((frm, other) for other in to)

    def join(self, nodes: Iterable[int]) -> None:
        """Join some nodes again, and leave the others as they are."""
        together = set(nodes)
        self._blocked = {link for link in self._blocked if not together.issuperset(link)}

    def lose_raft(self, node: int) -> None:
        """Lose the Raft messages from and to a node; what nodes say beside Raft arrives."""
        self._without_raft.add(node)

    def heal(self) -> None:
        """Join everything again."""
        self._blocked.clear()
        self._without_raft.clear()
