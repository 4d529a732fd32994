"""Topology, version, health, metrics, and the description of the API."""

from __future__ import annotations

from typing import Any, Final

from themis_conformance.operations import OPERATIONS
from themis_conformance.scripted.call import Call, Reply
from themis_conformance.scripted.shape import Shape

__all__ = ["ClusterHandlers"]

_FEATURES: Final = [
    *("entity", "batch", "catalog", "conditional", "idempotency", "listing", "topology"),
    *("consistency", "sessions", "cluster"),
]
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
    """What the cluster says of itself to programs."""

    def __init__(self, shape: Shape) -> None:
        self._shape = shape

    async def topology(self, call: Call) -> Reply:
        """The topology, or a newer one if there comes one in time."""
        query = call.query()
        if "after_epoch" in query:
            wait_s = int(query.get("wait_ms", "0")) / 1000
            if not await self._shape.wait_newer(int(query["after_epoch"]), wait_s):
                return Reply(304, b"", self._headers(call.node))
        tags = [tag.strip().removeprefix("W/") for tag in call.headers.get("if-none-match", "").split(",")]
        headers = self._headers(call.node)
        if headers["ETag"] in tags:
            return Reply(304, b"", headers)
        return Reply.of(self._shape.to_wire(call.node), headers=headers)

    def _headers(self, asked: int) -> dict[str, str]:
        return {"ETag": self._shape.etag(asked), "Cache-Control": "private, no-cache"}

    def version(self, call: Call) -> Reply:
        """What the server is and can do."""
        call.query()
        return Reply.of({"server": "0.2.0", "api": "1.0", "features": _FEATURES})

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
