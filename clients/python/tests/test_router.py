"""Routing decisions, with a clock and a random source of the test's own."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from themis.router import Router
from themis.topology import TopologyView
from themis.transport.message import Endpoint

A, B, C = (Endpoint.parse(f"http://{name}:8080") for name in "abc")
HALF = 1 << 63


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def view(epoch: int, leaders: tuple[str | None, str | None]) -> TopologyView:
    nodes: list[dict[str, Any]] = [
        {"node_id": name, "endpoint": f"http://{name}:8080", "datacenter": "", "rack": "", "state": "up", "version": ""}
        for name in "ab"
    ]
    replicas = [{"node_id": name, "role": "voter"} for name in "ab"]
    shards = [{"shard_id": f"s{i}", "leader": leader, "replicas": replicas} for i, leader in enumerate(leaders)]
    tokens = [[f"{HALF - 1:016x}", "s0"], ["f" * 16, "s1"]]
    return TopologyView.decode(
        msgspec.json.encode({"epoch": epoch, "nodes": nodes, "shards": shards, "tokens": tokens})
    )


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def router(clock: Clock) -> Router:
    return Router([C], clock, lambda: 0.0)


def test_without_a_topology_the_seeds_are_asked(router: Router) -> None:
    assert router.wants_topology
    assert router.choose(1) == C
    router.load_failed()
    assert not router.wants_topology


def test_keys_go_to_their_leaders_and_the_rest_anywhere(router: Router) -> None:
    router.install(view(1, ("a", "b")))
    assert (router.choose(0), router.choose(HALF)) == (A, B)
    assert router.choose(None) in (A, B)


def test_a_shard_without_leader_goes_to_a_replica(router: Router) -> None:
    router.install(view(1, (None, "b")))
    assert router.choose(0) in (A, B)


def test_lagging_reads_are_spread_over_replicas(clock: Clock) -> None:
    draws = iter([0.0, 0.9])
    router = Router([C], clock, lambda: next(draws))
    router.install(view(1, ("a", "a")))
    assert {router.choose(0, any_replica=True), router.choose(0, any_replica=True)} == {A, B}


def test_a_node_that_failed_is_out_for_a_while_that_grows_and_then_probed_once(router: Router, clock: Clock) -> None:
    router.install(view(1, ("a", "a")))
    router.failed(A)
    assert router.choose(0) == B
    clock.now = 0.3
    assert router.choose(0) == A
    assert router.choose(0) == B, "one probe at a time"
    router.failed(A)
    clock.now = 0.6
    assert router.choose(0) == B
    clock.now = 0.9
    assert router.choose(0) == A
    router.answered(A)
    assert [router.choose(0) for _ in range(2)] == [A, A]


def test_when_all_are_out_the_next_to_return_is_asked(router: Router, clock: Clock) -> None:
    router.install(view(1, ("a", "a")))
    for endpoint in (B, A, C):
        router.failed(endpoint)
        clock.now += 0.01
    assert router.choose(0) == B
    assert router.choose(0, avoid=B) == A


def test_epochs_only_rise(router: Router) -> None:
    assert router.install(view(5, ("a", "a")))
    assert not router.install(view(4, ("b", "b")))
    assert router.choose(0) == A
    assert router.install(view(5, ("b", "b"))), "the same epoch, said anew"
    assert not router.saw_epoch(5)
    assert router.saw_epoch(6)
    assert not router.saw_epoch(6), "told once"
    assert router.stale
    router.install(view(6, ("a", "a")))
    assert not router.stale


def test_refreshing_asks_everybody_the_dead_last(router: Router) -> None:
    router.install(view(1, ("a", "b")))
    router.failed(A)
    order = router.refresh_order()
    assert set(order) == {A, B, C}
    assert order[-1] == A


def test_a_table_with_unknown_shards_makes_no_sense() -> None:
    with pytest.raises(ValueError, match="not listed"):
        TopologyView.decode(b'{"epoch":1,"nodes":[],"shards":[],"tokens":[["0000000000000000","s"]]}')
