"""Both clients against a server that fails on command."""

from __future__ import annotations

import asyncio
import builtins
import gc
import threading
import time
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from clients.python.tests.conftest import Connect
from clients.python.tests.scripted_server import Fault, ScriptedServer
from themis import (
    NOT_MODIFIED,
    ApiError,
    AsyncThemisClient,
    ClientClosed,
    IdempotencyKeyReused,
    OutcomeUnknown,
    PreconditionFailed,
    RetryBudget,
    RetryPolicy,
    TimeoutError,
    TransportError,
    Unauthorized,
    Unavailable,
)
from themis.placement import key_hash

QUICK = RetryPolicy(backoff_base_s=0.001, backoff_max_s=0.002)


def new_uuid() -> str:
    return str(uuid4())


def wait_until(condition: Callable[[], bool], limit_s: float = 5.0) -> None:
    deadline = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        threading.Event().wait(0.005)


def test_an_entity_lives_its_life(server: ScriptedServer, connect: Connect) -> None:
    client, uuid = connect(server.urls), new_uuid()
    assert client.get("document", "users", uuid) is None
    assert client.exists("document", "users", uuid) is False
    written = client.put("document", "users", uuid, {"name": "Alice", "age": 30})
    assert written
    assert written.created is True
    entity = client.get_entity("document", "users", uuid)
    assert (entity.doc, entity.version, entity.role, entity.lag_ms) == (
        {"name": "Alice", "age": 30},
        written.version,
        "leader",
        0,
    )
    assert client.get_entity("document", "users", uuid, if_none_match=entity.version) is NOT_MODIFIED
    assert client.patch("document", "users", uuid, {"age": None}).version > written.version
    assert client.get("document", "users", uuid) == {"name": "Alice"}
    assert client.put("document", "users", uuid, {}).created is False
    assert client.exists("document", "users", uuid) is True
    assert client.delete("document", "users", uuid)
    assert not client.delete("document", "users", uuid)


def test_urns_are_percent_encoded_in_paths(server: ScriptedServer, connect: Connect) -> None:
    connect(server.urls).put_by_urn("urn:themis:graph:ns-1:a.b:550E8400-E29B-41D4-A716-446655440000", {})
    assert server.entity_requests()[0].target == (
        "/entity/urn%3Athemis%3Agraph%3Ans-1%3Aa.b%3A550e8400-e29b-41d4-a716-446655440000"
    )


def test_a_failed_precondition_says_the_current_version(server: ScriptedServer, connect: Connect) -> None:
    client, uuid = connect(server.urls), new_uuid()
    version = client.put("document", "users", uuid, {}).version
    with pytest.raises(PreconditionFailed) as caught:
        client.put("document", "users", uuid, {}, if_match=version + 1)
    assert caught.value.version == version
    with pytest.raises(PreconditionFailed):
        client.put("document", "users", uuid, {}, if_none_match="*")
    assert client.put("document", "users", uuid, {}, if_match=[1, version])
    assert len(server.entity_requests()) == 4


@pytest.mark.parametrize("status", [429, 503])
def test_a_retryable_answer_is_retried_with_the_same_key_and_request_id(
    server: ScriptedServer, connect: Connect, status: int
) -> None:
    server.faults = [Fault("status", status=status, times=2)]
    assert connect(server.urls, retry=QUICK).put("document", "users", new_uuid(), {"a": 1})
    seen = server.entity_requests()
    assert len(seen) == 3
    assert len({request.headers["idempotency-key"] for request in seen}) == 1
    assert len({request.headers["x-request-id"] for request in seen}) == 1


def test_retries_end_at_the_limit_and_the_error_says_how_many(server: ScriptedServer, connect: Connect) -> None:
    server.faults = [Fault("status", times=99)]
    with pytest.raises(Unavailable) as caught:
        connect(server.urls, retry=QUICK).get("document", "users", new_uuid())
    error = caught.value
    assert (error.code, error.status, error.retryable, error.attempts) == ("no_leader", 503, True, 4)
    assert error.request_id == server.entity_requests()[0].headers["x-request-id"]


def test_retry_after_is_waited_for(server: ScriptedServer, connect: Connect) -> None:
    server.faults = [Fault("status", status=429, code="too_many_requests", headers={"Retry-After": "1"})]
    began = time.monotonic()
    assert connect(server.urls, retry=QUICK).put("document", "users", new_uuid(), {})
    assert time.monotonic() - began >= 1.0


def test_a_retry_after_beyond_the_deadline_fails_at_once(server: ScriptedServer, connect: Connect) -> None:
    server.faults = [Fault("status", status=429, code="too_many_requests", headers={"Retry-After": "60"})]
    began = time.monotonic()
    with pytest.raises(ApiError):
        connect(server.urls, timeout=5).get("document", "users", new_uuid())
    assert time.monotonic() - began < 1.0


def test_a_final_refusal_is_not_retried(server: ScriptedServer, connect: Connect) -> None:
    server.faults = [Fault("status", status=400, code="invalid_body", retryable=False, times=9)]
    with pytest.raises(ApiError) as caught:
        connect(server.urls).put("document", "users", new_uuid(), {})
    assert caught.value.attempts == 1
    assert not caught.value.outcome_unknown


@pytest.mark.parametrize("action", ["close_before", "close_after_commit", "truncate", "garbage"])
def test_a_broken_exchange_is_repeated_under_one_key_and_happens_once(
    server: ScriptedServer, connect: Connect, action: Any
) -> None:
    server.faults = [Fault(action, times=1)]
    result = connect(server.urls, retry=QUICK).put("document", "users", new_uuid(), {"a": 1})
    assert result.created is True
    assert result.replayed is (action in ("close_after_commit", "truncate"))
    assert len(server.entity_requests()) == 2


@pytest.mark.parametrize("action", ["close_before", "close_after_commit", "truncate"])
def test_a_write_without_a_key_is_never_repeated(server: ScriptedServer, connect: Connect, action: Any) -> None:
    server.faults = [Fault(action, times=1)]
    with pytest.raises(TransportError, match="outcome is unknown") as caught:
        connect(server.urls, retry=QUICK).put("document", "users", new_uuid(), {}, idempotency_key=False)
    assert caught.value.outcome_unknown
    assert caught.value.attempts == 1
    assert len(server.entity_requests()) == 1


def test_without_keys_by_option_a_refusal_before_execution_is_still_retried(
    server: ScriptedServer, connect: Connect
) -> None:
    server.faults = [Fault("status", status=503)]
    client = connect(server.urls, retry=QUICK, idempotency_keys=False)
    assert client.put("document", "users", new_uuid(), {})
    assert all("idempotency-key" not in request.headers for request in server.entity_requests())


def test_a_read_is_repeated_without_a_key(server: ScriptedServer, connect: Connect) -> None:
    server.faults = [Fault("truncate", method="GET", times=1)]
    client, uuid = connect(server.urls, retry=QUICK), new_uuid()
    client.put("document", "users", uuid, {"a": 1})
    assert client.get("document", "users", uuid) == {"a": 1}


@pytest.mark.parametrize("action", ["delay", "stall"])
def test_the_deadline_holds_and_a_write_says_that_its_outcome_is_unknown(
    server: ScriptedServer, connect: Connect, action: Any
) -> None:
    server.faults = [Fault(action, delay_s=30, times=9)]
    began = time.monotonic()
    with pytest.raises(TimeoutError) as caught:
        connect(server.urls).put("document", "users", new_uuid(), {}, timeout=0.3)
    assert 0.25 < time.monotonic() - began < 1.0
    assert isinstance(caught.value, builtins.TimeoutError)
    assert caught.value.outcome_unknown
    assert caught.value.attempts == 1


def test_a_node_that_hangs_does_not_use_up_the_call(cluster: ScriptedServer, connect: Connect) -> None:
    cluster.faults = [Fault("delay", delay_s=30)]
    retry = RetryPolicy(backoff_base_s=0.001, attempt_timeout_s=0.2)
    assert connect(cluster.urls, retry=retry).put("document", "users", new_uuid(), {}, timeout=10)
    first, second = cluster.entity_requests()
    assert first.node != second.node


def test_an_unknown_outcome_of_the_server_is_retried_with_the_key_and_told_without(
    server: ScriptedServer, connect: Connect
) -> None:
    server.faults = [Fault("status", status=504, code="outcome_unknown")]
    client = connect(server.urls, retry=QUICK)
    assert client.put("document", "users", new_uuid(), {})
    server.faults = [Fault("status", status=504, code="outcome_unknown", retryable=False)]
    with pytest.raises(OutcomeUnknown) as caught:
        client.put("document", "users", new_uuid(), {}, idempotency_key=False)
    assert caught.value.outcome_unknown


def test_a_later_refusal_does_not_hide_that_an_earlier_attempt_may_have_happened(
    server: ScriptedServer, connect: Connect
) -> None:
    server.faults = [Fault("close_after_commit", times=1), Fault("status", times=9)]
    with pytest.raises(Unavailable) as caught:
        connect(server.urls, retry=QUICK).put("document", "users", new_uuid(), {})
    assert caught.value.outcome_unknown


def test_nobody_listens(server: ScriptedServer, connect: Connect) -> None:
    server.stop_node(0)
    with pytest.raises(TransportError) as caught:
        connect(server.urls, retry=QUICK).put("document", "users", new_uuid(), {})
    assert (caught.value.kind, caught.value.attempts, caught.value.outcome_unknown) == ("connect", 4, False)


def test_the_topology_is_loaded_once_by_many_at_once(cluster: ScriptedServer, connect: Connect) -> None:
    client = connect(cluster.urls)
    threads = [threading.Thread(target=client.get, args=("document", "users", new_uuid())) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert cluster.topology_fetches() == 1
    assert len(cluster.entity_requests()) == 16


def test_requests_go_straight_to_the_leader(cluster: ScriptedServer, connect: Connect) -> None:
    from themis.placement import TokenTable

    client = connect(cluster.urls)
    table = TokenTable.from_wire(cluster.topology()["tokens"])
    for _ in range(20):
        uuid = new_uuid()
        client.put("document", "users", uuid, {})
        assert cluster.log[-1].node == cluster.leaders[table.shard_for_hash(key_hash(uuid))]


def test_a_421_is_followed_to_the_owner_at_once(cluster: ScriptedServer, connect: Connect) -> None:
    members = {"owner": cluster.url(2), "epoch": 1}
    cluster.faults = [Fault("wrong_shard", status=421, code="wrong_shard", members=members)]
    client = connect(cluster.urls, max_retries=0)
    assert client.put("document", "users", new_uuid(), {})
    first, second = cluster.entity_requests()
    assert second.node == 2
    assert first.headers["idempotency-key"] == second.headers["idempotency-key"]


def test_owners_that_point_in_a_circle_come_to_an_end(cluster: ScriptedServer, connect: Connect) -> None:
    members = {"owner": cluster.url(1), "epoch": 1}
    cluster.faults = [Fault("wrong_shard", status=421, code="wrong_shard", members=members, times=99)]
    with pytest.raises(ApiError) as caught:
        connect(cluster.urls, retry=QUICK).get("document", "users", new_uuid())
    assert caught.value.code == "wrong_shard"
    assert caught.value.attempts <= 8


def test_a_newer_epoch_in_an_answer_refreshes_the_topology(cluster: ScriptedServer, connect: Connect) -> None:
    client, uuid = connect(cluster.urls), new_uuid()
    client.put("document", "users", uuid, {})
    cluster.leaders = dict.fromkeys(cluster.leaders, 2)
    cluster.epoch = 2
    client.put("document", "users", uuid, {})
    wait_until(lambda: cluster.topology_fetches() == 2)

    def goes_to_the_new_leader() -> bool:
        client.put("document", "users", uuid, {})
        return cluster.entity_requests()[-1].node == 2

    wait_until(goes_to_the_new_leader)
    assert cluster.topology_fetches() == 2


def test_an_older_epoch_is_ignored(cluster: ScriptedServer, connect: Connect) -> None:
    cluster.epoch = 5
    client, uuid = connect(cluster.urls), new_uuid()
    client.put("document", "users", uuid, {})
    cluster.epoch = 4
    cluster.leaders = dict.fromkeys(cluster.leaders, 2)
    before = cluster.log[-1].node
    assert client.topology().epoch == 4
    client.put("document", "users", uuid, {})
    assert cluster.log[-1].node == before


def test_a_dead_node_is_dropped_and_comes_back(cluster: ScriptedServer, connect: Connect) -> None:
    cluster.leaders = dict.fromkeys(cluster.leaders, 0)
    client, uuid = connect(cluster.urls, retry=QUICK), new_uuid()
    client.put("document", "users", uuid, {})
    cluster.stop_node(0)
    assert client.put("document", "users", uuid, {})
    asked = len(cluster.entity_requests())
    assert client.put("document", "users", uuid, {})
    assert len(cluster.entity_requests()) == asked + 1
    cluster.start_node(0)

    def is_back() -> bool:
        client.put("document", "users", uuid, {})
        return cluster.entity_requests()[-1].node == 0

    wait_until(is_back)


def test_connections_closed_while_idle_cost_nothing(server: ScriptedServer, connect: Connect) -> None:
    client, uuid = connect(server.urls, max_retries=0), new_uuid()
    for _ in range(3):
        client.put("document", "users", uuid, {})
        server.drop_connections()
    assert client.get("document", "users", uuid) == {}


def test_connections_are_reused(server: ScriptedServer, connect: Connect) -> None:
    client = connect(server.urls)
    for _ in range(20):
        client.get("document", "users", new_uuid())
    assert server.connections == 1


def test_a_busy_pool_makes_requests_wait_their_turn(server: ScriptedServer, connect: Connect) -> None:
    client = connect(server.urls, pool_size=2)
    server.faults = [Fault("delay", delay_s=0.05, times=8)]
    threads = [threading.Thread(target=client.get, args=("document", "users", new_uuid())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert server.connections <= 2
    assert len(server.entity_requests()) == 8


def test_the_retry_budget_is_shared_by_all_calls(server: ScriptedServer, connect: Connect) -> None:
    server.faults = [Fault("status", times=10_000)]
    client = connect(server.urls, retry=QUICK, retry_budget=RetryBudget(ratio=0.0, reserve=5))
    for _ in range(10):
        with pytest.raises(Unavailable):
            client.get("document", "users", new_uuid())
    assert len(server.entity_requests()) == 15


def test_a_token_callback_is_asked_once_and_once_more_on_401(server: ScriptedServer, connect: Connect) -> None:
    server.tokens_accepted = {"second"}
    tokens = iter(["first", "second", "third"])
    client = connect(server.urls, token=lambda: next(tokens))
    assert client.get("document", "users", new_uuid()) is None
    assert client.get("document", "users", new_uuid()) is None
    assert next(tokens) == "third"


def test_a_token_that_stays_refused_is_an_error(server: ScriptedServer, connect: Connect) -> None:
    server.tokens_accepted = {"good"}
    asked: list[int] = []

    def fetch() -> str:
        asked.append(1)
        return "s3cret-token"

    with pytest.raises(Unauthorized) as caught:
        connect(server.urls, token=fetch).get("document", "users", new_uuid())
    assert len(asked) == 2
    assert "s3cret" not in str(caught.value) + repr(caught.value) + repr(caught.value.problem)


def test_a_reused_key_is_an_error(server: ScriptedServer, connect: Connect) -> None:
    client, uuid = connect(server.urls), new_uuid()
    client.put("document", "users", uuid, {"a": 1}, idempotency_key="k")
    assert client.put("document", "users", uuid, {"a": 1}, idempotency_key="k").replayed
    with pytest.raises(IdempotencyKeyReused):
        client.put("document", "users", uuid, {"a": 2}, idempotency_key="k")


def test_health_tells_and_never_raises(server: ScriptedServer, connect: Connect) -> None:
    client = connect(server.urls)
    assert client.health()
    server.faults = [Fault("status", path="/health", code="shutting_down")]
    health = client.health()
    assert (health.live, health.ready, health.reason) == (True, False, "shutting_down")
    server.stop_node(0)
    health = client.health(endpoint=server.url())
    assert (health.live, health.ready, bool(health)) == (False, False, False)


def test_a_closed_client_says_so(server: ScriptedServer, connect: Connect) -> None:
    client = connect(server.urls)
    client.get("document", "users", new_uuid())
    client.close()
    with pytest.raises(ClientClosed):
        client.get("document", "users", new_uuid())


def test_iteration_pages_through_a_collection(server: ScriptedServer, connect: Connect) -> None:
    client = connect(server.urls)
    uuids = sorted(new_uuid() for _ in range(25))
    client.batch_put("document", "users", {uuid: {"i": i} for i, uuid in enumerate(uuids)}).raise_for_errors()
    found = list(client.iterate("users", page_size=10))
    assert [entity.urn.uuid for entity in found] == uuids
    assert found[3].doc == {"i": 3}
    versions = list(client.iterate("users", page_size=10, include="version"))
    assert all(entity.doc is None for entity in versions)
    assert sum("/entities" in seen.target for seen in server.log) == 6


async def test_a_token_callback_that_hangs_is_on_the_deadline(server: ScriptedServer) -> None:
    async def fetch() -> str:
        await asyncio.Event().wait()
        raise AssertionError("nobody set it")

    async with AsyncThemisClient(server.urls, token=fetch, timeout=0.2) as client:
        began = time.monotonic()
        with pytest.raises(TimeoutError):
            await client.get("document", "users", new_uuid())
        assert 0.19 <= time.monotonic() - began < 3


async def test_a_token_callback_that_hung_once_is_asked_again(server: ScriptedServer) -> None:
    asked = 0

    async def fetch() -> str:
        nonlocal asked
        asked += 1
        if asked == 1:
            await asyncio.Event().wait()
        return "good"

    async with AsyncThemisClient(server.urls, token=fetch, timeout=0.1) as client:
        with pytest.raises(TimeoutError):
            await client.get("document", "users", new_uuid())
        assert await client.get("document", "users", new_uuid(), timeout=5) is None
    assert asked == 2


async def test_a_token_callback_may_be_async(server: ScriptedServer) -> None:
    server.tokens_accepted = {"fresh"}
    asked: list[str] = []

    async def fetch() -> str:
        asked.append("fresh")
        return "fresh"

    async with AsyncThemisClient(server.urls, token=fetch) as client:
        await asyncio.gather(*(client.get("document", "users", new_uuid()) for _ in range(8)))
    assert asked == ["fresh"]


async def test_a_cancelled_call_does_not_leave_its_answer_to_the_next(server: ScriptedServer) -> None:
    uuid = new_uuid()
    async with AsyncThemisClient(server.urls, pool_size=1) as client:
        await client.put("document", "users", uuid, {"a": 1})
        server.faults = [Fault("delay", method="GET", delay_s=0.3)]
        waiting = asyncio.ensure_future(client.get("document", "users", new_uuid()))
        while not any(seen.method == "GET" and "entity" in seen.target for seen in server.log):
            await asyncio.sleep(0.001)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert await client.get("document", "users", uuid) == {"a": 1}


# asyncio itself complains about connections that a closed loop leaves behind; that is right, and not what is tested.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_one_async_client_serves_one_loop_after_another(server: ScriptedServer) -> None:
    client, uuid = AsyncThemisClient(server.urls), new_uuid()

    async def use() -> None:
        await client.put("document", "users", uuid, {})
        assert await client.exists("document", "users", uuid)

    asyncio.run(use())
    gc.collect()

    async def use_and_close() -> None:
        await use()
        await client.aclose()

    asyncio.run(use_and_close())
    gc.collect()
