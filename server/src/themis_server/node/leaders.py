"""Who leads which group, as the event loop knows it: this node's replicas first, and what other nodes announced."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from themis_server.replication.driver import Driver
from themis_server.replication.thread import DriverThread

_LOOK_EVERY_S = 0.02


class Leaders:
    """The leaders of all groups. Belongs to the event loop.

    A replica of this node is asked directly, so what it has just learnt counts at once. What other nodes say of groups
    that are not here is fetched from the driver when that has changed.
    """

    def __init__(self, thread: DriverThread) -> None:
        self._thread = thread
        self._version = -1
        self._announced: Mapping[int, tuple[int, int]] = {}

    def leader(self, group: int) -> tuple[int, int] | None:
        """Return (raft id of the leader, its term) of a group; None while nobody is known to lead it."""
        view = self._thread.views.get(group)
        if view is not None and view.leader:
            return view.leader, view.term
        known = self._announced.get(group)
        if known is None or (view is not None and known[0] < view.term):
            return None
        return known[1], known[0]

    def leader_of(self, group: int) -> int | None:
        """Return the raft id of the leader of a group."""
        known = self.leader(group)
        return None if known is None else known[0]

    async def follow(self, changed: Callable[[], None]) -> None:
        """Keep current, without end; `changed` is called after each change."""
        while True:
            version = self._thread.driver.leaders_version
            if version != self._version:
                self._announced = await asyncio.wrap_future(self._thread.ask(Driver.known_leaders))
                self._version = version
                changed()
            await asyncio.sleep(_LOOK_EVERY_S)
