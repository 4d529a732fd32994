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
from themis_server.metadata.topology import Node, ReplicaPlace, Topology, TopologyView
from themis_server.observability import exposition
from themis_server.observability.instruments import Instruments

FEATURES = ("entity", "batch", "catalog", "conditional", "idempotency", "listing", "topology")

_encode = msgspec.json.Encoder().encode


class SystemHandlers:
    """Serves what clients and operators ask about the node."""

    def __init__(
        self,
        topology: TopologyView,
        leader_of: Callable[[int], str | None],
        why_not_ready: Callable[[], str | None],
        instruments: Instruments,
    ) -> None:
        self._topology = topology
        self._leader_of = leader_of
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
        # Leaders move without a new epoch, so they are part of what the tag stands for.
        leaders = ".".join(self._leader_of(shard.group) or "-" for shard in self._topology.current.shards)
        return f'"{self._topology.epoch}-{zlib.crc32(leaders.encode()):08x}"'

    def _etag_head(self) -> str:
        return f"ETag: {self._etag()}\r\nCache-Control: private, no-cache\r\n"

    def _wire(self, topology: Topology) -> models.Topology:
        return models.Topology(
            epoch=topology.epoch,
            nodes=[_node(node) for node in topology.nodes],
            shards=[
                models.Shard(
                    shard_id=shard.shard_id,
                    leader=self._leader_of(shard.group),
                    replicas=[_replica(place) for place in shard.replicas],
                )
                for shard in topology.shards
            ],
            tokens=list(topology.tokens),
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


def _node(node: Node) -> models.Node:
    return models.Node(
        node_id=node.node_id,
        endpoint=node.endpoint,
        datacenter=node.datacenter,
        rack=node.rack,
        state=node.state,  # type: ignore[arg-type]
        version=node.version,
    )


def _replica(place: ReplicaPlace) -> models.Replica:
    return models.Replica(node_id=place.node_id, role=place.role)  # type: ignore[arg-type]
