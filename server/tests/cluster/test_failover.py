"""Nodes that die, stop or stand still: writes go on, and nothing acknowledged is lost."""

from __future__ import annotations

import signal
import time

from server.tests.cluster.harness import Cluster, Written, load, until
from tools.cluster import process
from tools.cluster.state import NodeState

_LOAD_S = 1.5
_AFTER_S = 3.0
_FAILOVER_S = 3.0


def _busiest(cluster: Cluster) -> NodeState:
    leaders = list(cluster.leaders().values())
    return max(cluster.nodes, key=lambda node: leaders.count(node.id))


def _all_there(cluster: Cluster, written: Written) -> None:
    assert written.acknowledged
    names = list(written.acknowledged)
    for start in range(0, len(names), 500):
        part = names[start : start + 500]
        answer = cluster.ask(cluster.nodes[0], "POST", "/batch/get", json={"urns": part}, timeout=30.0)
        for name, item in zip(part, answer.json()["items"], strict=True):
            assert item.get("version") == written.acknowledged[name], item


def test_a_leader_that_is_killed_costs_no_write(own_cluster: Cluster) -> None:
    cluster = own_cluster
    for _ in range(2):
        victim = _busiest(cluster)
        others = [node for node in cluster.nodes if node is not victim]
        with load(cluster, others) as written:
            time.sleep(_LOAD_S)
            cluster.kill(victim)
            time.sleep(_AFTER_S)
        # Every request waited for the new leader instead of failing.
        assert set(written.statuses) == {201}, (written.statuses, written.errors[:3])
        assert written.longest_s < _FAILOVER_S
        cluster.start(victim)
        cluster.whole()
        _all_there(cluster, written)


def test_a_node_that_stops_cleanly_fails_no_request(own_cluster: Cluster) -> None:
    cluster = own_cluster
    for victim in cluster.nodes:
        others = [node for node in cluster.nodes if node is not victim]
        with load(cluster, others) as written:
            time.sleep(_LOAD_S / 2)
            cluster.stop(victim)
            time.sleep(_LOAD_S / 2)
        assert set(written.statuses) == {201}, (written.statuses, written.errors[:3])
        assert written.longest_s < 2.0
        cluster.start(victim)
        cluster.whole()
        _all_there(cluster, written)


def test_a_leader_that_stands_still_is_deposed_and_answers_no_stale_read(own_cluster: Cluster) -> None:
    cluster = own_cluster
    victim = _busiest(cluster)
    other = next(node for node in cluster.nodes if node is not victim)
    led = [shard for shard, leader in cluster.leaders().items() if leader == victim.id]
    names = {}
    for number in range(200):
        name = f"urn:themis:document:app:things:{number:08x}-0000-4000-8000-000000000000"
        answer = cluster.put(other, name, {"v": 1})
        if answer.headers["Themis-Session"].partition(":")[0] in led:
            names[name] = answer.json()["version"]
    process.send(victim, signal.SIGSTOP)
    try:
        first, began_s = next(iter(names)), time.monotonic()
        unkeyed = cluster.put(other, first, {"v": 2})
        # It was sent to the victim, which does not say so: nobody waits for that longer than for another leader.
        assert unkeyed.status_code == 504, unkeyed.text
        assert unkeyed.json()["code"] == "outcome_unknown"
        assert time.monotonic() - began_s < _FAILOVER_S
        assert cluster.put(other, first, {"v": 2}).status_code == 200, "it may be sent again by who sent it"
        versions = {
            name: cluster.put(other, name, {"v": 2}, **{"Idempotency-Key": name}).json()["version"] for name in names
        }
    finally:
        process.send(victim, signal.SIGCONT)
    assert versions
    for name, version in versions.items():
        answer = cluster.get(victim, name)
        assert answer.status_code == 200, answer.text
        assert (answer.json(), answer.headers["ETag"]) == ({"v": 2}, f'"{version}"')


def test_all_nodes_killed_at_once_come_back_with_everything(own_cluster: Cluster) -> None:
    cluster = own_cluster
    with load(cluster, cluster.nodes) as written:
        time.sleep(_LOAD_S)
        for node in cluster.nodes:
            process.send(node, signal.SIGKILL)
        for node in cluster.nodes:
            assert process.wait_gone(node)
    for node in cluster.nodes:
        process.spawn(node)
    for node in cluster.nodes:
        process.wait_ready(node)
    cluster.whole()
    _all_there(cluster, written)


def test_a_minority_refuses_writes_and_reads_on_request_only(own_cluster: Cluster) -> None:
    cluster = own_cluster
    alone, *others = cluster.nodes
    name = "urn:themis:document:app:things:00000000-0000-4000-8000-0000000000aa"
    assert cluster.put(alone, name, {"a": 1}).status_code == 201
    until(lambda: cluster.get(alone, name, consistency="eventual").status_code == 200, "the replica has it")
    for node in others:
        cluster.kill(node)
    # It may have led the shard when the others went: then nobody can say what becomes of the write.
    write = cluster.ask(alone, "PUT", f"/entity/{name}", json={"a": 2}, timeout=45.0)
    assert write.status_code in (503, 504), write.text
    assert write.json()["code"] in ("no_leader", "outcome_unknown", "node_unreachable")
    strong = cluster.get(alone, name)
    assert strong.status_code == 503, strong.text
    stale = cluster.get(alone, name, consistency="eventual")
    assert stale.status_code == 200
    assert stale.headers["Themis-Node"] == alone.id
    for node in others:
        process.spawn(node)
    for node in others:
        process.wait_ready(node)
    cluster.whole()
    assert cluster.put(alone, name, {"a": 3}).status_code == 200
