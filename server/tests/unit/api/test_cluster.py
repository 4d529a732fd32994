"""What operators ask for, on the wire: every answer is as the specification has it, every fault has a code."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiohttp import StreamReader
from aiohttp.base_protocol import BaseProtocol

from server.tests.conformance import operations, violations
from server.tests.unit.api.test_call import call
from server.tests.unit.clustered import Clustered, FakeStore, metadata_unavailable
from themis_server.api.answer import Answer
from themis_server.api.call import Call
from themis_server.api.handlers.cluster import ClusterHandlers
from themis_server.api.handlers.system import SystemHandlers
from themis_server.errors import ErrorCode, ThemisServerError
from themis_server.gateway.join_tokens import JoinTokens
from themis_server.observability.instruments import Instruments
from themis_server.peer.errors import PeerUnreachable

JSON = {"Content-Type": "application/json"}


class Served:
    """The handlers over a cluster without processes."""

    def __init__(self) -> None:
        self.cluster = Clustered()
        tokens = JoinTokens(FakeStore(), self.cluster.clock)  # type: ignore[arg-type]  # watches are not needed
        self.cluster_handlers = ClusterHandlers("node-1", "themis", self.cluster.operations, tokens, strict_json=True)
        self.system_handlers = SystemHandlers(
            self.cluster.view, self.cluster.standing, lambda: None, Instruments("0.2.0")
        )
        self.handlers = {**self.cluster_handlers.handlers(), **self.system_handlers.handlers()}

    async def raw(
        self, operation_id: str, *parameters: str, body: object = None, query: str = "", **headers: str
    ) -> Answer:
        """Carry out an operation; its answer must be one that the specification lets it give."""
        content, given = None, dict(headers)
        if body is not None:
            content = StreamReader(BaseProtocol(loop=None), 1 << 16)  # type: ignore[arg-type]  # it is never paused
            content.feed_data(body if isinstance(body, bytes) else json.dumps(body).encode())
            content.feed_eof()
            given |= JSON
        handler: Callable[[Call], Awaitable[Answer]] = self.handlers[operation_id]
        declared = operations()[operation_id]
        answer = await handler(call(operation_id, *parameters, query=query, headers=given, content=content))
        assert answer.status in declared.successes
        if answer.body:
            schema = declared.spec["responses"][str(answer.status)]["content"]["application/json"]["schema"]
            assert violations(schema, json.loads(answer.body)) == []
        return answer

    async def ask(self, operation_id: str, *parameters: str, body: object = None, query: str = "") -> Any:
        """Return the body of the answer to an operation."""
        return json.loads((await self.raw(operation_id, *parameters, body=body, query=query)).body)

    async def refused(
        self, code: ErrorCode, operation_id: str, *parameters: str, body: object = None, query: str = ""
    ) -> ThemisServerError:
        """Carry out an operation that must end with `code`."""
        with pytest.raises(ThemisServerError) as raised:
            await self.raw(operation_id, *parameters, body=body, query=query)
        assert raised.value.code == code, repr(raised.value)
        assert code in operations()[operation_id].codes, f"{operation_id} does not declare {code}"
        return raised.value


@pytest.fixture
async def served() -> Served:
    return Served()


def lose(served: Served, name: str) -> None:
    served.cluster.broken[name] = PeerUnreachable("connection refused")
    served.cluster.reports.pop(name)


# The whole


async def test_the_status_of_a_cluster_that_is_well(served: Served) -> None:
    status = await served.ask("adminStatus")

    assert status["nodes"] == {"total": 4, "healthy": 4, "degraded": 0, "down": 0}
    assert status["findings"] == []
    assert "unreachable" not in status
    assert "why" not in status["metadata"]


async def test_the_status_names_who_is_lost(served: Served) -> None:
    lose(served, "node-3")

    status = await served.ask("adminStatus")

    assert status["unreachable"] == [{"node_id": "node-3", "since": "2025-01-01T00:00:00Z"}]


# Nodes


async def test_nodes_are_listed_with_what_is_known_of_them(served: Served) -> None:
    lose(served, "node-2")

    listed = {node["node_id"]: node for node in (await served.ask("adminNodes"))["items"]}

    assert listed["node-1"]["disk"] == {"free_bytes": 1 << 30}
    assert listed["node-1"]["reachable"] is True
    assert "unreachable_since" not in listed["node-1"]
    assert (listed["node-2"]["health"], listed["node-2"]["reachable"]) == ("down", False)
    assert listed["node-2"]["unreachable_since"] == "2025-01-01T00:00:00Z"
    assert "disk" not in listed["node-2"], "no report, no answer: not zero"


async def test_a_node_tells_of_itself_unless_it_is_silent(served: Served) -> None:
    groups = (await served.ask("adminNode", "node-2"))["details"]["groups"]
    assert [(group["shard_id"], group["state"]) for group in groups] == [
        ("metadata", "follower"), ("shard_001", "follower"), ("shard_002", "leader"),
    ]  # fmt: skip

    lose(served, "node-2")
    assert "details" not in await served.ask("adminNode", "node-2")


async def test_draining_and_removing(served: Served) -> None:
    assert await served.ask("adminDrainNode", "node-3") == {"node_id": "node-3", "state": "leaving", "epoch": 43}
    assert (await served.ask("adminUndrainNode", "node-3"))["state"] == "up"
    await served.refused(ErrorCode.NODE_IN_USE, "adminRemoveNode", "node-3")
    assert await served.ask("adminRemoveNode", "node-3", query="force=true") == {"removed": "node-3", "epoch": 45}


# Shards


async def test_shards_are_listed_with_those_who_are_silent(served: Served) -> None:
    served.cluster.broken["node-3"] = PeerUnreachable("connection refused")

    answer = await served.ask("adminShards")

    assert [shard["shard_id"] for shard in answer["items"]] == ["shard_001", "shard_002"]
    assert [node["node_id"] for node in answer["unreachable"]] == ["node-3"]


async def test_what_only_the_leader_knows_is_left_out_without_it(served: Served) -> None:
    lose(served, "node-2")

    shard = await served.ask("adminShard", "shard_002")

    assert shard.keys().isdisjoint({"commit", "settled"})
    assert all("match" not in replica for replica in shard["replicas"])


async def test_a_leader_is_moved(served: Served) -> None:
    moved = await served.ask("adminTransferLeader", "shard_001", body={"target": "node-2"})
    assert moved == {"shard_id": "shard_001", "leader": "node-2", "leader_term": 6}

    assert (await served.ask("adminTransferLeader", "shard_001", body={}))["leader"] != "node-2"


async def test_replicas_are_set_and_replaced(served: Served) -> None:
    assert await served.ask("adminSetReplicas", body={"replicas": 1}) == {"replicas": 1, "epoch": 43}
    await served.refused(
        ErrorCode.PLACEMENT_REFUSED, "adminReplaceReplica", "shard_001", body={"source": "node-1", "target": "node-2"}
    )


# Join tokens


async def test_a_token_is_told_once(served: Served) -> None:
    made = await served.raw("adminCreateJoinToken", body={"ttl_s": 60, "description": "rack 4"})
    token = json.loads(made.body)

    assert "Cache-Control: no-store\r\n" in made.head
    (listed,) = (await served.ask("adminJoinTokens"))["items"]
    assert token.pop("token").startswith("themis-join-")
    assert listed == token
    assert await served.ask("adminRevokeJoinToken", token["token_id"]) == {"revoked": token["token_id"]}
    await served.refused(ErrorCode.JOIN_TOKEN_NOT_FOUND, "adminRevokeJoinToken", token["token_id"])


# Bad input


@pytest.mark.parametrize(
    ("operation", "parameters", "body", "code"),
    [
        ("adminNode", ["node-7"], None, ErrorCode.NODE_NOT_FOUND),
        ("adminNode", ["..%2Fnodes"], None, ErrorCode.INVALID_PARAMETER),
        ("adminNode", ["a" * 64], None, ErrorCode.INVALID_PARAMETER),
        ("adminNode", ["%00"], None, ErrorCode.INVALID_PARAMETER),
        ("adminDrainNode", ["node-7"], None, ErrorCode.NODE_NOT_FOUND),
        ("adminRemoveNode", ["node-7"], None, ErrorCode.NODE_NOT_FOUND),
        ("adminShard", ["shard_099"], None, ErrorCode.SHARD_NOT_FOUND),
        ("adminShard", ["shard 1"], None, ErrorCode.INVALID_PARAMETER),
        ("adminTransferLeader", ["shard_001"], b"", ErrorCode.INVALID_JSON),
        ("adminTransferLeader", ["shard_001"], [], ErrorCode.INVALID_BODY),
        ("adminTransferLeader", ["shard_001"], {"target": 1}, ErrorCode.INVALID_BODY),
        ("adminTransferLeader", ["shard_001"], {"target": ""}, ErrorCode.INVALID_BODY),
        ("adminTransferLeader", ["shard_001"], {"to": "node-2"}, ErrorCode.INVALID_BODY),
        ("adminTransferLeader", ["shard_001"], {"target": "node-7"}, ErrorCode.NODE_NOT_FOUND),
        ("adminTransferLeader", ["shard_001"], {"target": "reader-1"}, ErrorCode.TRANSFER_REFUSED),
        ("adminReplaceReplica", ["shard_001"], {}, ErrorCode.INVALID_BODY),
        ("adminReplaceReplica", ["shard_001"], {"source": "node-1", "target": None}, ErrorCode.INVALID_BODY),
        ("adminReplaceReplica", ["shard_001"], {"source": "node-1", "target": "node-7"}, ErrorCode.NODE_NOT_FOUND),
        ("adminReplaceReplica", ["shard_099"], {"source": "node-1"}, ErrorCode.SHARD_NOT_FOUND),
        ("adminSetReplicas", [], {"replicas": 0}, ErrorCode.INVALID_BODY),
        ("adminSetReplicas", [], {"replicas": 10}, ErrorCode.INVALID_BODY),
        ("adminSetReplicas", [], {"replicas": 3.5}, ErrorCode.INVALID_BODY),
        ("adminSetReplicas", [], {"replicas": "3"}, ErrorCode.INVALID_BODY),
        ("adminCreateJoinToken", [], {"ttl_s": 59}, ErrorCode.INVALID_BODY),
        ("adminCreateJoinToken", [], {"description": "x" * 201}, ErrorCode.INVALID_BODY),
        ("adminRevokeJoinToken", ["nothing"], None, ErrorCode.JOIN_TOKEN_NOT_FOUND),
    ],
)  # fmt: skip
async def test_bad_input_has_a_code(
    served: Served, operation: str, parameters: list[str], body: object, code: ErrorCode
) -> None:
    await served.refused(code, operation, *parameters, body=body)


@pytest.mark.parametrize("query", ["force=yes", "force=true&force=true", "forse=true"])
async def test_a_query_that_is_wrong_removes_nothing(served: Served, query: str) -> None:
    await served.refused(ErrorCode.INVALID_PARAMETER, "adminRemoveNode", "node-3", query=query)

    assert served.cluster.view.epoch == 42


async def test_changes_say_that_the_metadata_is_away(served: Served) -> None:
    served.cluster.refuse_changes = metadata_unavailable()

    for operation in ("adminDrainNode", "adminUndrainNode", "adminRemoveNode"):
        await served.refused(ErrorCode.METADATA_UNAVAILABLE, operation, "node-2")
    await served.refused(ErrorCode.METADATA_UNAVAILABLE, "adminSetReplicas", body={"replicas": 1})


# The topology for everybody


async def test_the_topology_has_health_kind_and_leaders_with_their_terms(served: Served) -> None:
    lose(served, "node-3")

    topology = await served.ask("getTopology")

    nodes = {node["node_id"]: (node["health"], node["kind"]) for node in topology["nodes"]}
    assert nodes == {
        "node-1": ("healthy", "data"), "node-2": ("healthy", "data"), "node-3": ("down", "data"),
        "reader-1": ("healthy", "read_replica"),
    }  # fmt: skip
    assert [(shard["leader"], shard["leader_term"]) for shard in topology["shards"]] == [("node-1", 5), ("node-2", 5)]


async def test_a_shard_without_a_leader_has_no_term(served: Served) -> None:
    del served.cluster.leaders[1]

    shard = (await served.ask("getTopology"))["shards"][0]

    assert shard["leader"] is None
    assert "leader_term" not in shard


@pytest.mark.parametrize(
    "change",
    [
        lambda served: served.cluster.lead(1, "node-2"),
        lambda served: served.cluster.lead(1, "node-1"),
        lambda served: served.cluster.reports.pop("node-3"),
        lambda served: served.cluster.leaders.pop(2),
    ],
    ids=["another leader", "the same leader in a later term", "a node that is down", "no leader"],
)
async def test_the_tag_moves_with_leaders_and_health(served: Served, change: Callable[[Served], object]) -> None:
    first = await served.raw("getTopology")
    tag = first.head.partition("ETag: ")[2].partition("\r\n")[0]
    assert (await served.raw("getTopology", **{"If-None-Match": tag})).status == 304

    change(served)

    again = await served.raw("getTopology", **{"If-None-Match": tag})
    assert (again.status, served.cluster.view.epoch) == (200, 42), "and the epoch does not"
