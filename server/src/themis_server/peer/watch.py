"""Looks after the links of one loop: pings, and silence."""

from __future__ import annotations

import asyncio
from typing import Final

from themis_server.peer.limits import PeerLimits
from themis_server.peer.link import Link

__all__ = ["Watch"]

_LOOKS_A_PING: Final = 4
_LATE_S: Final = 1.0


class Watch:
    """Calls `Link.watch` for a set of links, several times in the time after which a ping is due."""

    __slots__ = ("_due_s", "_every_s", "_loop", "_timer", "links")

    def __init__(self, limits: PeerLimits) -> None:
        self.links: set[Link] = set()
        """Those to look after; their owner adds and removes them."""
        self._every_s = limits.ping_s / _LOOKS_A_PING
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._due_s = 0.0

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Begin; called by the loop's thread."""
        self._loop = loop
        self._again(loop)

    def stop(self) -> None:
        """Look no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _again(self, loop: asyncio.AbstractEventLoop) -> None:
        self._due_s = loop.time() + self._every_s
        self._timer = loop.call_at(self._due_s, self._look)

    def _look(self) -> None:
        assert self._loop is not None
        now_s = self._loop.time()
        # A loop that was blocked (by a slow disk, say) has not read what others sent meanwhile.
        late = now_s - self._due_s > _LATE_S
        for link in list(self.links):
            link.watch(now_s, late=late)
        self._again(self._loop)
