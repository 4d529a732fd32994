"""What the console and operators see: the shards with their health, and the figures of a dashboard."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence

import msgspec

from themis_server._generated import models
from themis_server.api.answer import Answer
from themis_server.api.call import Call
from themis_server.api.handlers.cluster import unreachable_nodes
from themis_server.api.routes import Handler
from themis_server.clock import Clock
from themis_server.gateway.listing import Listing
from themis_server.gateway.node_calls import NodeCalls
from themis_server.gateway.standing import Standing
from themis_server.gateway.status import METRICS
from themis_server.metadata.catalog import Catalog
from themis_server.metadata.topology import Shard, TopologyView
from themis_server.metadata.transitions import node_not_found
from themis_server.observability.instruments import Instruments, OperationMetrics
from themis_server.observability.monitors import Monitors
from themis_server.observability.process import read_process
from themis_server.observability.series import INTERVAL_S
from themis_server.replication.views import GroupStatus

_encode = msgspec.json.Encoder().encode
_DATABASES = ("raft", "data")


class AdminHandlers:
    """Serves the administration."""

    def __init__(
        self,
        node_id: str,
        topology: TopologyView,
        catalog: Catalog,
        listing: Listing,
        groups: Callable[[], Awaitable[Sequence[GroupStatus]]],
        standing: Standing,
        calls: NodeCalls,
        instruments: Instruments,
        monitors: Monitors,
        clock: Clock,
    ) -> None:
        """Prepare.

        Args:
            node_id: this node.
            topology: the topology as this node knows it.
            catalog: which collections there are.
            listing: counts them.
            groups: asks the driver how its groups are.
            standing: who leads and how the nodes are.
            calls: asks other nodes.
            instruments: what this node counts.
            monitors: the series of the last minutes.
            clock: for the uptime, which begins now.
        """
        self._node_id = node_id
        self._topology = topology
        self._catalog = catalog
        self._listing = listing
        self._groups = groups
        self._standing = standing
        self._calls = calls
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
        collections = [each for named in self._catalog.collections.values() for each in named.values()]
        counts = await self._listing.counts_known(collections)
        down = sorted(node.node_id for node in topology.nodes if self._standing.health(node.node_id).health == "down")
        body = models.AdminTopology(
            epoch=topology.epoch,
            shards=[self._shard(shard, counts.get(shard.shard_id)) for shard in topology.shards],
            unreachable=unreachable_nodes(self._calls.unreachable(node_id) for node_id in down),
        )
        return Answer(200, _encode(body))

    def _shard(self, shard: Shard, key_count: int | None) -> models.AdminShard:
        nodes = {node.node_id: node for node in self._topology.current.nodes}
        leader = self._standing.leader(shard.group)
        primary = None if leader is None else nodes.get(leader.node_id)
        places = [nodes[place.node_id] for place in shard.replicas if place.node_id in nodes]
        datacenters = [node.datacenter for node in (primary, *places) if node is not None]
        return models.AdminShard(
            shard_id=shard.shard_id,
            primary_endpoint=None if primary is None else primary.endpoint,
            replicas=[node.endpoint for node in places],
            health=self._standing.shard_health(shard),
            datacenter=datacenters[0] if datacenters else "",
            token_ranges=[
                models.TokenRange(start=f"{start:016x}", end=f"{end:016x}")
                for start, end in self._topology.table.ranges(shard.shard_id)
            ],
            key_count=key_count or 0,
            key_count_known=None if key_count is not None else False,
        )

    async def metrics(self, call: Call) -> Answer:
        """Answer the last minutes as series, and totals since the start, of this node or of the one that is named."""
        node_id = call.query().get("node_id", self._node_id)
        if node_id == self._node_id:
            return Answer(200, await self.figures())
        node = self._topology.current.node(str(node_id))
        if node is None:
            raise node_not_found(str(node_id))
        return Answer(200, await self._calls.ask(node, METRICS, b""))

    async def figures(self) -> bytes:
        """Return the figures of this node as JSON."""
        samples = self._monitors.series.samples()
        operations = sorted(self._instruments.operations(), key=lambda operation: operation.operation)
        body = models.AdminMetrics(
            node_id=self._node_id,
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
            raft=_figures_of(self._raft(await self._groups())),
            process=_figures_of(self._process()),
        )
        return _encode(body)

    def _storage(self) -> dict[str, object]:
        figures: dict[str, object] = {}
        for database in _DATABASES:
            for name, value in self._instruments.rocksdb.read(database).items():
                figures[f"{database}_{name}"] = value
        return figures

    def _raft(self, groups: Sequence[GroupStatus]) -> dict[str, object]:
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
