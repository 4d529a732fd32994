"""The end of leases in the embedded store: somebody has to say that their time has passed, and it is the leader.

etcd does this by itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from themis_server.clock import Clock
from themis_server.errors import ThemisServerError
from themis_server.metadata.embedded import EmbeddedStore

SWEEP_S = 0.5


class LeaseSweeper:
    """Proposes the end of expired leases while this node leads group 0.

    A new leader first waits as long as a lease lasts: nobody could keep a lease alive while there was no leader, and
    a second without one must not make every node of the cluster look dead.

    Args:
        store: The embedded store.
        clock: Both readings.
        leads: Whether this node leads group 0 now.
        grace_s: The longest lease in use, in seconds.
    """

    def __init__(self, store: EmbeddedStore, clock: Clock, leads: Callable[[], bool], grace_s: float) -> None:
        self._store = store
        self._clock = clock
        self._leads = leads
        self._grace_s = grace_s
        self._leading_since_s: float | None = None

    async def run(self) -> None:
        """Sweep twice a second, without end."""
        while True:
            await self.sweep()
            await asyncio.sleep(SWEEP_S)

    async def sweep(self) -> None:
        """End what has expired, if this is the node to do it."""
        if not self._leads():
            self._leading_since_s = None
            return
        now_s = self._clock.monotonic_s()
        if self._leading_since_s is None:
            self._leading_since_s = now_s
        if now_s - self._leading_since_s < self._grace_s:
            return
        try:
            await self._store.end_expired_leases(self._clock.unix_ms())
        except ThemisServerError:
            return  # the lead was lost meanwhile; the next leader sweeps
