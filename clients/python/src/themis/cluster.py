"""What the cluster says about itself, as flows."""

from __future__ import annotations

from typing import Final

import msgspec

from themis._generated.models import Topology, VersionInfo
from themis.collections import decoded, fetch, path
from themis.core import OPERATION, Call, Core, perform
from themis.entities import timeout_of
from themis.errors import ConfigurationError, TimeoutError, TransportError
from themis.flow import Flow
from themis.topology import TopologyView
from themis.transport.message import Endpoint

__all__ = ["NodeHealth"]

_NOT_READY: Final = frozenset({503})


class NodeHealth(msgspec.Struct, frozen=True):
    """How one node is. Truthy when it takes requests.

    Attributes:
        endpoint: The node that was asked.
        live: Whether it answered at all.
        ready: Whether it takes requests.
        reason: Why not, "" when it does: an error code (`not_ready`, `shutting_down`) or what went wrong on the way.
    """

    endpoint: str
    live: bool
    ready: bool
    reason: str = ""

    def __bool__(self) -> bool:
        return self.ready


def topology(core: Core, timeout_s: float | None) -> Flow[Topology]:
    """GET /topology; the client's own routing learns from it."""
    answer = yield from perform(core, Call(OPERATION["getTopology"], path("getTopology"), timeout_of(core, timeout_s)))
    found = decoded(answer, Topology)
    try:
        core.router.install(TopologyView(found))
    except ValueError as error:
        raise answer.malformed(f"the topology makes no sense: {error}") from error
    return found


def health(core: Core, endpoint: str | None, timeout_s: float | None) -> Flow[NodeHealth]:
    """GET /health/ready of one node, asked once."""
    try:
        node = core.router.choose(None) if endpoint is None else Endpoint.parse(endpoint)
    except ValueError as error:
        raise ConfigurationError(str(error)) from None
    call = Call(
        OPERATION["getReady"],
        path("getReady"),
        timeout_of(core, timeout_s),
        endpoint=node,
        expected=_NOT_READY,
        retries_max=0,
    )
    try:
        answer = yield from perform(core, call)
    except (TransportError, TimeoutError) as error:
        return NodeHealth(node.url, live=False, ready=False, reason=error.message)
    if answer.response.status == 503:
        return NodeHealth(node.url, live=True, ready=False, reason=answer.problem_code() or "status_503")
    return NodeHealth(node.url, live=True, ready=True)


def version(core: Core, timeout_s: float | None) -> Flow[VersionInfo]:
    """GET /version."""
    return fetch(core, "getVersion", path("getVersion"), VersionInfo, timeout_s)


def metrics(core: Core, timeout_s: float | None) -> Flow[str]:
    """GET /metrics, as text."""
    call = Call(OPERATION["getMetrics"], path("getMetrics"), timeout_of(core, timeout_s), {"Accept": "text/plain"})
    answer = yield from perform(core, call)
    return answer.response.body.decode("utf-8", "replace")
