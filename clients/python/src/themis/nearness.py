"""Which nodes are near: those of one's own rack, then of one's own datacenter, then all others.

Candidates are sorted into *tiers* once, when a topology is taken: the nodes of a tier are as good as each other, and
any of an earlier tier is better. Nodes that are down are kept apart, for when nobody else is there.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from typing import NamedTuple

from themis.topology import NodePlace
from themis.transport.message import Endpoint

__all__ = ["Nearness", "Tiers"]


class Tiers(NamedTuple):
    """Candidates for a request, the best first.

    Attributes:
        up: Tiers of those that serve.
        down: Tiers of those that the cluster has not heard of.
    """

    up: tuple[tuple[Endpoint, ...], ...]
    down: tuple[tuple[Endpoint, ...], ...]


class Nearness:
    """Where we are, and so who is near.

    Args:
        datacenter: Ours; None: all nodes are equally near.
        rack: Ours within it; None: all of the datacenter are.
    """

    __slots__ = ("_datacenter", "_rack")

    def __init__(self, datacenter: str | None = None, rack: str | None = None) -> None:
        self._datacenter = datacenter
        self._rack = rack

    def tiers(self, places: Iterable[NodePlace]) -> Tiers:
        """Sort candidates: by distance, and of equally near ones the healthy before the degraded."""
        return Tiers(self._sorted(places, is_down=False), self._sorted(places, is_down=True))

    def _sorted(self, places: Iterable[NodePlace], *, is_down: bool) -> tuple[tuple[Endpoint, ...], ...]:
        ranked = sorted([place for place in places if place.is_down is is_down], key=self._rank)
        return tuple(tuple(place.endpoint for place in tier) for _, tier in groupby(ranked, key=self._rank))

    def _rank(self, place: NodePlace) -> tuple[int, bool]:
        return self._distance(place), place.is_degraded

    def _distance(self, place: NodePlace) -> int:
        if self._datacenter is None:
            return 0
        if place.datacenter != self._datacenter:
            return 2
        return 0 if self._rack in (None, place.rack) else 1
