"""What a scripted cluster does when it is told to fail, seen from the other end of the socket."""

from __future__ import annotations

import asyncio
import ssl
import time
from typing import Any

import pytest

from themis_conformance.certificates import Authority
from themis_conformance.format.server import read_server
from themis_conformance.live.http import Address, NoAnswer, Response, exchange, request_bytes
from themis_conformance.scripted import ScriptedCluster

UUID = "550e8400-e29b-41d4-a716-446655440000"
URN = f"urn:themis:document:ns:things:{UUID}"
TARGET = f"/entity/{URN}"


def cluster_of(**server: Any) -> ScriptedCluster:
    return ScriptedCluster(read_server(server, "ns"))


def failing(do: dict[str, Any], **rule: Any) -> ScriptedCluster:
    entities = [{"urn": URN, "doc": {"text": "x" * 100}, "version": 5}]
    return cluster_of(nodes=2, entities=entities, faults=[{"do": do, **rule}])


async def ask(
    cluster: ScriptedCluster,
    method: str = "GET",
    target: str = TARGET,
    body: bytes = b"",
    node: int = 0,
    **headers: str,
) -> Response:
    address = Address.parse(cluster.urls[node])
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    if body:
        fields["Content-Type"] = "application/json"
    return await exchange(address, request_bytes(address, method, target, fields, body), head=method == "HEAD")


async def raw(cluster: ScriptedCluster, data: bytes) -> bytes:
    """All that comes until the node closes."""
    address = Address.parse(cluster.urls[0])
    reader, writer = await asyncio.open_connection(address.host, address.port)
    try:
        writer.write(data)
        return await reader.read()
    finally:
        writer.close()


PUT = b"PUT %b HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}" % TARGET.encode()


async def test_an_answer_is_given_instead_and_nothing_is_carried_out() -> None:
    answer = {"status": 503, "code": "no_leader", "problem": {"detail": "so"}, "headers": {"Retry-After": "7"}}
    async with failing({"answer": answer}) as cluster:
        reply = await ask(cluster, "PUT", body=b"{}")
        assert (reply.status, reply.headers["retry-after"]) == (503, "7")
        problem = reply.content()
        assert (problem["code"], problem["retryable"], problem["detail"]) == ("no_leader", True, "so")
        assert problem["title"] == "No leader"
        assert cluster.committed == {}
        assert (await ask(cluster, "PUT", body=b"{}")).status == 200
        assert cluster.committed == {URN: 1}


@pytest.mark.parametrize(
    ("answer", "body"),
    [
        ({"status": 200, "json": {"a": 1}}, {"a": 1}),
        ({"status": 200, "json": None}, None),
        ({"status": 502, "text": "<html>"}, "<html>"),
        ({"status": 404}, None),
        ({"code": "disk_full"}, {"code": "disk_full", "status": 507}),
        ({"status": 404, "problem": {"title": "no code"}}, {"title": "no code"}),
    ],
)
async def test_an_answer_may_be_anything(answer: dict[str, Any], body: Any) -> None:
    async with failing({"answer": answer}) as cluster:
        content = (await ask(cluster)).content()
        if isinstance(body, dict) and "json" not in answer:
            content = {name: content[name] for name in body}
        assert content == body


@pytest.mark.parametrize(
    ("do", "committed"),
    [
        ({"close": "before"}, 0),
        ({"close": "after_commit"}, 1),
        ({"reset": True}, 0),
        ({"garbage": True}, 0),
        ({"truncate": 10}, 1),
        ({"truncate": 0}, 1),
    ],
)
async def test_a_broken_exchange_is_no_answer(do: dict[str, Any], committed: int) -> None:
    async with failing(do) as cluster:
        with pytest.raises(NoAnswer):
            await ask(cluster, "PUT", body=b"{}")
        assert cluster.committed.get(URN, 0) == committed


async def test_truncated_means_so_many_bytes() -> None:
    async with failing({"truncate": 10}) as cluster:
        head, _, body = (await raw(cluster, PUT)).partition(b"\r\n\r\n")
        assert len(body) == 10
        assert b"Content-Length: 10" not in head


async def test_a_reset_is_a_reset() -> None:
    async with failing({"reset": True}) as cluster:
        with pytest.raises(ConnectionResetError):
            await raw(cluster, PUT)


@pytest.mark.parametrize("where", ["before_headers", "in_body"])
async def test_a_stall_never_ends_by_itself(where: str) -> None:
    async with failing({"stall": where}) as cluster:
        address = Address.parse(cluster.urls[0])
        reader, writer = await asyncio.open_connection(address.host, address.port)
        writer.write(PUT)
        if where == "in_body":
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 OK\r\n")
            assert await reader.readexactly(10)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(reader.read(), 0.15)
        assert cluster.committed == {URN: 1}
        writer.close()


async def test_a_delay_is_served_after_it() -> None:
    async with failing({"delay_ms": 80}) as cluster:
        began = time.monotonic()
        assert (await ask(cluster)).status == 200
        assert time.monotonic() - began >= 0.08


async def test_a_delay_may_precede_another_fault() -> None:
    async with failing({"delay_ms": 80, "answer": {"code": "not_ready"}}) as cluster:
        began = time.monotonic()
        assert (await ask(cluster)).status == 503
        assert time.monotonic() - began >= 0.08


@pytest.mark.parametrize(("owner", "told"), [(1, True), (None, False)])
async def test_a_wrong_shard_names_its_owner(owner: int | None, told: bool) -> None:
    async with failing({"wrong_shard": {"owner": owner, "epoch": 9}}) as cluster:
        reply = await ask(cluster)
        assert reply.status == 421
        assert reply.content()["owner"] == (cluster.urls[1] if told else None)
        assert reply.content()["epoch"] == 9


async def test_items_of_a_batch_fail_by_place_and_by_name() -> None:
    other = URN.replace("a716", "a717")
    items = {0: {"code": "no_leader", "status": 503}, other: {"code": "wrong_shard", "retryable": False}}
    async with failing({"items": items}) as cluster:
        body = f'{{"urns":["{URN}","{other}","{URN}"]}}'.encode()
        found = (await ask(cluster, "POST", "/batch/get", body)).content()["items"]
        assert [item.get("error", {}).get("code") for item in found] == ["no_leader", "wrong_shard", None]
        assert [item.get("error", {}).get("retryable") for item in found] == [True, False, None]


@pytest.mark.parametrize(
    ("match", "hit"),
    [
        ({}, True),
        ({"operation": "getEntity"}, True),
        ({"operation": ["putEntity", "getEntity"]}, True),
        ({"operation": "putEntity"}, False),
        ({"node": 0}, True),
        ({"node": 1}, False),
        ({"urn": URN}, True),
        ({"urn": URN.replace("a716", "a717")}, False),
        ({"header": {"X-Mark": "a"}}, True),
        ({"header": {"X-Mark": {"$$regex": "^b"}}}, False),
        ({"header": {"X-Other": {"$$exists": False}}}, True),
    ],
)
async def test_a_fault_hits_what_it_matches(match: dict[str, Any], hit: bool) -> None:
    async with failing({"answer": {"code": "not_ready"}}, match=match) as cluster:
        assert ((await ask(cluster, X_Mark="a")).status == 503) is hit


async def test_faults_skip_count_and_come_in_order() -> None:
    faults = [
        {"skip": 1, "times": 2, "do": {"answer": {"status": 501}}},
        {"times": "always", "do": {"answer": {"status": 502}}},
    ]
    async with cluster_of(faults=faults) as cluster:
        assert [(await ask(cluster)).status for _ in range(5)] == [502, 501, 501, 502, 502]


async def test_the_topology_is_spared_unless_it_is_named() -> None:
    async with failing({"answer": {"code": "not_ready"}}, times="always") as cluster:
        assert (await ask(cluster, target="/topology")).status == 200
    async with failing({"answer": {"code": "not_ready"}}, match={"operation": "getTopology"}) as cluster:
        assert (await ask(cluster, target="/topology")).status == 503


async def test_a_node_that_is_down_refuses_and_comes_back_at_its_port() -> None:
    async with cluster_of(nodes=2, down=[1]) as cluster:
        assert cluster.listening == cluster.urls[:1]
        with pytest.raises(NoAnswer, match=r"refused|Connect call failed"):
            await ask(cluster, node=1)
        cluster.start_node(1)
        assert (await ask(cluster, node=1)).status == 404
        await cluster.stop_node(1)
        with pytest.raises(NoAnswer):
            await ask(cluster, node=1)
        cluster.start_node(1)
        assert (await ask(cluster, node=1)).status == 404


async def test_long_polls_end_with_a_newer_epoch_or_with_their_time() -> None:
    async with cluster_of(epoch=3) as cluster:
        assert (await ask(cluster, target="/topology?after_epoch=3&wait_ms=30")).status == 304
        waiting = asyncio.ensure_future(ask(cluster, target="/topology?after_epoch=3&wait_ms=30000"))
        while len(cluster.log.seen) < 2:
            await cluster.log.wait_for_news(1)
        cluster.set_epoch(4)
        reply = await waiting
        assert (reply.status, reply.content()["epoch"]) == (200, 4)


async def test_leaders_move_without_a_new_epoch_but_with_a_new_tag() -> None:
    async with cluster_of(nodes=2) as cluster:
        first = await ask(cluster, target="/topology")
        tag = first.headers["etag"]
        assert (await ask(cluster, target="/topology", If_None_Match=tag)).status == 304
        cluster.lead("shard_001", 1)
        second = await ask(cluster, target="/topology", If_None_Match=tag)
        assert (second.status, second.content()["epoch"]) == (200, 1)
        assert second.content()["shards"][0]["leader"] == "node-1"


async def test_the_epoch_in_the_headers_may_be_another() -> None:
    async with cluster_of() as cluster:
        cluster.set_answer_epoch(9)
        reply = await ask(cluster, target="/topology")
        assert (reply.headers["themis-topology-epoch"], reply.content()["epoch"]) == ("9", 1)


async def test_tokens_are_asked_for_and_change() -> None:
    async with cluster_of(tokens=["one"]) as cluster:
        assert (await ask(cluster)).content()["code"] == "unauthorized"
        assert (await ask(cluster, Authorization="Bearer two")).status == 401
        assert (await ask(cluster, Authorization="Bearer one")).status == 404
        cluster.set_tokens(("two",))
        assert (await ask(cluster, Authorization="Bearer one")).status == 401


async def test_a_write_is_repeated_under_its_key_on_any_node() -> None:
    async with cluster_of(nodes=2) as cluster:
        first = await ask(cluster, "PUT", body=b"{}", Idempotency_Key="k")
        again = await ask(cluster, "PUT", body=b"{}", node=1, Idempotency_Key="k")
        assert (first.status, again.status, again.headers["idempotency-replayed"]) == (201, 201, "true")
        assert again.body == first.body
        assert (await ask(cluster, "PUT", body=b'{"a":1}', Idempotency_Key="k")).status == 422
        assert cluster.committed == {URN: 1}


async def test_a_body_may_come_in_chunks_and_be_waited_for() -> None:
    async with cluster_of() as cluster:
        head = b"PUT %b HTTP/1.1\r\nContent-Type: application/json\r\n" % TARGET.encode()
        chunked = b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n2;x=y\r\n{}\r\n0\r\nTrailer: x\r\n\r\n"
        assert (await raw(cluster, head + chunked)).startswith(b"HTTP/1.1 201 ")
        waits = b"Expect: 100-continue\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"
        assert (await raw(cluster, head + waits)).startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 ")


async def test_connections_are_kept_counted_and_dropped() -> None:
    async with cluster_of() as cluster:
        address = Address.parse(cluster.urls[0])
        reader, writer = await asyncio.open_connection(address.host, address.port)
        get = b"GET /version HTTP/1.1\r\n\r\n"
        for _ in range(3):
            writer.write(get)
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 ")
            await reader.readuntil(b"]}")
        assert cluster.log.connections == 1
        await cluster.drop_connections()
        assert await reader.read() == b""
        writer.close()
        assert (await ask(cluster, target="/version")).status == 200


async def test_what_is_no_request_is_answered_and_in_the_log() -> None:
    async with cluster_of() as cluster:
        assert (await raw(cluster, b"hello\r\n\r\n")).startswith(b"HTTP/1.1 400 ")
        assert [seen.method for seen in cluster.log.requests()] == ["?"]


async def test_https_with_and_without_certificates_of_clients() -> None:
    authority = Authority()
    try:
        for wanted in (False, True):
            context = authority.server_context(client_certificates=wanted)
            plan = read_server({"tls": {"client_certificates": wanted}}, "ns")
            async with ScriptedCluster(plan, context) as cluster:
                plain = Address.parse(cluster.urls[0], authority.files["ca_file"])
                data = request_bytes(plain, "GET", "/version", {}, b"")
                if wanted:
                    with pytest.raises(NoAnswer):
                        await exchange(plain, data)
                    assert plain.tls is not None
                    plain.tls.load_cert_chain(authority.files["cert_file"], authority.files["key_file"])
                assert (await exchange(plain, data)).status == 200
                stranger = Address(plain.url, plain.host, plain.port, ssl.create_default_context())
                with pytest.raises(NoAnswer, match="certificate"):
                    await exchange(stranger, data)
    finally:
        authority.close()
