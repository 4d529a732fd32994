"""A cluster that is well: any node takes any request, and says who answered."""

from __future__ import annotations

import json

import yaml

from server.tests.cluster.harness import Cluster, until, urn


def test_every_shard_has_three_replicas_and_leaders_are_spread(cluster: Cluster) -> None:
    topology = cluster.topology()
    for shard in topology["shards"]:
        assert sorted(place["node_id"] for place in shard["replicas"]) == ["node-1", "node-2", "node-3"]
    until(lambda: set(cluster.leaders().values()) == {"node-1", "node-2", "node-3"}, "leaders on all nodes")


def test_any_node_takes_any_write_and_any_read(cluster: Cluster) -> None:
    names = [urn() for _ in range(24)]
    for number, name in enumerate(names):
        assert cluster.put(cluster.nodes[number % 3], name, {"n": number}).status_code == 201
    for number, name in enumerate(names):
        answers = [cluster.get(node, name) for node in cluster.nodes]
        assert [answer.json() for answer in answers] == [{"n": number}] * 3
        assert (
            len({answer.headers["Themis-Node"] for answer in answers}) == 1
        )  # a strong read is the leader's to answer
        assert {answer.headers["Themis-Role"] for answer in answers} == {"leader"}


def test_a_batch_and_a_listing_span_all_nodes(cluster: Cluster) -> None:
    names = [urn(number, "spread") for number in range(60)]
    items = [{"urn": name, "doc": {"n": number}} for number, name in enumerate(names)]
    put = cluster.ask(cluster.nodes[0], "POST", "/batch/put", json={"items": items})
    assert all("version" in item for item in put.json()["items"])
    got = cluster.ask(cluster.nodes[1], "POST", "/batch/get", json={"urns": names}).json()["items"]
    assert [item["doc"]["n"] for item in got] == list(range(60))
    listing = cluster.ask(cluster.nodes[2], "GET", "/namespaces/app/collections/spread/entities", params={"limit": 100})
    assert [item["urn"] for item in listing.json()["items"]] == sorted(names)


def test_a_replica_answers_a_bounded_read_within_its_bound(cluster: Cluster) -> None:
    name = urn()
    cluster.put(cluster.nodes[0], name, {"a": 1})
    leader = cluster.leader_of(name)
    follower = next(node for node in cluster.nodes if node is not leader)

    def answered_here() -> bool:
        answer = cluster.get(follower, name, consistency="bounded", max_lag_ms=1000)
        assert answer.json() == {"a": 1}
        assert int(answer.headers["Themis-Lag-Ms"]) <= 1000
        return answer.headers["Themis-Node"] == follower.id and answer.headers["Themis-Role"] == "follower"

    until(answered_here, "a bounded read answered by the follower that was asked")


def test_a_session_reads_what_it_wrote_from_any_replica(cluster: Cluster) -> None:
    for number in range(20):
        name = urn()
        session = cluster.put(cluster.nodes[number % 3], name, {"n": number}).headers["Themis-Session"]
        for node in cluster.nodes:
            answer = cluster.get(node, name, {"Themis-Session": session}, consistency="eventual")
            assert answer.status_code == 200, answer.text
            assert answer.json() == {"n": number}


def test_a_collection_that_one_node_made_is_known_to_the_others_at_once(cluster: Cluster) -> None:
    for number in range(6):
        name = urn(collection=f"fresh{number}")
        assert cluster.put(cluster.nodes[number % 3], name, {}).status_code == 201
        assert cluster.get(cluster.nodes[(number + 1) % 3], name).status_code == 200


def test_a_precondition_and_a_key_count_whichever_node_is_asked(cluster: Cluster) -> None:
    name = urn()
    first = cluster.put(cluster.nodes[0], name, {"a": 1}, **{"Idempotency-Key": "once"})
    again = cluster.put(cluster.nodes[1], name, {"a": 1}, **{"Idempotency-Key": "once"})
    assert again.json() == first.json()
    assert again.headers["Idempotency-Replayed"] == "true"
    assert cluster.put(cluster.nodes[2], name, {"a": 2}, **{"If-Match": '"1"'}).status_code == 412
    assert cluster.put(cluster.nodes[2], name, {"a": 2}, **{"If-Match": first.headers["ETag"]}).status_code == 200


def test_themis_admin_shows_the_cluster_in_every_format(cluster: Cluster) -> None:
    until(lambda: cluster.admin("status").returncode == 0, "a cluster without findings")
    assert "All is well." in cluster.admin("status").stdout
    nodes = json.loads(cluster.admin("nodes", "-o", "json").stdout)
    assert [node["node_id"] for node in nodes["items"]] == ["node-1", "node-2", "node-3"]
    shards = yaml.safe_load(cluster.admin("shards", "-o", "yaml").stdout)
    assert all(shard["settled"] for shard in shards["items"])
    assert "PEER" in cluster.admin("nodes", "-o", "wide").stdout
    shown = cluster.admin("shard", "show", "shard_001").stdout
    assert "node-1" in shown
    refused = cluster.admin("shard", "show", "shard_999")
    assert refused.returncode == 1
    assert "shard_not_found" in refused.stderr


def test_a_leader_moves_when_it_is_asked_to(cluster: Cluster) -> None:
    was = cluster.leaders()["shard_003"]
    target = next(node.id for node in cluster.nodes if node.id != was)
    moved = cluster.admin("transfer-leader", "shard_003", target)
    assert moved.returncode == 0, moved.stderr
    assert target in moved.stdout
