"""Requests that leaders are asked, and that are given up where another leads by now and who was asked says nothing.

A node that stands still, or that was cut off, breaks no connection: only after `peer.silence_s` is it taken for lost.
Its shards have other leaders long before that, so whoever waits for it is told at once, or asks one of them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from types import TracebackType
from typing import Final, Self

from themis_server.clock import Clock
from themis_server.gateway.routing import Place, Routing

_LOOK_EVERY_S: Final = 0.05
_YOUNG_S: Final = 0.2
"""No request is looked at before: nobody is deposed within less, and most are answered by then."""
PATIENCE_S: Final = 2.0
"""How long a deposed leader that is heard of may take to answer: what became of a write it learns from its successor,
on a slow disk within a few syncs."""


class Asked:
    """A request to a node, as a context: `given_up` says afterwards whether it was ended from here.

    Its body is then cancelled, and the context raises TimeoutError.
    """

    __slots__ = ("_began_s", "_elsewhere_since_s", "_leaders", "_limit", "_node_id", "_places", "_waits")

    def __init__(self, waits: Waits, node_id: str, places: Sequence[Place]) -> None:
        self._waits = waits
        self._node_id = node_id
        self._places = places
        self._leaders = [waits.routing.known_leader(place) for place in places]
        self._began_s = waits.now_s()
        self._elsewhere_since_s: float | None = None
        self._limit = asyncio.timeout(None)

    @property
    def given_up(self) -> bool:
        """Whether nobody waits for the answer any more."""
        return self._limit.expired()

    async def __aenter__(self) -> Self:
        await self._limit.__aenter__()
        self._waits.began(self)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._waits.ended(self)
        await self._limit.__aexit__(kind, error, trace)

    def is_young(self, now_s: float) -> bool:
        """Whether it is too early to ask."""
        return now_s - self._began_s < _YOUNG_S

    def look(self, now_s: float) -> None:
        """Give up if all that the node was asked for is led by others by now, and nothing is to be expected of it."""
        routing = self._waits.routing
        for place, before in zip(self._places, self._leaders, strict=True):
            leader = routing.known_leader(place)
            # Only who came after the request began counts: what was believed before may be older than the node's word.
            if leader in (None, before, self._node_id):
                self._elsewhere_since_s = None
                return
        if self._elsewhere_since_s is None:
            self._elsewhere_since_s = now_s
        if routing.is_silent(self._node_id) or now_s - self._elsewhere_since_s >= PATIENCE_S:
            self._limit.reschedule(self._waits.loop_time())


class Waits:
    """All such requests of this node. Belongs to the event loop."""

    def __init__(self, routing: Routing, clock: Clock) -> None:
        self.routing = routing
        self.now_s = clock.monotonic_s
        self._asked: dict[Asked, None] = {}
        """The oldest first."""
        self._timer: asyncio.TimerHandle | None = None

    def asked(self, node_id: str, places: Sequence[Place]) -> Asked:
        """Return the context in which to ask a node, for the places that it is taken for the leader of."""
        return Asked(self, node_id, places)

    def loop_time(self) -> float:
        """Return the loop's time, seconds."""
        return asyncio.get_running_loop().time()

    def began(self, asked: Asked) -> None:
        """Look after a request from now on."""
        self._asked[asked] = None
        if self._timer is None:
            self._later()

    def ended(self, asked: Asked) -> None:
        """Forget a request."""
        del self._asked[asked]

    def _later(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(_LOOK_EVERY_S, self._look)

    def _look(self) -> None:
        self._timer = None
        now_s = self.now_s()
        for asked in self._asked:
            if asked.is_young(now_s):
                break
            asked.look(now_s)
        if self._asked:
            self._later()
