"""Batches: order, groups, limits, partial failure; both clients against the scripted server."""

from __future__ import annotations

import json
from uuid import uuid4

import pytest

from clients.python.tests.conftest import Connect
from clients.python.tests.scripted_server import Fault, ScriptedServer, item_error
from themis import (
    BatchError,
    ConfigurationError,
    EncodingError,
    InvalidUrn,
    PreconditionFailed,
    RetryPolicy,
    TransportError,
    Unavailable,
    Urn,
)

QUICK = RetryPolicy(backoff_base_s=0.001, backoff_max_s=0.002)


def new_uuids(count: int) -> list[str]:
    return [str(uuid4()) for _ in range(count)]


def urn(uuid: str) -> str:
    return str(Urn("document", "default", "users", uuid))


def test_items_are_grouped_by_leader_and_answered_in_the_order_asked(cluster: ScriptedServer, connect: Connect) -> None:
    client, uuids = connect(cluster.urls), new_uuids(60)
    put = client.batch_put("document", "users", {uuid: {"i": i} for i, uuid in enumerate(uuids)})
    assert [result.urn.uuid for result in put.ok] == uuids
    assert put
    requests = cluster.entity_requests()
    assert sorted(seen.node for seen in requests) == [0, 1, 2]
    assert len({seen.headers["idempotency-key"] for seen in requests}) == 3
    got = client.batch_get("document", "users", uuids)
    assert list(got) == [{"i": i} for i in range(60)]
    assert (got[7], got[:2], len(got)) == ({"i": 7}, [{"i": 0}, {"i": 1}], 60)
    assert got.entities()[uuids[3]].version == put.ok[3].version


def test_an_item_that_fails_is_reported_and_the_others_are_done(server: ScriptedServer, connect: Connect) -> None:
    client, uuids = connect(server.urls), new_uuids(4)
    client.put("document", "users", uuids[0], {})
    items = [(uuids[0], {}, 0), (uuids[1], {}), ("no-uuid", {}), (uuids[2], {"a": float("nan")}), (uuids[3], {}, 0)]
    result = client.batch_put("document", "users", items)
    assert [ok.urn.uuid for ok in result.ok] == [uuids[1], uuids[3]]
    assert [(failure.index, type(failure.error)) for failure in result.failed] == [
        (0, PreconditionFailed),
        (2, InvalidUrn),
        (3, EncodingError),
    ]
    assert not result
    assert result.failed[0].error.version == 1001
    assert result.failed[0].error.request_id == server.entity_requests()[-1].headers["x-request-id"]
    with pytest.raises(BatchError, match="3 of 5 items failed"):
        result.raise_for_errors()


def test_missing_is_neither_found_nor_failed(server: ScriptedServer, connect: Connect) -> None:
    client, uuids = connect(server.urls), new_uuids(2)
    client.put("document", "users", uuids[0], {"a": 1})
    got = client.batch_get_by_urn([urn(uuid) for uuid in uuids])
    assert (list(got), [str(missing) for missing in got.missing]) == ([{"a": 1}, None], [urn(uuids[1])])
    gone = client.batch_delete("document", "users", uuids)
    assert (len(gone.ok), len(gone.missing), gone.failed) == (1, 1, [])


def test_a_failed_read_is_never_taken_for_missing(server: ScriptedServer, connect: Connect) -> None:
    client, (uuid,) = connect(server.urls), new_uuids(1)
    server.item_errors[urn(uuid)] = [item_error(409, "collection_model_mismatch")]
    got = client.batch_get("document", "users", [uuid])
    with pytest.raises(BatchError):
        list(got)
    with pytest.raises(Exception, match="collection_model_mismatch"):
        got[0]


def test_items_that_may_are_sent_again(server: ScriptedServer, connect: Connect) -> None:
    client, uuids = connect(server.urls, retry=QUICK), new_uuids(3)
    server.item_errors[urn(uuids[1])] = [item_error(503, "no_leader", retryable=True)] * 2
    result = client.batch_put("document", "users", {uuid: {} for uuid in uuids})
    result.raise_for_errors()
    assert [len(json.loads(seen.body)["items"]) for seen in server.entity_requests()] == [3, 1, 1]


def test_an_item_with_an_unknown_outcome_is_not_sent_again(server: ScriptedServer, connect: Connect) -> None:
    client, uuids = connect(server.urls, retry=QUICK), new_uuids(2)
    server.item_errors[urn(uuids[0])] = [item_error(504, "outcome_unknown", retryable=True)]
    result = client.batch_put("document", "users", {uuid: {} for uuid in uuids})
    assert result.failed[0].error.outcome_unknown
    assert len(server.entity_requests()) == 1


def test_a_urn_that_occurs_twice_keeps_its_order(server: ScriptedServer, connect: Connect) -> None:
    client, (uuid,) = connect(server.urls, retry=QUICK), new_uuids(1)
    server.item_errors[urn(uuid)] = [item_error(503, "no_leader", retryable=True)]
    result = client.batch_put("document", "users", [(uuid, {"n": 1}), (uuid, {"n": 2})])
    assert [failure.index for failure in result.failed] == [0]
    assert client.get("document", "users", uuid) == {"n": 2}


def test_a_full_answer_is_continued_without_counting_as_a_retry(server: ScriptedServer, connect: Connect) -> None:
    client, uuids = connect(server.urls, max_retries=0), new_uuids(25)
    client.batch_put("document", "users", {uuid: {} for uuid in uuids}).raise_for_errors()
    server.answer_items_max = 10
    assert list(client.batch_get("document", "users", uuids)) == [{}] * 25


def test_a_server_with_lower_limits_gets_smaller_batches(server: ScriptedServer, connect: Connect) -> None:
    server.batch_items_max = 10
    client, uuids = connect(server.urls), new_uuids(25)
    result = client.batch_put("document", "users", {uuid: {} for uuid in uuids})
    result.raise_for_errors()
    assert [ok.urn.uuid for ok in result.ok] == uuids


def test_batches_are_cut_by_bytes(server: ScriptedServer, connect: Connect) -> None:
    client, uuids = connect(server.urls), new_uuids(20)
    client.batch_put("document", "users", {uuid: {"t": "x" * 1_000_000} for uuid in uuids}).raise_for_errors()
    requests = server.entity_requests()
    assert [len(json.loads(seen.body)["items"]) for seen in requests] in ([8, 8, 4], [4, 8, 8], [8, 4, 8])
    assert all(len(seen.body) <= 8 * 1024 * 1024 for seen in requests)


def test_a_batch_that_nobody_answers_raises(server: ScriptedServer, connect: Connect) -> None:
    client = connect(server.urls, retry=QUICK)
    server.faults = [Fault("status", path="/batch", times=99)]
    with pytest.raises(Unavailable):
        client.batch_put("document", "users", {uuid: {} for uuid in new_uuids(3)})
    server.stop_node(0)
    with pytest.raises(TransportError):
        client.batch_get("document", "users", new_uuids(3))


def test_one_group_that_fails_does_not_hide_the_others(cluster: ScriptedServer, connect: Connect) -> None:
    client, uuids = connect(cluster.urls, max_retries=0), new_uuids(60)
    cluster.faults = [Fault("close_after_commit", path="/batch", node=1, times=99)]
    result = client.batch_put("document", "users", {uuid: {} for uuid in uuids})
    assert result.ok
    assert result.failed
    assert len(result.ok) + len(result.failed) == 60
    assert all(failure.error.outcome_unknown for failure in result.failed)


def test_one_request_carries_the_callers_own_key(server: ScriptedServer, connect: Connect) -> None:
    client, uuids = connect(server.urls), new_uuids(3)
    first = client.batch_put("document", "users", {uuid: {} for uuid in uuids}, idempotency_key="mine")
    again = client.batch_put("document", "users", {uuid: {} for uuid in uuids}, idempotency_key="mine")
    assert [ok.version for ok in first.ok] == [ok.version for ok in again.ok]
    assert {seen.headers["idempotency-key"] for seen in server.entity_requests()} == {"mine"}


def test_nothing_to_do_is_done_without_a_request(server: ScriptedServer, connect: Connect) -> None:
    client = connect(server.urls)
    assert list(client.batch_get("document", "users", [])) == []
    assert client.batch_put("document", "users", {}).ok == []
    assert server.log == []


def test_a_single_name_is_not_a_list_of_letters(server: ScriptedServer, connect: Connect) -> None:
    client = connect(server.urls)
    with pytest.raises(ConfigurationError):
        client.batch_get("document", "users", "550e8400-e29b-41d4-a716-446655440000")
    with pytest.raises(InvalidUrn):
        client.batch_get("document", "no:collection", new_uuids(1))


def test_a_failure_names_the_urn_where_there_is_one(server: ScriptedServer, connect: Connect) -> None:
    client, uuids = connect(server.urls), new_uuids(2)
    client.put("document", "users", uuids[0], {})
    put = client.batch_put("document", "users", [(uuids[0], {}, 0), (uuids[1], {"a": float("nan")}), ("x", {})])
    assert [failure.urn for failure in put.failed] == [urn(uuids[0]), urn(uuids[1]), "x"]
