"""Topology, version, health, metrics and the spec itself."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from importlib import resources
from time import perf_counter

import msgspec

from themis_server import __version__
from themis_server._generated import models
from themis_server._generated.operations import API_VERSION
from themis_server.api.answer import Answer
from themis_server.api.call import Call
from themis_server.api.routes import Handler
from themis_server.errors import ErrorCode, ThemisServerError, not_ready
from themis_server.gateway.standing import Standing
from themis_server.metadata.topology import Node, Shard, Topology, TopologyView
from themis_server.observability import exposition
from themis_server.observability.instruments import Instruments

FEATURES = (
    "entity",
    "batch",
    "catalog",
    "conditional",
    "idempotency",
    "listing",
    "topology",
    "consistency",
    "sessions",
    "cluster",
)

_encode = msgspec.json.Encoder().encode


class SystemHandlers:
    """Serves what clients and operators ask about the node."""

    def __init__(
        self,
        topology: TopologyView,
        standing: Standing,
        why_not_ready: Callable[[], str | None],
        instruments: Instruments,
    ) -> None:
        self._topology = topology
        self._standing = standing
        self._why_not_ready = why_not_ready
        self._instruments = instruments
        self._openapi = resources.files("themis_server._generated").joinpath("openapi.json").read_bytes()

    def handlers(self) -> Mapping[str, Handler]:
        """Return operationId -> handler."""
        return {
            "getTopology": self.topology,
            "getVersion": self.version,
            "getLive": self.live,
            "getReady": self.ready,
            "getMetrics": self.metrics,
            "getOpenapi": self.openapi,
        }

    async def topology(self, call: Call) -> Answer:
        """Answer the topology; with after_epoch wait for a newer one."""
        query = call.query()
        after_epoch, wait_ms = query.get("after_epoch"), query.get("wait_ms", 0)
        assert isinstance(wait_ms, int)
        if isinstance(after_epoch, int):
            began_s = perf_counter()
            newer = await self._topology.wait_newer(after_epoch, wait_ms / 1000)
            answer = self._changed_topology(call) if newer else Answer(304, head=self._etag_head())
            answer.waited_s = perf_counter() - began_s
            return answer
        return self._changed_topology(call)

    def _changed_topology(self, call: Call) -> Answer:
        condition = call.header_list("If-None-Match")
        if condition is not None and self._etag() in [tag.strip().removeprefix("W/") for tag in condition.split(",")]:
            return Answer(304, head=self._etag_head())
        return Answer(200, _encode(self._wire(self._topology.current)), self._etag_head())

    def _etag(self) -> str:
        # Leaders, their terms and health move without a new epoch, so they are part of what the tag stands for.
        topology = self._topology.current
        leaders = [self._standing.leader(shard.group) for shard in topology.shards]
        parts = ["-" if leader is None else f"{leader.node_id}:{leader.term}" for leader in leaders]
        parts += [self._standing.health(node.node_id).health for node in topology.nodes]
        return f'"{topology.epoch}-{zlib.crc32(" ".join(parts).encode()):08x}"'

    def _etag_head(self) -> str:
        return f"ETag: {self._etag()}\r\nCache-Control: private, no-cache\r\n"

    def _wire(self, topology: Topology) -> models.Topology:
        return models.Topology(
            epoch=topology.epoch,
            nodes=[self._node(node) for node in sorted(topology.nodes, key=lambda node: node.node_id)],
            shards=[self._shard(shard) for shard in topology.shards],
            tokens=list(topology.tokens),
        )

    def _node(self, node: Node) -> models.Node:
        return models.Node(
            node_id=node.node_id,
            endpoint=node.endpoint,
            datacenter=node.datacenter,
            rack=node.rack,
            state=node.state,
            version=node.version,
            health=self._standing.health(node.node_id).health,
            kind=node.kind,
        )

    def _shard(self, shard: Shard) -> models.Shard:
        leader = self._standing.leader(shard.group)
        return models.Shard(
            shard_id=shard.shard_id,
            leader=None if leader is None else leader.node_id,
            leader_term=None if leader is None else leader.term,
            replicas=[models.Replica(node_id=place.node_id, role=place.role) for place in shard.replicas],
        )

    async def version(self, call: Call) -> Answer:
        """Answer the versions of server and API."""
        call.query()
        return Answer(200, _encode(models.VersionInfo(server=__version__, api=API_VERSION, features=list(FEATURES))))

    async def live(self, call: Call) -> Answer:
        """Answer that the process runs."""
        call.query()
        return Answer(200, _encode(models.Health(status="ok")))

    async def ready(self, call: Call) -> Answer:
        """Answer whether the node takes requests."""
        call.query()
        why = self._why_not_ready()
        if why == "stopping":
            raise ThemisServerError(ErrorCode.SHUTTING_DOWN, "the node is stopping", retry_after_s=1)
        if why is not None:
            raise not_ready(why)
        return Answer(200, _encode(models.Health(status="ok")))

    async def metrics(self, call: Call) -> Answer:
        """Answer the metrics in Prometheus' text format."""
        call.query()
        return Answer(200, self._instruments.render(), media_type=exposition.CONTENT_TYPE)

    async def openapi(self, call: Call) -> Answer:
        """Answer the specification that this server was built from."""
        call.query()
        return Answer(200, self._openapi, "Cache-Control: public, max-age=3600\r\n")
