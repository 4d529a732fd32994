"""Every operation of the specification against a real process: each success, and each error it declares."""

from __future__ import annotations

import itertools
import json
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from server.tests.conformance import SpecClient, SpecOperation, check_problem, check_reply, operations
from server.tests.integration.cases import BODIES, CASES, Case, Stage, name, urn
from server.tests.process import Fleet, Node, wait_for
from server.tests.rawhttp import RawConnection, Reply, exchange, request

# What every operation answers to a request that is wrong in a way that has nothing to do with the operation.
GENERIC = {
    "bad_request",
    "invalid_parameter",
    "invalid_header",
    "route_not_found",
    "method_not_allowed",
    "request_timeout",
    "uri_too_long",
    "headers_too_large",
    "too_many_connections",
}

# What no request can provoke here, and why.
NOT_PROVOKED = {
    "internal": "there is no request that is known to make the server fail, and there is to be none",
    "not_ready": "a node listens only when it is ready; the code is for a node that lags behind after a start",
    "shutting_down": "connections are closed when a node begins to stop; test_life.py shows what is answered then",
    "no_leader": "a node that is alone leads all its shards",
    "wrong_shard": "a node that is alone owns all shards",
    "node_unreachable": "a node that is alone needs no other",
    "stale_epoch": "only other nodes can know of a newer topology",
    "lag_exceeded": "a leader is never behind",
    "session_not_reached": "needs a session of another history of the data; see the tests of sessions",
    "metadata_unavailable": "the metadata of a node that is alone is in it",
    "metadata_outdated": "needs a metadata store that was restored from a backup",
    "topology_conflict": "needs more changes at once than the server is willing to repeat",
    "outcome_unknown": "needs a disk that stands still; crash/test_faults.py has a full one",
    "metadata_conflict": "needs two changes at once; see test_two_changes_of_the_catalogue_at_once",
}

NEEDS_OTHER_NODES = {
    "adminRemoveNode", "adminDrainNode", "adminUndrainNode", "adminReplaceReplica", "adminRevokeJoinToken",
}  # fmt: skip
"""Changes of a cluster that a node which is alone refuses, or has nothing to do for (a token can be revoked once)."""

# Batches answer these by item, with status 200; the specification keeps them for batches refused as a whole.
BY_ITEM = {"disk_full", "too_many_requests", "json_too_deep"}
DUPLICATES = "duplicate_key"
ELSEWHERE = {
    "putEntity": {"invalid_body", "document_too_large", "namespace_not_found"},
    "patchEntity": {"invalid_body", "document_too_large"},
    "createCollection": {"namespace_not_found"},
}
"""See the tests of their own; no document is an invalid body, and what a put may not have, no body may."""


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    with Fleet(tmp_path_factory.mktemp("operations")) as fleet:
        yield fleet.start(settings={"limits.header_timeout_s": 1, "limits.connections_per_address_max": 60})
        fleet.check_logs()


@pytest.fixture(scope="module")
def stage(node: Node) -> Stage:
    return Stage(SpecClient(node.port))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_cases(stage: Stage, case: Case) -> None:
    made = case.make(stage)
    stage.client.call(
        case.operation_id,
        made.body,
        query=made.query,
        headers=made.headers,
        expect=case.expect,
        at=made.parameters,
    )


def _parameters(operation: SpecOperation) -> dict[str, str]:
    values = {"urn": urn(), "namespace": "spec", "collection": "docs"}
    values |= {"node_id": "nobody", "shard_id": "shard_999", "token_id": "nothing"}
    return {key: value for key, value in values.items() if "{" + key + "}" in operation.path}


def _send(node: Node, operation: SpecOperation, target: str, code: str, **options: Any) -> None:
    method = options.pop("method", operation.method)
    reply = exchange(node.port, request(method, target, **options), head=method == "HEAD")
    if method == "HEAD":
        assert reply.status == operation.codes[code]
        return
    check_problem(reply, code)
    assert operation.codes[code] == reply.status
    if operation.method != "HEAD":
        check_reply(operation, reply)


ALL = pytest.mark.parametrize("operation", operations().values(), ids=lambda operation: operation.operation_id)


@ALL
def test_wrong_targets_parameters_and_headers(node: Node, stage: Stage, operation: SpecOperation) -> None:
    target = operation.target(_parameters(operation))
    _send(node, operation, f"{target}?%zz", "bad_request")
    _send(node, operation, f"{target}?nonsense=1", "invalid_parameter")
    _send(node, operation, target, "invalid_header", headers={"Host": "evil.example"})
    _send(node, operation, target, "method_not_allowed", method="OPTIONS")
    _send(node, operation, f"{target}?{'x' * 9000}", "uri_too_long")
    _send(node, operation, target, "headers_too_large", headers={"X-Big": "x" * 9000})
    if "route_not_found" in operation.codes:
        _send(node, operation, f"{target}/x/y/z", "route_not_found")


def test_heads_that_do_not_end(node: Node) -> None:
    with ExitStack() as stack:
        waiting = []
        for operation in operations().values():
            connection = stack.enter_context(RawConnection(node.port))
            target = operation.target(_parameters(operation))
            connection.send(f"{operation.method} {target} HTTP/1.1\r\nHost: localhost\r\nX: ".encode())
            waiting.append((operation, connection))
        for operation, connection in waiting:
            reply = connection.reply()
            check_problem(reply, "request_timeout")
            assert operation.codes["request_timeout"] == reply.status


def test_too_many_connections(node: Node) -> None:
    with ExitStack() as stack:
        for _ in range(60):
            connection = stack.enter_context(RawConnection(node.port))
            connection.send(request("GET", "/health/live"))
            assert connection.reply().status == 200
        for operation in operations().values():
            with RawConnection(node.port) as one_more:
                reply = one_more.reply()
            check_problem(reply, "too_many_connections")
            assert operation.codes["too_many_connections"] == reply.status
    wait_for(lambda: _live(node), "connections to be taken again")


def _live(node: Node) -> bool:
    try:
        return exchange(node.port, request("GET", "/health/live")).status == 200
    except Exception:
        return False


def _writes(stage: Stage) -> dict[str, Callable[[SpecClient], Reply]]:
    """Return a valid write for each operation that changes something."""
    stage.client.call("createNamespace", {"name": "dropped"}, expect=201)
    stage.client.call("createCollection", {"name": "dropped", "model": "graph"}, namespace="spec", expect=201)
    namespace = collection = "dropped"
    numbers = itertools.cycle((5, 7))  # the number that is set already would change nothing
    return {
        "putEntity": lambda client: client.call("putEntity", {}, urn=stage.entity),
        "patchEntity": lambda client: client.call("patchEntity", {}, urn=stage.entity),
        "deleteEntity": lambda client: client.call("deleteEntity", urn=stage.entity),
        "createNamespace": lambda client: client.call("createNamespace", {"name": name()}),
        "alterNamespace": lambda client: client.call("alterNamespace", {"options": {}}, namespace="spec"),
        "dropNamespace": lambda client: client.call("dropNamespace", namespace=namespace),
        "createCollection": lambda client: client.call(
            "createCollection", {"name": name(), "model": "graph"}, namespace="spec"
        ),
        "alterCollection": lambda client: client.call(
            "alterCollection", {"options": {}}, namespace="spec", collection=collection
        ),
        "dropCollection": lambda client: client.call("dropCollection", namespace="spec", collection=collection),
        "batchPut": lambda client: client.call("batchPut", {"items": [{"urn": stage.entity, "doc": {}}]}),
        "batchDelete": lambda client: client.call("batchDelete", {"urns": [stage.entity]}),
        "adminSetReplicas": lambda client: client.call("adminSetReplicas", {"replicas": next(numbers)}),
        "adminCreateJoinToken": lambda client: client.call("adminCreateJoinToken", {"ttl_s": 60}),
    }


def _code(reply: Reply) -> str:
    """Return the code of a failed write, also where it is that of its only item."""
    if reply.status == 200 and "items" in reply.json():
        (item,) = reply.json()["items"]
        return str(item.get("error", {}).get("code", ""))
    return reply.code


def test_every_write_is_refused_when_the_disk_is_full(fleet: Fleet) -> None:
    node = fleet.start()
    stage = Stage(SpecClient(node.port))
    writes = _writes(stage)
    assert node.stop() == 0
    node.settings["storage.disk_reserve_bytes"] = 1 << 40
    node.start()
    codes = {operation: _code(write(SpecClient(node.port))) for operation, write in writes.items()}
    assert set(codes.values()) == {"disk_full"}, codes
    declared = {operation for operation, spec in operations().items() if "disk_full" in spec.codes}
    assert declared - NEEDS_OTHER_NODES == set(codes)
    stage.client.port = node.port
    stage.client.call("getEntity", urn=stage.entity, expect=200)


def test_every_write_is_refused_when_the_queue_is_full(fleet: Fleet) -> None:
    node = fleet.start()
    stage = Stage(SpecClient(node.port))
    writes = _writes(stage)
    assert node.stop() == 0
    node.settings["limits.proposals_max"] = 1  # what the node itself has to write may take that place at any time
    node.start()
    client = stage.client
    client.port = node.port
    undo = {
        "dropNamespace": lambda: client.call("createNamespace", {"name": "dropped"}).status == 201,
        "dropCollection": lambda: (
            client.call("createCollection", {"name": "dropped", "model": "graph"}, namespace="spec").status == 201
        ),
        "deleteEntity": lambda: client.call("putEntity", {}, urn=stage.entity).status == 201,
    }
    for operation, write in writes.items():
        for _ in range(5):  # on a machine that is slow, the threads may have sent too little
            replies = _at_once(node, write)
            done = any(reply.status in (200, 201) and not _code(reply) for reply in replies)
            if operation in undo and done:
                wait_for(undo[operation], "what was removed to be there again")
            if any(_code(reply) == "too_many_requests" for reply in replies):
                break
        else:
            pytest.fail(f"{operation}: nothing was refused: {[(reply.status, _code(reply)) for reply in replies]}")
        # "Nothing was written" must be true: what was to be dropped is there, unless one of them was done, and undone.
        client.call("getNamespace", namespace="dropped", expect=200)
        client.call("getCollection", namespace="spec", collection="dropped", expect=200)


def _at_once(node: Node, write: Callable[[SpecClient], Reply], count: int = 6) -> list[Reply]:
    """Make a node find a write several times in one turn of its loop: it stands still while they are sent to it."""
    replies: list[Reply] = []
    threads = [threading.Thread(target=lambda: replies.append(write(SpecClient(node.port)))) for _ in range(count)]
    node.pause()
    try:
        for thread in threads:
            thread.start()
        time.sleep(0.2)  # seconds in which all of them are sent, most of the time
    finally:
        node.signal(signal.SIGCONT)
    for thread in threads:
        thread.join(30)
    assert len(replies) == count
    return replies


def test_duplicate_members_in_strict_mode(fleet: Fleet) -> None:
    node = fleet.start(settings={"limits.strict_json": True})
    stage = Stage(SpecClient(node.port))
    declared = {operation for operation, spec in operations().items() if DUPLICATES in spec.codes}
    assert declared == set(BODIES)
    for operation, (body, at) in BODIES.items():
        raw = json.dumps(body).encode()
        twice = b'{"a":1,"a":2}' if "urn" in at else raw[:-1] + b"," + raw[1:]
        reply = stage.client.call(operation, twice, at=at)
        assert reply.code == "duplicate_key", (operation, reply)


def test_namespaces_do_not_come_into_being_where_that_is_switched_off(fleet: Fleet) -> None:
    node = fleet.start(settings={"catalog.auto_create_namespaces": False})
    client = SpecClient(node.port)
    client.call("putEntity", {}, urn=urn(), expect="namespace_not_found")
    client.call("createCollection", {"name": "x", "model": "graph"}, namespace="spec", expect="namespace_not_found")
    client.call("createNamespace", {"name": "spec"}, expect=201)
    client.call("putEntity", {}, urn=urn(), expect=201)


def test_bodies_that_nest_too_deeply(stage: Stage) -> None:
    declared = {operation for operation, spec in operations().items() if "json_too_deep" in spec.codes}
    assert declared == set(BODIES)
    for operation, (_, at) in BODIES.items():
        reply = stage.client.call(operation, b'{"a":' * 5000 + b"1" + b"}" * 5000, at=at)
        assert reply.code in ("json_too_deep", "invalid_body"), (operation, reply)  # or what is wrong further out


def test_changes_of_the_catalogue_at_once(stage: Stage, node: Node) -> None:
    """Those that contradict each other are decided by the first; the others all happen, though they share a counter."""
    namespace = stage.new_namespace()
    contested: set[str] = set()
    peaceful: set[str] = set()
    barrier = threading.Barrier(4)

    def change(number: int) -> None:
        client = SpecClient(node.port)
        for round_number in range(25):
            barrier.wait(20)
            collection = {"name": f"c{round_number}_{number}", "model": "graph"}
            contested.add(client.call("createNamespace", {"name": f"r{round_number}"}).code)
            peaceful.add(client.call("createCollection", collection, namespace=namespace).code)
            contested.add(client.call("dropNamespace", namespace=f"r{round_number}").code)

    threads = [threading.Thread(target=change, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert contested == {"", "namespace_exists", "namespace_not_found"}
    assert peaceful == {""}


NEEDS_A_CLUSTER: dict[str, set[int]] = {
    operation: {200} for operation in ("adminDrainNode", "adminRemoveNode", "adminReplaceReplica")
}
"""What a node that is alone cannot succeed in; server/tests/cluster does."""


def test_the_table_is_complete() -> None:
    """Every operation, every success and every error code that it declares is in the table, or in the lists above."""
    provoked: dict[str, set[str]] = {operation: set() for operation in operations()}
    succeeded: dict[str, set[int]] = {operation: set() for operation in operations()}
    for case in CASES:
        if isinstance(case.expect, int):
            succeeded[case.operation_id].add(case.expect)
        else:
            provoked[case.operation_id].add(case.expect)
    for operation, spec in operations().items():
        wanted = spec.successes - NEEDS_A_CLUSTER.get(operation, set())
        assert succeeded[operation] >= wanted, f"{operation}: {spec.successes - succeeded[operation]}"
        elsewhere = GENERIC | set(NOT_PROVOKED) | BY_ITEM | {DUPLICATES}
        missing = set(spec.codes) - provoked[operation] - elsewhere
        missing -= ELSEWHERE.get(operation, set())
        assert not missing, f"{operation} declares what no case provokes: {missing}"


def test_a_patch_that_lets_a_document_grow_too_large(stage: Stage) -> None:
    entity = stage.new_entity()
    stage.client.call("patchEntity", {"a": "x" * 700_000}, urn=entity, expect=200)
    stage.client.call("patchEntity", {"b": "x" * 700_000}, urn=entity, expect="document_too_large")
    assert list(stage.client.call("getEntity", urn=entity, expect=200).json()) == ["fresh", "a"]


def test_merge_patch_is_that_of_rfc_7396(stage: Stage) -> None:
    entity = stage.new_entity()
    for document, patch, result in (
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ):
        stage.client.call("putEntity", document, urn=entity, expect=200)
        media_type = {"Content-Type": "application/merge-patch+json"}
        stage.client.call("patchEntity", patch, urn=entity, headers=media_type, expect=200)
        assert stage.client.call("getEntity", urn=entity).json() == result


def test_batch_items_fail_by_themselves_in_the_order_asked(stage: Stage) -> None:
    entity, other = stage.new_entity(), stage.new_entity()
    version = int((stage.client.call("getEntity", urn=entity).header("etag") or "").strip('"'))
    items: list[dict[str, Any]] = [
        {"urn": entity, "doc": {"n": 1}, "if_match": version},
        {"urn": entity, "doc": {"n": 2}, "if_match": version},
        {"urn": "nonsense", "doc": {}},
        {"urn": other, "doc": {"_rev": 1}},
        {"urn": other, "doc": {"n": 3}, "if_match": 0},
        {"urn": urn(), "doc": {"n": 4}, "if_match": 0},
        {"urn": "urn:themis:graph:spec:docs:00000000-0000-4000-8000-000000000001", "doc": {}},
        {"urn": urn(namespace="closed", collection="nowhere"), "doc": {}},
        {"urn": other.upper().replace("URN:THEMIS:DOCUMENT:SPEC:DOCS", "urn:themis:document:spec:docs"), "doc": {}},
        {"urn": other, "doc": {"n": 1 << 70}},
        {"urn": other, "doc": []},
    ]
    answered = stage.client.call("batchPut", {"items": items}, expect=200).json()["items"]
    codes = [item.get("error", {}).get("code") for item in answered]
    assert codes == [
        None,
        "precondition_failed",
        "invalid_urn",
        "reserved_attribute",
        "precondition_failed",
        None,
        "collection_model_mismatch",
        "collection_not_found",
        None,
        "integer_out_of_range",
        "document_not_object",
    ]
    assert answered[1]["error"]["version"] == answered[0]["version"]
    read = stage.client.call("batchGet", {"urns": [item["urn"] for item in items]}, expect=200).json()["items"]
    assert read[0]["doc"] == {"n": 1}
    assert read[0]["version"] == answered[0]["version"]
    assert read[2]["error"]["code"] == "invalid_urn"


def test_listings_page_through_everything_once(stage: Stage) -> None:
    collection = stage.new_collection()
    made = sorted(urn(collection=collection) for _ in range(53))
    stage.client.call("batchPut", {"items": [{"urn": it, "doc": {"u": it}} for it in made]}, expect=200)
    for limit in (1, 7, 53, 54, 1000):
        found: list[str] = []
        query = f"limit={limit}"
        while True:
            page = stage.client.call("listEntities", namespace="spec", collection=collection, query=query).json()
            assert len(page["items"]) <= limit
            found += [item["urn"] for item in page["items"]]
            assert all(item["doc"] == {"u": item["urn"]} for item in page["items"])
            if "cursor" not in page:
                break
            query = f"limit={limit}&cursor={page['cursor']}"
        assert found == made
    count = stage.client.call("countCollection", namespace="spec", collection=collection).json()
    assert count["count"] == sum(shard["count"] for shard in count["shards"]) == 53
    stage.client.call("dropCollection", namespace="spec", collection=collection, expect=200)
    stage.client.call("createCollection", {"name": collection, "model": "document"}, namespace="spec", expect=201)
    assert stage.client.call("countCollection", namespace="spec", collection=collection).json()["count"] == 0
    stage.client.call("getEntity", urn=made[0], expect="entity_not_found")


def test_the_openapi_document_is_the_bundled_one(stage: Stage) -> None:
    served = stage.client.call("getOpenapi", expect=200).json()
    assert set(served["paths"]) == {operation.path for operation in operations().values()}
