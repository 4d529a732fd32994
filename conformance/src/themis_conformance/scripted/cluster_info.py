"""Topology, version, health, metrics, the description of the API, and what an operator sees."""

from __future__ import annotations

import time
from typing import Any, Final

from themis_conformance.operations import OPERATIONS
from themis_conformance.scripted.call import Call, Reply
from themis_conformance.scripted.shape import Shape
from themis_conformance.scripted.store import Store

__all__ = ["ClusterHandlers"]

_FEATURES: Final = ["entity", "batch", "catalog", "conditional", "idempotency", "listing", "topology"]
_METRICS: Final = (
    "# HELP themis_http_requests_total Requests by operation and status.\n"
    "# TYPE themis_http_requests_total counter\n"
    'themis_http_requests_total{operation="getEntity",status="200"} 1027\n'
)
_PATHS: dict[str, dict[str, Any]] = {}
for _operation in OPERATIONS.values():
    _PATHS.setdefault(_operation.path, {})[_operation.method.lower()] = {"operationId": _operation.operation_id}
_OPENAPI: Final = {"openapi": "3.1.0", "info": {"title": "ThemisDB", "version": "1.0.0"}, "paths": _PATHS}


class ClusterHandlers:
    """The eight operations about the cluster itself."""

    def __init__(self, store: Store, shape: Shape) -> None:
        self._store = store
        self._shape = shape

    async def topology(self, call: Call) -> Reply:
        """The topology, or a newer one if there comes one in time."""
        query = call.query()
        if "after_epoch" in query:
            wait_s = int(query.get("wait_ms", "0")) / 1000
            if not await self._shape.wait_newer(int(query["after_epoch"]), wait_s):
                return Reply(304, b"", self._headers())
        tags = [tag.strip().removeprefix("W/") for tag in call.headers.get("if-none-match", "").split(",")]
        if self._shape.etag() in tags:
            return Reply(304, b"", self._headers())
        return Reply.of(self._shape.to_wire(), headers=self._headers())

    def _headers(self) -> dict[str, str]:
        return {"ETag": self._shape.etag(), "Cache-Control": "private, no-cache"}

    def version(self, call: Call) -> Reply:
        """What the server is and can do."""
        call.query()
        return Reply.of({"server": "0.1.0", "api": "1.0", "features": _FEATURES})

    def health(self, call: Call) -> Reply:
        """All is well; a fault says otherwise."""
        call.query()
        return Reply.of({"status": "ok"})

    def metrics(self, call: Call) -> Reply:
        """For Prometheus."""
        call.query()
        return Reply(200, _METRICS.encode(), {"Content-Type": "text/plain; version=0.0.4; charset=utf-8"})

    def openapi(self, call: Call) -> Reply:
        """The operations, by path and method."""
        call.query()
        return Reply.of(_OPENAPI)

    def admin_topology(self, call: Call) -> Reply:
        """The shards as an operator sees them."""
        call.query()
        shape = self._shape
        counts = dict.fromkeys(shape.leaders, 0)
        for namespace in self._store.namespaces.values():
            for collection in namespace.collections.values():
                for uuid in collection.entities:
                    counts[shape.ring.shard_of(uuid)] += 1
        shards = [
            {
                "shard_id": shard,
                "primary_endpoint": None if leader is None else shape.urls[leader],
                "replicas": list(shape.urls),
                "health": "down" if leader is None else "healthy",
                "datacenter": "dc1",
                "token_ranges": [
                    {"start": f"{start:016x}", "end": f"{end:016x}"} for start, end in shape.ring.ranges(shard)
                ],
                "key_count": counts[shard],
            }
            for shard, leader in shape.leaders.items()
        ]
        return Reply.of({"epoch": shape.epoch, "shards": shards})

    def admin_metrics(self, call: Call) -> Reply:
        """Figures for a dashboard."""
        call.query()
        now_ms = int(time.time() * 1000)
        point: dict[str, Any] = {"timestamp": now_ms, "value": 0.8}
        figures: dict[str, Any] = {
            "operation": "getEntity",
            "requests": 25601,
            "errors": 3,
            "p50_ms": 0.2,
            "p95_ms": 0.8,
            "p99_ms": 1.7,
        }
        return Reply.of(
            {
                "timestamp_ms": now_ms,
                "interval_ms": 5000,
                "query_latency_p95": [point],
                "throughput": [point],
                "operations": [figures],
                "storage": {"sst_bytes": 73_400_320},
                "raft": {"groups": 9},
                "process": {"uptime_s": 3600},
            }
        )
