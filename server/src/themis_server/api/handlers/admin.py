"""What the console and operators see: the shards with their health, and the figures of a dashboard."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from themis_server._generated import models
from themis_server.api.answer import Answer
from themis_server.api.call import Call
from themis_server.api.routes import Handler
from themis_server.clock import Clock
from themis_server.gateway.listing import Listing
from themis_server.metadata.catalog import Catalog
from themis_server.metadata.topology import Shard, TopologyView
from themis_server.observability.instruments import Instruments, OperationMetrics
from themis_server.observability.monitors import Monitors
from themis_server.observability.process import read_process
from themis_server.observability.series import INTERVAL_S
from themis_server.replication.group import GroupStatus

_encode = msgspec.json.Encoder().encode
_DATABASES = ("raft", "data")


class AdminHandlers:
    """Serves the administration."""

    def __init__(
        self,
        topology: TopologyView,
        catalog: Catalog,
        listing: Listing,
        groups: Callable[[], list[GroupStatus]],
        leader_of: Callable[[int], str | None],
        instruments: Instruments,
        monitors: Monitors,
        clock: Clock,
    ) -> None:
        self._topology = topology
        self._catalog = catalog
        self._listing = listing
        self._groups = groups
        self._leader_of = leader_of
        self._instruments = instruments
        self._monitors = monitors
        self._clock = clock
        self._started_s = clock.monotonic_s()

    def handlers(self) -> Mapping[str, Handler]:
        """Return operationId -> handler."""
        return {"adminTopology": self.topology, "adminMetrics": self.metrics}

    async def topology(self, call: Call) -> Answer:
        """Answer the shards with their places, ranges and counts."""
        call.query()
        topology = self._topology.current
        counts = self._key_counts()
        shards = [self._shard(shard, counts.get(shard.shard_id, 0)) for shard in topology.shards]
        return Answer(200, _encode(models.AdminTopology(epoch=topology.epoch, shards=shards)))

    def _key_counts(self) -> dict[str, int]:
        totals: dict[str, int] = {}
        for collections in self._catalog.collections.values():
            for collection in collections.values():
                for shard_id, count in self._listing.count(collection).items():
                    totals[shard_id] = totals.get(shard_id, 0) + count
        return totals

    def _shard(self, shard: Shard, key_count: int) -> models.AdminShard:
        nodes = {node.node_id: node for node in self._topology.current.nodes}
        leader = self._leader_of(shard.group)
        places = [nodes[place.node_id] for place in shard.replicas]
        down = leader is None
        degraded = any(node.state != "up" for node in places)
        return models.AdminShard(
            shard_id=shard.shard_id,
            primary_endpoint=None if leader is None else nodes[leader].endpoint,
            replicas=[node.endpoint for node in places],
            health="down" if down else "degraded" if degraded else "healthy",
            datacenter=places[0].datacenter if leader is None else nodes[leader].datacenter,
            token_ranges=[
                models.TokenRange(start=f"{start:016x}", end=f"{end:016x}")
                for start, end in self._topology.table.ranges(shard.shard_id)
            ],
            key_count=key_count,
        )

    async def metrics(self, call: Call) -> Answer:
        """Answer the last minutes as series, and totals since the start."""
        call.query()
        samples = self._monitors.series.samples()
        operations = sorted(self._instruments.operations(), key=lambda operation: operation.operation)
        body = models.AdminMetrics(
            timestamp_ms=self._clock.unix_ms(),
            interval_ms=int(INTERVAL_S * 1000),
            query_latency_p95=[
                models.Point(timestamp=sample.unix_ms, value=sample.p95_s * 1000)
                for sample in samples
                if sample.p95_s is not None
            ],
            throughput=[models.Point(timestamp=sample.unix_ms, value=sample.requests_per_s) for sample in samples],
            operations=[_figures(operation) for operation in operations if operation.requests],
            storage=_figures_of(self._storage()),
            raft=_figures_of(self._raft()),
            process=_figures_of(self._process()),
        )
        return Answer(200, _encode(body))

    def _storage(self) -> dict[str, object]:
        figures: dict[str, object] = {}
        for database in _DATABASES:
            for name, value in self._instruments.rocksdb.read(database).items():
                figures[f"{database}_{name}"] = value
        return figures

    def _raft(self) -> dict[str, object]:
        groups = self._groups()
        syncs = self._instruments.log_fsync_seconds.snapshot()
        entries = self._instruments.log_batch_entries.snapshot()
        return {
            "groups": len(groups),
            "groups_led": sum(group.role == "leader" for group in groups),
            "log_entries": sum(group.log_entries for group in groups),
            "log_bytes": sum(group.log_bytes for group in groups),
            "fsyncs_total": syncs.count,
            "entries_per_fsync_avg": round(entries.sum / entries.count, 2) if entries.count else 0.0,
            "proposals_in_flight": self._instruments.proposals_in_flight.current(),
        }

    def _process(self) -> dict[str, object]:
        figures = read_process()
        return {
            "cpu_seconds_total": round(figures.cpu_s, 3),
            "rss_bytes": figures.rss_bytes,
            "open_fds": figures.open_fds,
            "uptime_s": round(self._clock.monotonic_s() - self._started_s, 1),
        }


def _figures_of(values: Mapping[str, object]) -> msgspec.Raw:
    return msgspec.Raw(_encode(values))


def _figures(operation: OperationMetrics) -> models.OperationFigures:
    durations = operation.durations()
    p50, p95, p99 = ((durations.quantile(q) or 0.0) * 1000 for q in (0.5, 0.95, 0.99))
    return models.OperationFigures(
        operation=operation.operation,
        requests=operation.requests,
        errors=operation.errors,
        p50_ms=round(p50, 3),
        p95_ms=round(p95, 3),
        p99_ms=round(p99, 3),
    )
