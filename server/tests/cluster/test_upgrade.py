"""This release and the one before in one cluster: nodes are restarted as the other one, and nothing is lost.

The nodes of the release before are real ones (`tools.previous`). Clients are the SDK's, as an application has it: what
its rules retry is no failure, and what it reports is one.
"""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
import struct
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from robustness.checkers import replicas
from robustness.survey import when_quiet
from robustness.workloads.callers import NAMESPACE
from server.tests.cluster.harness import Cluster, join_token, newcomer, until, urn
from themis import ThemisClient
from themis.errors import ThemisError
from themis_server import __version__
from themis_server.ids import raft_id
from themis_server.peer.hello import SPOKEN, Hello, Refusal, Versions, decode_greeting, encode_hello
from themis_server.peer.identity import Identity
from themis_server.peer.sockets import KIND_RAFT, preamble
from themis_server.storage.directory import FORMAT
from tools import previous
from tools.cluster import process
from tools.cluster.state import ClusterError, NodeState

_LOAD_S = 1.0
_COLLECTION = "upgrade"
_CALL_S = 20.0
MAJOR, MINOR = map(int, __version__.split(".")[:2])


@pytest.fixture(scope="module")
def before() -> str:
    """The `themis-server` of the release before."""
    return str(previous.prepare().program)


@dataclass
class Told:
    """What clients were told while nodes came and went."""

    acknowledged: dict[str, int] = field(default_factory=dict)
    """uuid -> version of the last write that was acknowledged."""
    failures: list[str] = field(default_factory=list)
    stale: list[str] = field(default_factory=list)
    """Strong reads that answered less than what had been acknowledged before they began."""


@contextmanager
def clients(cluster: Cluster, number: int = 4) -> Iterator[Told]:
    """Write, read and write again with the SDK while the body of the `with` runs, each client keys of its own."""
    told = Told()
    ended = threading.Event()

    def client(at: int) -> None:
        endpoints = [node.endpoint for node in (*cluster.nodes[at % 3 :], *cluster.nodes[: at % 3])]
        with ThemisClient(endpoints, namespace=NAMESPACE, timeout=_CALL_S) as db:
            own: list[str] = []
            while not ended.is_set():
                try:
                    key = str(uuid.uuid4()) if len(own) % 3 or not own else own[len(own) // 2]
                    told.acknowledged[key] = db.put("document", _COLLECTION, key, {"by": at}).version
                    own.append(key)
                    check = own[len(own) // 3]
                    found = db.get_entity("document", _COLLECTION, check)
                    if found is None or found.version < told.acknowledged[check]:
                        told.stale.append(f"{check}: {found}, {told.acknowledged[check]} was acknowledged")
                except ThemisError as error:
                    told.failures.append(repr(error))

    threads = [threading.Thread(target=client, args=(at,), daemon=True) for at in range(number)]
    for thread in threads:
        thread.start()
    try:
        yield told
    finally:
        ended.set()
        for thread in threads:
            thread.join(timeout=2 * _CALL_S)


def restart_as(cluster: Cluster, node: NodeState, program: str) -> None:
    """Stop a node cleanly and start it as another release, then wait as the manual says."""
    cluster.stop(node)
    node.program = program
    cluster.start(node)
    assert _runs_before(node) == (program != "")
    cluster.whole()
    until(lambda: cluster.admin("status").returncode == 0, "themis-admin status to be content", 60)


def _runs_before(node: NodeState) -> bool:
    """Whether the process of a node is the release before, by the interpreter that it runs on."""
    return str(previous.known().home).encode() in Path(f"/proc/{node.pid}/cmdline").read_bytes()


def nothing_lost(cluster: Cluster, told: Told) -> None:
    """Check what every client was told against what is there, and every replica against the others."""
    assert told.failures == []
    assert told.stale == []
    assert len(told.acknowledged) > 50, "the load was too small to prove anything"
    endpoints = {node.id: node.endpoint for node in cluster.nodes}
    by_node = asyncio.run(when_quiet(endpoints, [_COLLECTION], 30.0))
    verdict = replicas.check(by_node, nodes_min=3)
    assert verdict.result == "pass", verdict
    for node_id, copies in by_node.items():
        assert {copy.urn.rpartition(":")[2]: copy.version for copy in copies} == told.acknowledged, node_id


def test_a_rolling_upgrade_under_load_fails_no_call_and_loses_nothing(tmp_path: Path, before: str) -> None:
    with Cluster.formed(tmp_path / "cluster", program=before) as cluster:
        with clients(cluster) as told:
            for node in cluster.nodes:
                time.sleep(_LOAD_S)
                restart_as(cluster, node, "")
            time.sleep(_LOAD_S)
        nothing_lost(cluster, told)


def test_a_node_goes_back_while_the_upgrade_is_under_way(tmp_path: Path, before: str) -> None:
    """Two of three are upgraded, one of them goes back, and in the end all do: no step needs the one after it."""
    with Cluster.formed(tmp_path / "cluster", program=before) as cluster:
        one, two, _ = cluster.nodes
        with clients(cluster) as told:
            for node, program in ((one, ""), (two, ""), (one, before), (two, before)):
                restart_as(cluster, node, program)
                time.sleep(_LOAD_S)
        nothing_lost(cluster, told)


def _leads(cluster: Cluster, node: NodeState) -> int:
    return list(cluster.leaders().values()).count(node.id)


def test_two_releases_elect_replicate_and_read_together(tmp_path: Path, before: str) -> None:
    with Cluster.formed(tmp_path / "cluster", program=before) as cluster:
        newer = cluster.nodes[0]
        restart_as(cluster, newer, "")
        assert [node.program == "" for node in cluster.nodes] == [True, False, False]
        until(lambda: all(_leads(cluster, node) for node in cluster.nodes), "leaders of both releases", 60)

        for number in range(24):
            through, name = cluster.nodes[number % 3], urn(number)
            written = cluster.put(through, name, {"n": number})
            assert written.status_code == 201, written.text
            session = {"Themis-Session": written.headers["Themis-Session"]}
            for node in cluster.nodes:
                assert cluster.get(node, name).json() == {"n": number}
                for query in ({"consistency": "eventual"}, {"consistency": "bounded", "max_lag_ms": 5000}):
                    answer = cluster.get(node, name, session, **query)
                    assert (answer.status_code, answer.json()) == (200, {"n": number}), (node.id, query)

        # A leader of either release dies, and the others replace it.
        with clients(cluster) as told:
            for victim in (newer, cluster.nodes[1]):
                time.sleep(_LOAD_S)
                until(lambda victim=victim: _leads(cluster, victim) > 0, "a shard that it leads", 60)  # type: ignore[misc]
                cluster.kill(victim)
                until(lambda: None not in cluster.leaders().values(), "leaders among the others")
                cluster.start(victim)
                cluster.whole()
        nothing_lost(cluster, told)


def test_nodes_of_either_release_join_are_drained_and_removed_while_both_run(tmp_path: Path, before: str) -> None:
    with Cluster.formed(tmp_path / "cluster", program=before) as cluster:
        newer, older, stays = cluster.nodes
        restart_as(cluster, newer, "")
        with clients(cluster) as told:
            # Each comes in through a node of the other release.
            fourth = _joined(cluster, "node-4", before, through=newer)
            _leaves(cluster, older, asked=stays)
            fifth = _joined(cluster, "node-5", "", through=stays)
            _leaves(cluster, newer, asked=fifth)
            assert [_runs_before(node) for node in (stays, fourth, fifth)] == [True, True, False]
            cluster.whole()
            time.sleep(_LOAD_S)
        assert {node["node_id"] for node in cluster.topology(fourth)["nodes"]} == {stays.id, "node-4", "node-5"}
        nothing_lost(cluster, told)


def _joined(cluster: Cluster, name: str, program: str, *, through: NodeState) -> NodeState:
    """Have a node of a release join, and wait until it has replicas."""
    node = newcomer(cluster, name, join_token(cluster), **{"cluster.join": through.peer})
    node.program = program
    cluster.start(node)
    cluster.nodes.append(node)
    until(lambda: _voters(cluster, node) >= 2, f"replicas on {name}", 60)
    return node


def _leaves(cluster: Cluster, node: NodeState, *, asked: NodeState) -> None:
    """Have a node drained and removed, and wait until it has noticed."""
    drained = cluster.admin("drain", node.id, "--wait", "--timeout", "90", node=asked)
    assert drained.returncode == 0, drained.stderr
    removed = cluster.admin("remove-node", node.id, node=asked)
    assert removed.returncode == 0, removed.stderr
    until(lambda: not process.alive(node), f"the end of {node.id}")
    cluster.nodes.remove(node)


def _voters(cluster: Cluster, node: NodeState) -> int:
    found = json.loads(cluster.admin("nodes", "-o", "json").stdout)["items"]
    return int(next((each["replicas"]["voters"] for each in found if each["node_id"] == node.id), 0))


def test_each_release_takes_a_snapshot_of_the_other(tmp_path: Path, before: str) -> None:
    settings = {"raft.log_retain_bytes": str(1 << 20), "raft.log_compact_bytes": str(1 << 20)}
    with Cluster.formed(tmp_path / "cluster", shards=2, settings=settings, program=before) as cluster:
        first, second, third = cluster.nodes
        _miss_much(cluster, third, as_program="", collection="old-to-new")
        restart_as(cluster, second, "")
        _miss_much(cluster, first, as_program=before, collection="new-to-old")
        assert [_runs_before(node) for node in cluster.nodes] == [True, False, False]


def _miss_much(cluster: Cluster, lagging: NodeState, *, as_program: str, collection: str) -> None:
    """Stop a node, write more than logs are kept for, start it as a release, and wait until it has a snapshot of it."""
    cluster.stop(lagging)
    others = [node for node in cluster.nodes if node is not lagging]
    names = [urn(number, collection) for number in range(4000)]
    for start in range(0, len(names), 500):
        items = [{"urn": name, "doc": {"text": "x" * 2000}} for name in names[start : start + 500]]
        answer = cluster.ask(others[0], "POST", "/batch/put", json={"items": items}, timeout=60.0)
        assert all("version" in item for item in answer.json()["items"])
        time.sleep(0.6)  # the log is looked at for compaction twice a second
    installed = _installed(lagging)
    lagging.program = as_program
    cluster.start(lagging)
    until(lambda: _installed(lagging) > installed, "a snapshot", 60)
    cluster.whole()

    def has_all() -> bool:
        answers = [cluster.get(lagging, name, consistency="eventual") for name in names[::500]]
        return all(a.status_code == 200 and a.headers["Themis-Node"] == lagging.id for a in answers)

    until(has_all, "the data on the node that lagged")


def _installed(node: NodeState) -> int:
    return Path(node.log).read_text(errors="replace").count('"snapshot.installed"')


# What is refused by name


def _greeting(to: NodeState, of: NodeState, versions: Versions, release: str) -> Hello | Refusal:
    """Greet a node as another one, of a release and with the versions of the protocol that it would speak."""
    context = ssl.create_default_context(ssl.Purpose.SERVER_AUTH, cafile=of.settings["peer.tls_ca"])
    context.check_hostname = False
    context.load_cert_chain(of.settings["peer.tls_cert"], of.settings["peer.tls_key"])
    instance = json.loads((Path(of.data) / "node.json").read_text())["instance"]
    identity = Identity(of.settings["node.cluster"], of.id, raft_id(of.id), instance, 1, release)
    payload = encode_hello(identity, versions)
    host, _, port = to.peer.rpartition(":")
    with socket.create_connection((host, int(port)), timeout=20.0) as plain:
        plain.sendall(preamble(KIND_RAFT))
        with context.wrap_socket(plain, server_hostname=host) as stream, stream.makefile("rb") as answers:
            stream.sendall(struct.pack(">I", len(payload)) + payload)
            return decode_greeting(answers.read(int.from_bytes(answers.read(4))))


def _refusals(cluster: Cluster, node: NodeState) -> float:
    found = 0.0
    for line in cluster.ask(node, "GET", "/metrics").text.splitlines():
        if line.startswith("themis_peer_refusals_total{") and 'by="self"' in line and "version_unsupported" in line:
            found += float(line.rpartition(" ")[2])
    return found


@pytest.mark.parametrize(
    ("versions", "release", "named"),
    [
        (Versions(71, 72), __version__, "71 to 72"),
        (SPOKEN, f"{MAJOR}.{MINOR + 2}.0", f"{MAJOR}.{MINOR + 2}.0"),
        (SPOKEN, f"{MAJOR + 1}.0.0", f"{MAJOR + 1}.0.0"),
        (SPOKEN, "0.0.1", "0.0.1"),
    ],
    ids=["versions that nobody speaks", "too new a release", "another major release", "a release that all have left"],
)
def test_who_greets_out_of_range_is_refused_by_name_and_counted(
    cluster: Cluster, versions: Versions, release: str, named: str
) -> None:
    node, other, _ = cluster.nodes
    counted = _refusals(cluster, node)

    answer = _greeting(node, other, versions, release)

    assert isinstance(answer, Refusal)
    assert answer.code == "version_unsupported"
    assert named in answer.detail
    assert other.id in answer.detail
    until(lambda: _refusals(cluster, node) == counted + 1, "the refusal to be counted")


def test_a_directory_of_a_later_format_is_refused_with_both_formats_named(own_cluster: Cluster) -> None:
    cluster = own_cluster
    node = cluster.nodes[2]
    cluster.stop(node)
    file = Path(node.data) / "node.json"
    written = json.loads(file.read_text())
    file.write_text(json.dumps({**written, "format": FORMAT + 7, "later": {"a": 1}}))

    process.spawn(node)
    with pytest.raises(ClusterError) as refused:
        process.wait_ready(node)

    assert process.wait_gone(node)
    assert f"format {FORMAT + 7}" in str(refused.value)
    assert f"to {FORMAT}" in str(refused.value)
    # Nothing of it was touched: the release that wrote it goes on with it.
    assert json.loads(file.read_text())["format"] == FORMAT + 7
    file.write_text(json.dumps(written))
    cluster.start(node)
    cluster.whole()
