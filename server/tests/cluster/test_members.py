"""Nodes that come and go for good: joining, draining, removing, lagging, and those who are refused."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from server.tests.cluster.harness import Cluster, join_token, load, newcomer, until, urn
from themis_server.security import certificates
from tools.cluster import process
from tools.cluster.state import ClusterError, NodeState


def _refused(node: NodeState) -> str:
    process.spawn(node)
    try:
        with pytest.raises(ClusterError) as refused:
            process.wait_ready(node, timeout_s=30)
        assert not process.alive(node)
        return str(refused.value)
    finally:
        if process.alive(node):
            process.send(node, signal.SIGKILL)
            process.wait_gone(node)


def test_who_may_not_join_is_refused_by_name(cluster: Cluster, tmp_path: Path) -> None:
    assert "join_token_invalid" in _refused(newcomer(cluster, "node-7", "themis-join-" + "A" * 43))

    token_list = json.loads(cluster.admin("join-token", "list", "-o", "json").stdout)["items"]
    revoked = json.loads(cluster.admin("join-token", "create", "-o", "json").stdout)
    assert cluster.admin("join-token", "revoke", revoked["token_id"]).returncode == 0
    assert len(json.loads(cluster.admin("join-token", "list", "-o", "json").stdout)["items"]) == len(token_list)
    assert "join_token_invalid" in _refused(newcomer(cluster, "node-7", revoked["token"]))

    # Another data directory under the name of a node that is there.
    twin = newcomer(cluster, "node-8", join_token(cluster))
    third = cluster.nodes[2]
    twin.settings |= {"node.id": "node-3", "peer.tls_cert": third.settings["peer.tls_cert"]}
    twin.settings["peer.tls_key"] = third.settings["peer.tls_key"]
    assert "duplicate_node" in _refused(twin)

    # A certificate of another authority.
    stranger = newcomer(cluster, "node-9", join_token(cluster))
    other = certificates.make_ca(tmp_path / "other", "themis", now=datetime.now(UTC))
    issued = certificates.issue_node(other, "node-9", ["127.0.0.1"], tmp_path / "other", now=datetime.now(UTC))
    stranger.settings |= {"peer.tls_cert": str(issued.certificate), "peer.tls_key": str(issued.key)}
    stranger.settings["peer.tls_ca"] = str(issued.ca)
    process.spawn(stranger)
    until(lambda: "cluster.join.waits" in Path(stranger.log).read_text() or not process.alive(stranger), "a refusal")
    assert "node-9" not in {node["node_id"] for node in cluster.topology()["nodes"]}
    if process.alive(stranger):
        process.send(stranger, signal.SIGKILL)
        process.wait_gone(stranger)
    assert cluster.ask(cluster.nodes[0], "GET", "/health/ready").status_code == 200


def test_a_node_joins_takes_part_is_drained_and_removed(own_cluster: Cluster) -> None:
    cluster = own_cluster
    with load(cluster, cluster.nodes[:1]) as written:
        fourth = newcomer(cluster, "node-4", join_token(cluster))
        process.spawn(fourth)
        process.wait_ready(fourth)
        cluster.nodes.append(fourth)

        def replicas() -> int:
            found = json.loads(cluster.admin("nodes", "-o", "json").stdout)["items"]
            held = {node["node_id"]: node["replicas"]["voters"] for node in found}
            return int(held.get("node-4", 0))

        until(lambda: replicas() >= 4, "replicas on the new node", 60)
        # Through the newcomer as well as through anybody.
        assert cluster.put(fourth, urn(), {"a": 1}).status_code == 201

        shards = json.loads(cluster.admin("shards", "-o", "json").stdout)["items"]
        places = {shard["shard_id"]: {replica["node_id"] for replica in shard["replicas"]} for shard in shards}
        moved = next(shard for shard, nodes in places.items() if "node-3" in nodes and "node-4" not in nodes)
        replaced = cluster.admin("replace-replica", moved, "node-3", "node-4", "--wait", "--timeout", "60")
        assert replaced.returncode == 0, replaced.stderr
        shown = json.loads(cluster.admin("shard", "show", moved, "-o", "json").stdout)
        assert {replica["node_id"] for replica in shown["replicas"]} == (places[moved] - {"node-3"}) | {"node-4"}

        drained = cluster.admin("drain", "node-2", "--wait", "--timeout", "90")
        assert drained.returncode == 0, drained.stderr
        assert "node-2" not in cluster.leaders().values()
        removed = cluster.admin("remove-node", "node-2")
        assert removed.returncode == 0, removed.stderr
    assert set(written.statuses) == {201}, (written.statuses, written.errors[:3])

    topology = cluster.topology(fourth)
    assert {node["node_id"] for node in topology["nodes"]} == {"node-1", "node-3", "node-4"}
    second = cluster.node("node-2")
    if process.alive(second):
        cluster.stop(second)
    cluster.nodes.remove(second)
    process.spawn(second)
    until(lambda: not process.alive(second), "the end of a node that was removed")
    assert "was removed from the cluster" in Path(second.log).read_text()
    for name in list(written.acknowledged)[:200]:
        assert cluster.get(fourth, name).status_code == 200


def test_a_replica_that_missed_more_than_the_log_keeps_gets_a_snapshot(tmp_path: Path) -> None:
    settings = {"raft.log_retain_bytes": str(1 << 20), "raft.log_compact_bytes": str(1 << 20)}
    with Cluster.formed(tmp_path / "cluster", shards=2, settings=settings) as cluster:
        lagging = cluster.nodes[2]
        cluster.stop(lagging)
        document = {"text": "x" * 2000}
        names = []
        for start in range(0, 4000, 500):
            part = [urn(number, "many") for number in range(start, start + 500)]
            items = [{"urn": name, "doc": document} for name in part]
            answer = cluster.ask(cluster.nodes[0], "POST", "/batch/put", json={"items": items}, timeout=60.0)
            assert all("version" in item for item in answer.json()["items"])
            names += part
            time.sleep(0.6)  # the log is looked at for compaction twice a second
        cluster.start(lagging)
        until(lambda: '"snapshot.installed"' in Path(lagging.log).read_text(), "a snapshot", 60)
        cluster.whole()

        def served_here() -> bool:
            answers = [cluster.get(lagging, name, consistency="eventual") for name in names[::500]]
            return all(a.status_code == 200 and a.headers["Themis-Node"] == lagging.id for a in answers)

        until(served_here, "the data on the node that lagged")


def test_a_read_replica_serves_reads_and_never_leads(tmp_path: Path) -> None:
    with Cluster.formed(tmp_path / "cluster", shards=2, read_replicas=1) as cluster:
        reader = cluster.nodes[3]
        topology = cluster.topology()
        assert {node["node_id"]: node["kind"] for node in topology["nodes"]}["node-4"] == "read_replica"

        def learns() -> bool:
            places = [place for shard in cluster.topology()["shards"] for place in shard["replicas"]]
            wanted = {"node_id": "node-4", "role": "learner"}
            return sum(1 for place in places if place == wanted) == 2

        until(learns, "a learner of each shard")
        cluster.whole()
        name = urn()
        session = cluster.put(cluster.nodes[0], name, {"a": 1}).headers["Themis-Session"]

        def answered() -> bool:
            answer = cluster.get(reader, name, {"Themis-Session": session}, consistency="bounded", max_lag_ms=2000)
            assert answer.json() == {"a": 1}
            role: str = answer.headers["Themis-Role"]
            return role == "learner"

        until(answered, "an answer of the learner")
        assert cluster.get(reader, name).headers["Themis-Role"] == "leader"
        for node in cluster.nodes[:2]:
            cluster.kill(node)
        assert "node-4" not in {leader for leader in cluster.leaders().values() if leader}


def test_a_command_that_cannot_be_done_says_why(cluster: Cluster) -> None:
    def refused(*arguments: str) -> str:
        done: subprocess.CompletedProcess[str] = cluster.admin(*arguments)
        assert done.returncode == 1, done.stdout
        return done.stderr

    assert "node_not_found" in refused("drain", "nobody")
    assert "node_in_use" in refused("remove-node", "node-1")
    assert "placement_refused" in refused("replace-replica", "shard_001", "node-1", "node-2")
    assert "shard_not_found" in refused("transfer-leader", "shard_777")


def test_a_founder_that_lost_its_directory_does_not_found_a_second_cluster_in_silence(own_cluster: Cluster) -> None:
    first, second, _ = own_cluster.nodes
    own_cluster.stop(first)
    Path(first.data).rename(f"{first.data}.lost")
    process.spawn(first)

    def estranged() -> bool:
        try:
            answer = own_cluster.ask(first, "GET", "/health/ready")
        except httpx.HTTPError:
            return False
        return answer.status_code == 503 and "another" in answer.json()["detail"]

    until(estranged, "a node that knows that it is alone")
    refused = own_cluster.put(first, urn(), {"a": 1})
    assert (refused.status_code, refused.json()["code"]) == (503, "not_ready")
    written = own_cluster.put(second, urn(), {"a": 1})
    assert written.status_code == 201, written.text

    own_cluster.kill(first)
    Path(first.data).rename(f"{first.data}.second")
    Path(f"{first.data}.lost").rename(first.data)
    own_cluster.start(first)
    own_cluster.whole()


def test_a_node_that_was_away_finds_back_to_a_newcomer_that_leads_the_metadata(own_cluster: Cluster) -> None:
    cluster = own_cluster
    away = cluster.nodes[2]
    cluster.kill(away)
    token = join_token(cluster)
    for name in ("node-4", "node-5"):  # two, as an even number of voters is not made
        node = newcomer(cluster, name, token)
        process.spawn(node)
        cluster.nodes.append(node)
    for node in cluster.nodes[3:]:
        process.wait_ready(node)
    leader = cluster.node("node-4")

    def moved() -> bool:
        return cluster.admin("transfer-leader", "metadata", leader.id, node=leader).returncode == 0

    def seen() -> tuple[str | None, set[str]]:
        metadata = cluster.ask(away, "GET", "/api/admin/status").json()["metadata"]
        return metadata["leader"], {node["node_id"] for node in cluster.topology(away)["nodes"]}

    until(moved, "a newcomer that leads the metadata")
    cluster.start(away)
    until(lambda: seen() == (leader.id, {node.id for node in cluster.nodes}), "the nodes that joined to be known", 20)
    cluster.whole()
    assert cluster.put(away, urn(), {"a": 1}).status_code == 201
