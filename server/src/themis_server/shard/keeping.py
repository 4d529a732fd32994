"""Keeps what this node's replicas can prove of their age young, while reads that may lag are asked of it.

A replica says of an answer only what it has proven, so the lag that it tells is the age of its last proof. While such
reads come in, all replicas are proven anew every few milliseconds: one exchange with each leading node, however many
groups and reads there are. When nobody has asked for a while it stops, and costs nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

EVERY_S: Final = 0.03
"""How old a proof gets while reads that may lag come in, seconds."""
_LINGER_S: Final = 1.0
"""For so long after a read proofs are kept young for the next one."""


class Keeper:
    """Belongs to the event loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop, refresh: Callable[[], None], every_s: float = EVERY_S) -> None:
        """Prepare.

        Args:
            loop: the event loop.
            refresh: has every replica of this node proven anew; returns at once.
            every_s: how long after that it is to be done again, seconds.
        """
        self._loop = loop
        self._refresh = refresh
        self._every_s = every_s
        self._timer: asyncio.TimerHandle | None = None
        self._until_s = 0.0

    def was_read(self) -> None:
        """Take note of a read whose replica relies on a proof of its age."""
        self._until_s = self._loop.time() + _LINGER_S
        if self._timer is None:
            self._keep()

    def _keep(self) -> None:
        if self._loop.time() >= self._until_s:
            self._timer = None
            return
        self._refresh()
        self._timer = self._loop.call_later(self._every_s, self._keep)
