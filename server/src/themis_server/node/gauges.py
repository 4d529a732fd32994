"""Figures that are looked up, rather than counted, brought into the metrics."""

from __future__ import annotations

from themis_server.node.cluster_gauges import ClusterGauges, ClusterSources
from themis_server.node.observing import DriverObserver
from themis_server.node.replicating import Replicating
from themis_server.node.stores import Stores
from themis_server.observability.instruments import Instruments
from themis_server.observability.log import get_logger

_log = get_logger(__name__)


class Gauges:
    """Brings figures that are looked up, rather than counted, into the metrics; once a second on the event loop."""

    def __init__(
        self,
        instruments: Instruments,
        observer: DriverObserver,
        stores: Stores,
        replicating: Replicating,
        sources: ClusterSources,
    ) -> None:
        self._instruments = instruments
        self._observer = observer
        self._stores = stores
        self._replicating = replicating
        self._sources = sources
        self._cluster = ClusterGauges(instruments.cluster, instruments.apply_lag_entries, sources)
        self._was_short = False
        instruments.disk_reserve_bytes.set(stores.space.reserve_bytes)
        self._look_at_disk()

    def take(self) -> None:
        """Look everything up."""
        self._observer.take()
        instruments, pending, cache = self._instruments, self._replicating.pending, self._stores.cache
        instruments.proposals_in_flight.set(pending.count)
        instruments.proposal_bytes_in_flight.set(pending.size_bytes)
        instruments.entity_cache_hits.value = cache.hits
        instruments.entity_cache_misses.value = cache.misses
        instruments.entity_cache_bytes.set(cache.size_bytes)
        instruments.topology_epoch.set(self._sources.topology().epoch)
        self._look_at_disk()
        self._cluster.take()

    def _look_at_disk(self) -> None:
        space = self._stores.space
        short = space.short()
        self._instruments.disk_free_bytes.set(space.free_bytes)
        if short != self._was_short:
            self._was_short = short
            _log.warning(
                "disk.reserve.reached" if short else "disk.reserve.free",
                free_bytes=space.free_bytes,
                reserve_bytes=space.reserve_bytes,
            )
