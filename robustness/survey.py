"""What a cluster holds when all is quiet: everything, as the cluster says, and as each node says by itself."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from robustness.checkers.replicas import Copy, checksum
from robustness.checkers.sets import Listed
from robustness.history import Consistency
from robustness.workloads.callers import NAMESPACE
from robustness.workloads.client import VALUE
from themis.transport.message import Endpoint, Request, TransportFailure
from themis.transport.streams import StreamTransport

_PAGE: Final = 1000
_TIMEOUT_S: Final = 20.0
_POLL_S: Final = 0.2


class SurveyFailed(Exception):
    """A node did not list what it has; the text says what it answered."""


async def listing(endpoint: str, collection: str, consistency: Consistency) -> list[Copy]:
    """Return everything of a collection, as a node lists it; empty if there is no such collection.

    Raises:
        SurveyFailed: The node did not answer, or not with a list.
    """
    transport = StreamTransport(pool_size=1)
    found: list[Copy] = []
    cursor = ""
    try:
        while True:
            target = (
                f"/namespaces/{NAMESPACE}/collections/{collection}/entities?limit={_PAGE}"
                f"&consistency={consistency}{cursor}"
            )
            try:
                answer = await transport.asend(Request("GET", Endpoint.parse(endpoint), target, {}), _TIMEOUT_S)
            except TransportFailure as failure:
                raise SurveyFailed(f"{endpoint}: {failure}") from failure
            if answer.status == 404:
                return []
            if answer.status != 200:
                raise SurveyFailed(f"{endpoint} answered {answer.status} {answer.body[:200]!r}")
            page: dict[str, Any] = msgspec.json.decode(answer.body)
            found += [
                Copy(item["urn"], item["version"], msgspec.json.encode(item["doc"], order="deterministic"))
                for item in page["items"]
            ]
            if not page.get("cursor"):
                return found
            cursor = f"&cursor={page['cursor']}"
    finally:
        await transport.aclose()


async def when_quiet(
    endpoints: Mapping[str, str], collections: Sequence[str], timeout_s: float
) -> Mapping[str, list[Copy]]:
    """Return what each node has by itself, as soon as all have the same, at the latest after `timeout_s`.

    Args:
        endpoints: URLs by node id.
        collections: What is listed.
        timeout_s: How long replicas may take to catch up; after it, what differs is returned as it is.

    Raises:
        SurveyFailed: A node does not list what it has, to the end of that time.
    """
    deadline_s = time.monotonic() + timeout_s
    while True:
        try:
            by_node = {
                node_id: [copy for name in collections for copy in await listing(endpoint, name, "eventual")]
                for node_id, endpoint in endpoints.items()
            }
        except SurveyFailed:
            if time.monotonic() > deadline_s:
                raise
        else:
            alike = len({checksum(copies) for copies in by_node.values()}) <= 1
            if alike or time.monotonic() > deadline_s:
                return by_node
        await asyncio.sleep(_POLL_S)


def listed(copies: Sequence[Copy]) -> list[Listed]:
    """Return a listing as the checker of inserts takes it."""
    return [
        Listed(copy.urn.rpartition(":")[2], copy.version, str(msgspec.json.decode(copy.document)[VALUE]))
        for copy in copies
    ]
