"""The console's view of shards and figures, on a cluster of which not everything is known."""

from __future__ import annotations

import json
from typing import Any

import pytest

from server.tests.conformance import operations, violations
from server.tests.unit.api.test_call import call
from server.tests.unit.clustered import Clustered
from themis_server.api.handlers.admin import AdminHandlers
from themis_server.errors import ErrorCode, ThemisServerError
from themis_server.observability.instruments import Instruments
from themis_server.observability.monitors import Monitors
from themis_server.peer.errors import PeerLost, PeerUnreachable
from themis_server.replication.views import GroupStatus


class _Catalog:
    collections: dict[str, dict[str, object]] = {"app": {"users": object()}}  # noqa: RUF012 - never changed


class _Listing:
    def __init__(self) -> None:
        self.counts: dict[str, int | None] = {"shard_001": 3, "shard_002": 4}

    async def counts_known(self, collections: list[object]) -> dict[str, int | None]:
        return self.counts


class Console:
    """The handlers over a cluster without processes."""

    def __init__(self) -> None:
        self.cluster, self.listing = Clustered(), _Listing()
        instruments = Instruments("0.2.0")
        for database in ("raft", "data"):
            instruments.rocksdb.watch(database, lambda name: 1)

        async def groups() -> list[GroupStatus]:
            return list(self.cluster.machines["node-1"].groups.values())

        self.handlers = AdminHandlers(
            "node-1",
            self.cluster.view,
            _Catalog(),  # type: ignore[arg-type]  # only its collections are asked for
            self.listing,  # type: ignore[arg-type]  # only its counts are asked for
            groups,
            self.cluster.standing,
            self.cluster.calls,
            instruments,
            Monitors(instruments, self.cluster.clock),
            self.cluster.clock,
        )

    async def ask(self, operation_id: str, query: str = "") -> Any:
        """Return the body of the answer to an operation."""
        answer = await self.handlers.handlers()[operation_id](call(operation_id, query=query))
        return json.loads(answer.body)


def check(operation_id: str, body: object) -> None:
    """Fail if `body` is no answer to an operation."""
    responses = operations()[operation_id].spec["responses"]
    assert violations(responses["200"]["content"]["application/json"]["schema"], body) == []


@pytest.fixture
def console() -> Console:
    return Console()


async def test_shards_with_all_that_is_known(console: Console) -> None:
    body = await console.ask("adminTopology")

    check("adminTopology", body)
    first, second = body["shards"]
    assert (first["primary_endpoint"], second["primary_endpoint"]) == ("http://127.0.0.1:8081", "http://127.0.0.1:8082")
    assert (first["health"], first["key_count"], len(first["replicas"])) == ("healthy", 3, 4)
    assert "key_count_known" not in first
    assert "unreachable" not in body


async def test_what_is_not_known_is_said(console: Console) -> None:
    console.cluster.reports.pop("node-2")
    del console.cluster.leaders[2]
    console.listing.counts["shard_002"] = None

    body = await console.ask("adminTopology")

    check("adminTopology", body)
    first, second = body["shards"]
    assert (first["health"], second["health"]) == ("degraded", "down")
    assert (second["key_count"], second["key_count_known"]) == (0, False)
    assert second["primary_endpoint"] is None
    assert body["unreachable"] == [{"node_id": "node-2"}], "nobody called it, so since when is not known"


async def test_figures_of_this_node(console: Console) -> None:
    body = await console.ask("adminMetrics")

    check("adminMetrics", body)
    assert (body["node_id"], body["raft"]["groups"], body["raft"]["groups_led"]) == ("node-1", 3, 2)
    assert (await console.ask("adminMetrics", "node_id=node-1"))["node_id"] == "node-1"


async def test_figures_of_another_node(console: Console) -> None:
    assert await console.ask("adminMetrics", "node_id=node-3") == {"node_id": "node-3"}
    assert console.cluster.called == [("node-3", "node.metrics")]


@pytest.mark.parametrize("failure", [PeerUnreachable("connection refused"), PeerLost("no answer within 2 s")])
async def test_figures_of_a_node_that_is_silent(console: Console, failure: Exception) -> None:
    console.cluster.broken["node-3"] = failure

    with pytest.raises(ThemisServerError) as raised:
        await console.ask("adminMetrics", "node_id=node-3")

    assert raised.value.code == ErrorCode.NODE_UNREACHABLE, "nothing was changed, so no outcome is unknown"


async def test_figures_of_nobody(console: Console) -> None:
    with pytest.raises(ThemisServerError) as raised:
        await console.ask("adminMetrics", "node_id=node-7")

    assert raised.value.code == ErrorCode.NODE_NOT_FOUND
