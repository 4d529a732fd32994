"""A cluster whose metadata is in a real etcd beside it, with TLS on both sides."""

from __future__ import annotations

import json
import shutil
import signal
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from server.tests.cluster.harness import Cluster, Written, join_token, load, newcomer, until, urn
from server.tests.process import SERVER
from tools.cluster import __main__ as command
from tools.cluster import etcd, process
from tools.cluster.state import NodeState

pytestmark = pytest.mark.skipif(
    shutil.which("etcd") is None, reason="etcd is not installed; on Debian: apt-get install -y etcd-server"
)
_AWAY_S = 5.0


@pytest.fixture
def on_etcd(tmp_path: Path) -> Iterator[Cluster]:
    with Cluster.formed(tmp_path / "cluster", metadata="etcd") as formed:
        yield formed


@contextmanager
def reads(cluster: Cluster, through: list[NodeState], name: str) -> Iterator[list[int]]:
    """Read an entity strongly through nodes while the body runs; yields the statuses."""
    statuses: list[int] = []
    ended = threading.Event()

    def read() -> None:
        number = 0
        while not ended.is_set():
            number += 1
            statuses.append(cluster.get(through[number % len(through)], name).status_code)

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    try:
        yield statuses
    finally:
        ended.set()
        thread.join(timeout=30)


def all_there(cluster: Cluster, written: Written) -> None:
    assert written.acknowledged
    names = list(written.acknowledged)
    for start in range(0, len(names), 500):
        part = names[start : start + 500]
        answer = cluster.ask(cluster.nodes[0], "POST", "/batch/get", json={"urns": part}, timeout=30.0)
        for name, item in zip(part, answer.json()["items"], strict=True):
            assert item.get("version") == written.acknowledged[name], item


def test_a_cluster_on_etcd_outlives_a_node_and_does_without_etcd_for_a_while(on_etcd: Cluster) -> None:
    cluster = on_etcd
    (member,) = cluster.state.etcd
    assert etcd.healthy(member)
    assert Path(member.data, "member").is_dir()
    name = urn(collection="load")
    assert cluster.put(cluster.nodes[0], name, {"a": 1}).status_code == 201
    assert {cluster.get(node, name).status_code for node in cluster.nodes} == {200}

    # A node dies.
    victim, *others = cluster.nodes
    with load(cluster, others) as written:
        time.sleep(1.0)
        cluster.kill(victim)
        time.sleep(2.0)
    assert set(written.statuses) == {201}, (written.statuses, written.errors[:3])
    cluster.start(victim)
    cluster.whole()
    all_there(cluster, written)

    # etcd is away, longer than the nodes' leases are; then a node dies, and starts again without it.
    with load(cluster, others) as written, reads(cluster, others, name) as seen:
        process.send(member, signal.SIGTERM)
        assert process.wait_gone(member)
        time.sleep(_AWAY_S)
        before = len(written.acknowledged)
        cluster.kill(victim)
        time.sleep(2.0)
        assert len(written.acknowledged) > before
        cluster.start(victim)
    assert set(written.statuses) == {201}, (written.statuses, written.errors[:3])
    assert set(seen) == {200}
    refused = cluster.ask(others[0], "POST", "/namespaces/app/collections", json={"name": "late", "model": "document"})
    assert (refused.status_code, refused.json()["code"]) == (503, "metadata_unavailable")

    # And it is back.
    etcd.start(cluster.state.etcd)
    cluster.whole()
    all_there(cluster, written)

    def created() -> bool:
        body = {"name": "late", "model": "document"}
        status = cluster.ask(victim, "POST", "/namespaces/app/collections", json=body).status_code
        return status in (httpx.codes.CREATED, httpx.codes.CONFLICT)

    until(created, "a change of the metadata")
    assert {cluster.put(node, urn(collection="late"), {}).status_code for node in cluster.nodes} == {201}


def test_etcd_takes_no_client_without_a_certificate_of_its_own_authority(on_etcd: Cluster) -> None:
    (member,) = on_etcd.state.etcd
    own, foreign = Path(member.certs), Path(on_etcd.state.dir, "certs")

    def answers(certificate: Path | None, key: Path | None) -> bool:
        context = ssl.create_default_context(cafile=str(own / "ca.pem"))
        if certificate is not None:
            context.load_cert_chain(certificate, key)
        try:
            return httpx.get(f"https://{member.client}/version", verify=context).is_success
        except httpx.TransportError:
            return False

    assert answers(own / "themis.pem", own / "themis-key.pem")
    assert not answers(None, None)
    assert not answers(foreign / "node-1.pem", foreign / "node-1-key.pem")


def test_the_command_starts_stops_and_shows_an_etcd_of_three(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with Cluster.formed(tmp_path / "cluster", nodes=1, metadata="etcd", etcd_members=3, shards=1) as cluster:

        def run(*words: str) -> str:
            assert command.main([*words, "--data", cluster.state.dir]) == 0
            return capsys.readouterr().out

        assert [member.id for member in cluster.state.etcd] == ["etcd-1", "etcd-2", "etcd-3"]
        run("kill", "etcd-2")

        def shown() -> list[tuple[str, bool]]:
            document = json.loads(run("status", "-o", "json"))
            assert document["metadata"] == "etcd"
            return [(one["process"], one["healthy"]) for one in document["etcd"]]

        wanted = [("running", True), ("stopped", False), ("running", True)]
        until(lambda: shown() == wanted, "two members that are well")  # they elect a leader first, if it was that one
        assert cluster.put(cluster.nodes[0], urn(), {}).status_code == 201
        assert "etcd-2 is ready at 127.0.0.1:" in run("start", "etcd-2")
        run("stop", "etcd-1")
        run("down")
        document = json.loads(run("status", "-o", "json"))
        assert {one["process"] for one in [*document["nodes"], *document["etcd"]]} == {"stopped"}
        out = run("up")
        assert "etcd-3 is ready" in out
        assert "node-1 is ready" in out
        run("down", "--delete")
        assert not Path(cluster.state.dir).exists()
        cluster.nodes.clear()  # there are no logs to look at


# Restored from a backup that is older than what the nodes have seen


def write_back(node: NodeState, *flags: str) -> subprocess.CompletedProcess[str]:
    """Run `themis-server metadata write-back` as an operator would on the node's machine."""
    settings = [part for name, value in node.settings.items() for part in ("--set", f"{name}={value}")]
    return subprocess.run(
        [str(SERVER), "metadata", "write-back", *settings, *flags],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def create(cluster: Cluster, node: NodeState, name: str) -> httpx.Response:
    return cluster.ask(node, "POST", "/namespaces/app/collections", json={"name": name, "model": "document"})


def test_a_restored_etcd_is_given_what_the_nodes_know_and_nothing_is_lost(on_etcd: Cluster) -> None:
    cluster = on_etcd
    (member,) = cluster.state.etcd
    first, second, third = cluster.nodes
    backup = Path(cluster.state.dir, "backup")
    dropped = urn(collection="dropped")
    assert cluster.put(first, dropped, {}).status_code == 201
    old_token = json.loads(cluster.admin("join-token", "create", "-o", "json").stdout)

    process.send(member, signal.SIGTERM)
    assert process.wait_gone(member)
    shutil.copytree(member.data, backup)
    etcd.start([member])

    # What happens after the backup: a collection comes, one goes, a token is revoked, a node joins.
    until(lambda: create(cluster, first, "late").status_code in (201, 409), "a collection")
    kept = [urn(number, "late") for number in range(5)]
    assert {cluster.put(second, name, {"a": 1}).status_code for name in kept} == {201}
    assert cluster.ask(first, "DELETE", "/namespaces/app/collections/dropped").status_code == 200
    assert cluster.admin("join-token", "revoke", old_token["token_id"]).returncode == 0
    fourth = newcomer(cluster, "node-4", join_token(cluster))
    cluster.nodes.append(fourth)
    cluster.start(fourth)
    cluster.whole()
    number = cluster.ask(first, "GET", "/namespaces/app/collections/late").json()

    # The backup is put in its place: nobody believes it.
    process.send(member, signal.SIGTERM)
    assert process.wait_gone(member)
    shutil.rmtree(member.data)
    shutil.copytree(backup, member.data)
    etcd.start([member])
    for node in cluster.nodes:
        until(lambda node=node: create(cluster, node, "x").json().get("code") == "metadata_outdated", "a refusal")  # type: ignore[misc]
    assert {cluster.get(node, kept[0]).status_code for node in cluster.nodes} == {200}

    # The nodes' knowledge is written back by one of them.
    epoch = cluster.topology()["epoch"]
    assert "stop it first" in write_back(first, "--yes").stderr
    cluster.stop(first)
    cluster.stop(second)
    alone = write_back(first, "--yes")
    assert alone.returncode == 1
    assert "node-2 does not answer, and may know more" in alone.stderr
    cluster.start(second)
    shown = write_back(first)
    assert shown.returncode == 0, shown.stderr
    assert f"topology: epoch {epoch + 1}, 4 nodes" in shown.stdout
    assert "Nothing was changed." in shown.stdout
    assert create(cluster, third, "x").json()["code"] == "metadata_outdated"
    done = write_back(first, "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "node-4 goes on with it." in done.stdout
    cluster.start(first)
    cluster.whole()

    # Everything is as it was before the restoration, and goes on.
    assert cluster.topology()["epoch"] > epoch
    assert cluster.ask(first, "GET", "/namespaces/app/collections/late").json() == number
    for node in cluster.nodes:
        assert {cluster.get(node, name).status_code for name in kept} == {200}
        assert cluster.get(node, dropped).json()["code"] == "collection_not_found"
        made = create(cluster, node, f"from-{node.id}")
        assert made.status_code == 201, made.text
        altered = cluster.ask(
            node, "PATCH", "/namespaces/app/collections/late", json={"options": {"description": node.id}}
        )
        assert altered.status_code == 200, altered.text
    assert cluster.ask(first, "GET", "/api/admin/join-tokens").json()["items"] == []
    until(lambda: cluster.admin("status").returncode == 0, "a cluster without findings")
    cluster.stop(first)
    assert "nothing to write back" in write_back(first, "--yes").stdout
