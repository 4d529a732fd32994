"""Routing among many nodes: places, health, hints, and what refusals lead to; without sockets."""

from __future__ import annotations

import random
from typing import Any

import msgspec
import pytest

from clients.python.tests.test_core import World, call
from themis.core import OPERATION, Call, load_topology, perform
from themis.errors import ConfigurationError, LagExceeded, SessionNotReached
from themis.flow import Send
from themis.nearness import Nearness
from themis.options import ReadOptions
from themis.router import Router
from themis.testing import problem_response
from themis.topology import TopologyView
from themis.transport.message import Endpoint, Response

Place = tuple[str, str, str, str]
EVENTUAL = ReadOptions("eventual")
# name -> (datacenter, rack, health, role); one shard, led by "a" in term 3.
NODES: dict[str, Place] = {
    "a": ("dc1", "r1", "healthy", "voter"),
    "b": ("dc1", "r2", "healthy", "voter"),
    "c": ("dc2", "r1", "healthy", "voter"),
    "d": ("dc2", "r2", "healthy", "learner"),
    "e": ("dc2", "r2", "healthy", ""),
}


def at(name: str) -> Endpoint:
    return Endpoint.parse(f"http://{name}:8080")


def view(
    changed: dict[str, Place] | None = None, epoch: int = 1, leader: str | None = "a", term: int | None = 3
) -> TopologyView:
    places = {**NODES, **(changed or {})}
    nodes = [
        {
            "node_id": name,
            "endpoint": at(name).url,
            "datacenter": dc,
            "rack": rack,
            "state": "up",
            "version": "",
            "health": health,
        }
        for name, (dc, rack, health, _) in places.items()
    ]
    replicas = [{"node_id": name, "role": place[3]} for name, place in places.items() if place[3]]
    shard: dict[str, Any] = {"shard_id": "s", "leader": leader, "replicas": replicas}
    if term is not None:
        shard["leader_term"] = term
    return TopologyView.decode(
        msgspec.json.encode({"epoch": epoch, "nodes": nodes, "shards": [shard], "tokens": [["f" * 16, "s"]]})
    )


def router(datacenter: str | None = None, rack: str | None = None, seeds: str = "z") -> Router:
    return Router([at(name) for name in seeds], lambda: 0.0, random.Random(7).random, Nearness(datacenter, rack))


def asked(router: Router, times: int = 60, **more: Any) -> set[str]:
    return {router.choose(0, **more).host for _ in range(times)}


def degraded(name: str, health: str) -> dict[str, Place]:
    dc, rack, _, role = NODES[name]
    return {name: (dc, rack, health, role)}


@pytest.mark.parametrize(
    ("datacenter", "rack", "changed", "nearest"),
    [
        (None, None, {}, {"a", "b", "c", "d"}),
        ("dc1", None, {}, {"a", "b"}),
        ("dc1", "r2", {}, {"b"}),
        ("dc2", "r1", {}, {"c"}),
        ("dc2", "r9", {}, {"c", "d"}),
        ("dc9", "r1", {}, {"a", "b", "c", "d"}),
        ("dc1", None, degraded("a", "degraded"), {"b"}),
        ("dc1", None, {**degraded("a", "degraded"), **degraded("b", "degraded")}, {"a", "b"}),
        ("dc1", "r2", degraded("b", "degraded"), {"b"}),
        ("dc1", "r2", degraded("b", "down"), {"a"}),
        ("dc1", None, {**degraded("a", "down"), **degraded("b", "down")}, {"c", "d"}),
    ],
)
def test_lagging_reads_go_to_the_nearest(
    datacenter: str | None, rack: str | None, changed: dict[str, Place], nearest: set[str]
) -> None:
    routes = router(datacenter, rack)
    routes.install(view(changed))
    assert asked(routes, any_replica=True) == nearest
    assert {endpoint.host for endpoint in routes.nearest(0)} == nearest


def test_what_fails_is_left_for_the_next_nearest() -> None:
    routes = router("dc1", "r1")
    routes.install(view())
    for name, then in (("a", {"b"}), ("b", {"c", "d"}), ("c", {"d"}), ("d", {"e"}), ("e", {"z"})):
        routes.failed(at(name))
        assert asked(routes, any_replica=True) == then
    assert not routes.has_another({at("z")})
    assert routes.has_another(set())


def test_writes_go_to_the_leader_then_to_voters_then_to_whoever_there_is() -> None:
    routes = router("dc2", "r2")
    routes.install(view())
    assert asked(routes) == {"a"}
    assert asked(routes, avoid=at("a")) == {"b", "c"}
    for name in "abc":
        routes.failed(at(name))
    assert asked(routes) == {"d"}, "a learner forwards"
    routes.failed(at("d"))
    assert asked(routes) == {"e"}


def test_a_leader_that_is_down_is_asked_when_no_voter_is_up() -> None:
    routes = router()
    routes.install(view(degraded("a", "down")))
    assert asked(routes) == {"b", "c"}
    routes.install(view({**degraded("a", "down"), **degraded("b", "down"), **degraded("c", "down")}))
    assert asked(routes) == {"a"}
    everybody = {name: (dc, rack, "down", role) for name, (dc, rack, _, role) in NODES.items()}
    routes.install(view(everybody))
    assert asked(routes) == {"a"}
    assert asked(routes, any_replica=True) == {"a"}
    assert routes.choose(None).host in "abcde"


def test_hints_are_for_nodes_that_are_known() -> None:
    routes = router()
    assert not routes.hint(0, "b"), "no topology"
    routes.install(view())
    assert not routes.hint(0, "nobody")
    assert not routes.hint(0, "a"), "no news"
    assert routes.hint(0, "b")
    assert asked(routes) == {"b"}
    routes.install(view(epoch=2))
    assert asked(routes) == {"b"}, "the same term is no later word"
    routes.install(view(epoch=2, leader="c", term=4))
    assert asked(routes) == {"c"}


def test_a_stale_topology_knows_no_shards() -> None:
    routes = router()
    assert routes.shard_of(0) is None
    routes.install(view(epoch=4))
    assert routes.shard_of(0) == "s"
    routes.saw_epoch(5)
    assert routes.shard_of(0) is None


# Calls


def read(**more: Any) -> Call:
    target = "/x?consistency=bounded&max_lag_ms=500"
    return Call(
        OPERATION["getEntity"], target, 10.0, key_hash=0, read=ReadOptions("bounded", 500), one_entity=True, **more
    )


def world(answers: list[Any], **options: Any) -> World:
    made = World(answers, **options)
    made.core.router.install(view())
    return made


def hosts(made: World) -> list[str]:
    return [sent.request.endpoint.host for sent in made.sent()]


@pytest.mark.parametrize("code", ["lag_exceeded", "session_not_reached"])
def test_after_a_replica_that_cannot_serve_the_leader_is_asked_at_once(code: str) -> None:
    made = world([problem_response(503, code, retryable=True, retry_after=9), Response(200)], datacenter="dc2")
    made.run(perform(made.core, read()))
    first, second = hosts(made)
    assert first in "cd"
    assert second == "a"
    assert made.slept()[0] < 0.06
    assert {sent.request.target for sent in made.sent()} == {read().target}


def test_the_last_of_all_nodes_is_waited_for() -> None:
    closing = problem_response(503, "shutting_down", retryable=True, retry_after=2)
    made = World([closing, closing, Response(200)])
    made.core.router.load_failed()
    made.run(perform(made.core, call()))
    assert made.slept()[0] < 0.06, "the other seed is asked at once"
    assert made.slept()[1] == 2.0


def test_no_leader_is_waited_for_though_others_are_there() -> None:
    made = world([problem_response(503, "no_leader", retryable=True, retry_after=2), Response(200)])
    made.run(perform(made.core, read()))
    assert made.slept() == [2.0]


@pytest.mark.parametrize(("code", "kind"), [("lag_exceeded", LagExceeded), ("session_not_reached", SessionNotReached)])
def test_the_new_errors_have_classes(code: str, kind: type[Exception]) -> None:
    made = world([problem_response(503, code, retryable=True, limit=500, lag_ms=1830)] * 4)
    with pytest.raises(kind) as caught:
        made.run(perform(made.core, read()))
    if isinstance(caught.value, LagExceeded):
        assert (caught.value.limit, caught.value.lag_ms) == (500, 1830)


def test_each_attempt_says_what_has_been_seen_until_then() -> None:
    def seen(request: Send) -> str | None:
        return request.request.headers.get("Themis-Session")

    refused = problem_response(503, "no_leader", retryable=True)
    made = world(
        [msgspec.structs.replace(refused, headers={**refused.headers, "themis-session": "s:5,t:6"}), Response(200)]
    )
    flow = perform(made.core, read())
    first = next(flow)
    assert isinstance(first, Send)
    assert seen(first) is None
    flow.send(made.answers[0])
    second = flow.send(None)
    assert isinstance(second, Send)
    assert seen(second) == "s:5"


def test_a_session_that_is_too_long_makes_the_read_strong() -> None:
    made = world([Response(200)], datacenter="dc2")
    assert made.core.session is not None
    for number in range(200):
        made.core.session.note(f"{'x' * 50}{number}:{(1 << 53) - 1}")
    made.core.router.saw_epoch(9)
    made.run(perform(made.core, read()))
    (sent,) = made.sent()
    assert sent.request.target == "/x?consistency=strong"
    assert "Themis-Session" not in sent.request.headers


def test_a_load_gives_every_endpoint_its_share_of_time() -> None:
    made = World([])
    made.core.router.install(view())
    flow = load_topology(made.core, 4.0)
    first = next(flow)
    assert isinstance(first, Send)
    assert first.timeout_s == pytest.approx(4.0 / len(made.core.router.known()))


@pytest.mark.parametrize(
    ("client", "asked_for", "sent"),
    [
        (ReadOptions(), (None, None), []),
        (ReadOptions("eventual"), (None, None), ["consistency=eventual"]),
        (ReadOptions("eventual"), ("strong", None), ["consistency=strong"]),
        (ReadOptions("eventual"), ("bounded", 7), ["consistency=bounded", "max_lag_ms=7"]),
        (ReadOptions("bounded", 5), (None, None), ["consistency=bounded", "max_lag_ms=5"]),
        (ReadOptions("bounded", 5), ("bounded", None), ["consistency=bounded", "max_lag_ms=5"]),
        (ReadOptions("bounded", 5), (None, 0), ["consistency=bounded", "max_lag_ms=0"]),
        (ReadOptions("bounded", 5), ("eventual", None), ["consistency=eventual"]),
    ],
)
def test_a_call_goes_before_its_client(client: ReadOptions, asked_for: tuple[Any, Any], sent: list[str]) -> None:
    assert client.over(*asked_for).parameters() == sent


@pytest.mark.parametrize(
    "asked_for", [(None, 5), ("eventual", 5), ("strong", 0), ("bounded", -1), ("bounded", 3_600_001)]
)
def test_a_lag_goes_with_bounded_only(asked_for: tuple[Any, Any]) -> None:
    with pytest.raises(ConfigurationError):
        EVENTUAL.over(*asked_for)
