"""Which nodes live, and how they are: each writes a leased report about itself, and each reads those of all.

    /nodes/{node_id}   a `NodeReport`, gone when its node has not renewed the lease for so long

healthy: it reports, and has nothing to complain about. degraded: it reports, with reasons. down: it does not report.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from typing import Final, Literal, TypeAlias

import msgspec

from themis_server.clock import Clock
from themis_server.errors import ThemisServerError
from themis_server.metadata import topology as topologies
from themis_server.metadata.store import Compacted, LeaseLost, MetadataStore
from themis_server.metadata.topology import NODES, NodeReport, Topology
from themis_server.observability.log import get_logger

NodeHealth: TypeAlias = Literal["healthy", "degraded", "down"]

_POLL_S: Final = 0.5
_RETRY_S: Final = 0.5
_DISK_STEP: Final = 0.05
"""By which part of itself the free space must change to be worth a write."""

_log = get_logger(__name__).limited(burst=3, interval_s=60.0)


class Registration:
    """Keeps this node's report in the store. Belongs to the event loop.

    The report is looked at twice a second and written when it says something new; the lease is renewed three times in
    its length. A lease that was lost, because the store or this node was away for too long, is taken anew.

    Args:
        store: Where.
        report: Returns what there is to say now.
        lease_s: How long the node may be silent before it counts as down.
        clock: Measures the time between renewals.
    """

    def __init__(self, store: MetadataStore, report: Callable[[], NodeReport], lease_s: float, clock: Clock) -> None:
        self._store = store
        self._report = report
        self._lease_s = lease_s
        self._clock = clock
        self._lease = 0
        self._written: NodeReport | None = None
        self._renew_at_s = 0.0

    async def run(self) -> None:
        """Keep it current, without end."""
        while True:
            await self.step()
            await asyncio.sleep(min(_POLL_S, self._lease_s / 6))

    async def step(self) -> None:
        """Renew and write what is due."""
        try:
            if self._lease and self._clock.monotonic_s() >= self._renew_at_s:
                await self._renew()
            report = self._report()
            if self._written is None or _differs(self._written, report):
                await self._write(report)
        except LeaseLost:
            self._forget()
        except ThemisServerError as error:
            _log.warning("registration.failed", why=str(error))

    async def end(self) -> None:
        """Take the report away: the node stops, and nobody shall wait for the lease to run out."""
        lease = self._lease
        self._forget()
        if lease:
            with contextlib.suppress(ThemisServerError):
                await self._store.end_lease(lease)

    async def _renew(self) -> None:
        asked_s = self._clock.monotonic_s()
        if not await self._store.keep_lease(self._lease, self._lease_s):
            raise LeaseLost("the registration was lost")
        self._renew_at_s = asked_s + self._lease_s / 3

    async def _write(self, report: NodeReport) -> None:
        if not self._lease:
            self._lease = await self._store.grant_lease(self._lease_s)
            self._renew_at_s = self._clock.monotonic_s() + self._lease_s / 3
        await self._store.put(NODES + report.node_id, topologies.encode_report(report), lease=self._lease)
        self._written = report

    def _forget(self) -> None:
        self._lease = 0
        self._written = None


class NodesView:
    """The reports of all nodes as this node knows them. Belongs to the event loop.

    While the store cannot be reached, the reports stay as they were: nobody is called down because *this* node cannot
    look.

    Args:
        store: Where the reports are.
        clock: Measures how long nodes have been away.
        changed: Called after each change.
    """

    def __init__(self, store: MetadataStore, clock: Clock, changed: Callable[[], None] = lambda: None) -> None:
        self._store = store
        self._clock = clock
        self._changed = changed
        self._reports: dict[str, NodeReport] = {}
        self._absent_since_s: dict[str, float] = {}
        self.loaded = False
        """Whether the reports were read at all; nobody is down before."""

    @property
    def reports(self) -> Mapping[str, NodeReport]:
        """The reports by node."""
        return self._reports

    def health(self, node_id: str) -> NodeHealth:
        """Return how a node is."""
        report = self._reports.get(node_id)
        if report is not None:
            return report.health
        return "down" if self.loaded else "healthy"

    def absent_since_s(self, topology: Topology) -> Mapping[str, float]:
        """Return since when, on the monotonic clock, nodes of the topology have had no report, as far as was seen."""
        now_s = self._clock.monotonic_s()
        absent = {node.node_id for node in topology.nodes} - self._reports.keys() if self.loaded else set()
        self._absent_since_s = {node_id: self._absent_since_s.get(node_id, now_s) for node_id in absent}
        return self._absent_since_s

    async def follow(self) -> None:
        """Keep the reports current, without end."""
        while True:
            try:
                listing = await self._store.list(NODES, stale=True)
                self._reports = {}
                for key, value in listing.values.items():
                    self._take(key, value.data)
                self.loaded = True
                self._changed()
                async for event in self._store.watch(NODES, listing.revision):
                    self._take(event.key, event.data)
                    self._changed()
            except Compacted:
                continue
            except ThemisServerError as error:
                _log.warning("nodes.follow.failed", why=str(error))
                await asyncio.sleep(_RETRY_S)

    def _take(self, key: str, data: bytes | None) -> None:
        node_id = key.removeprefix(NODES)
        self._reports.pop(node_id, None)
        if data is None:
            return
        try:
            self._reports[node_id] = topologies.decode_report(data)
        except msgspec.MsgspecError as error:
            _log.error("node.report.unreadable", node=node_id, why=str(error))


def _differs(written: NodeReport, report: NodeReport) -> bool:
    """Tell whether a report is worth a write: free space changes all the time."""
    step = written.disk_free_bytes * _DISK_STEP
    if abs(report.disk_free_bytes - written.disk_free_bytes) > step:
        return True
    return msgspec.structs.replace(report, disk_free_bytes=written.disk_free_bytes) != written
