"""Making a cluster: certificates, the first node, the others joining it, until every shard has all its replicas.

There is one way in: the first node makes a cluster of one, and every other joins it with a token, as on machines of
their own.
"""

from __future__ import annotations

import http.client
import json
import secrets
import shutil
import signal
import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from themis_server.security import certificates
from tools.cluster import etcd, process
from tools.cluster.state import FILE, ClusterError, ClusterState, EtcdState, NodeState, Program

_SETTLED_TIMEOUT_S = 120.0
_PEER_OFFSET = 1000
_TOKEN_TTL_S = 3600
_CLUSTER = "themis"


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The cluster that is wanted."""

    directory: Path
    nodes: int = 3
    read_replicas: int = 0
    base_port: int = 8080
    """Client port of the first node; the next ones follow, peer ports are 1000 above."""
    shards: int = 8
    replicas: int = 3
    hosts: Literal["one", "each"] = "one"
    """`each`: node N listens on 127.77.0.N, on the same ports all, so that a network can be put between the nodes."""
    racks: int = 0
    """Over how many racks the nodes are spread; 0: each has its own."""
    metadata: Literal["embedded", "etcd"] = "embedded"
    etcd_members: int = 1
    """How many members the etcd beside the cluster has, if there is one."""
    settings: Mapping[str, str] = field(default_factory=dict)
    """Further settings, for all nodes."""
    program: str = ""
    """The `themis-server` that they are; empty: this tree's."""


def form(plan: Plan, say: Callable[[str], None]) -> ClusterState:
    """Make a cluster in an empty directory and wait until it is whole.

    Args:
        plan: The cluster that is wanted.
        say: Is told what happens, a line each.

    Raises:
        ClusterError: A port is taken, a node does not start, or the cluster does not settle.
    """
    _require_new(plan.directory)
    members = _etcd(plan)
    state = ClusterState(
        dir=str(plan.directory),
        nodes=_nodes(plan, etcd.settings(members)),
        metadata=plan.metadata,
        replicas=_replicas(plan),
        etcd=members,
    )
    for node in state.nodes:
        _require_port(node.client_host, node.client_port)
        _require_port(*_address(node.peer))
    for member in members:
        _require_port(*_address(member.client))
        _require_port(*_address(member.peer))
    plan.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    _issue(plan.directory / "certs", state.nodes)
    if members:
        etcd.issue(members)
    state.save()
    first, *others = state.nodes
    try:
        _start_etcd(state, say)
        process.spawn(first)
        state.save()
        process.wait_ready(first)
        say(f"{first.id} is ready at {first.endpoint}")
        if others:
            token = _join_token(first)
            for node in others:
                file = Path(node.settings["cluster.join_token_file"])
                file.touch(mode=0o600)
                file.write_text(token + "\n")
                process.spawn(node)
            state.save()
            for node in others:
                process.wait_ready(node)
                say(f"{node.id} is ready at {node.endpoint}")
        wait_whole(state)
    except BaseException:
        end_all(state)
        raise
    return state


def _start_etcd(state: ClusterState, say: Callable[[str], None]) -> None:
    started = etcd.start(state.etcd)
    state.save()
    for member in started:
        say(f"{member.id} is ready at {member.client}")


def start_again(state: ClusterState, say: Callable[[str], None]) -> None:
    """Start what is not running of a cluster, and wait until it is whole."""
    _start_etcd(state, say)
    stopped = [node for node in state.nodes if not process.alive(node)]
    for node in stopped:
        process.spawn(node)
    state.save()
    for node in stopped:
        process.wait_ready(node)
        say(f"{node.id} is ready at {node.endpoint}")
    wait_whole(state)


def wait_whole(state: ClusterState, timeout_s: float = _SETTLED_TIMEOUT_S) -> None:
    """Wait until every shard has a leader and all its replicas, and every running node knows that."""
    running = [node for node in state.nodes if process.alive(node)]
    why = "no node answers"

    def whole() -> bool:
        nonlocal why
        for node in running:
            if not process.alive(node):
                raise ClusterError(process.failure(node))
            lacking = _lacking(node, state)
            if lacking:
                why = f"{node.id}: {lacking}"
                return False
        return True

    process.wait_for(whole, "the cluster was not whole", timeout_s, lambda: why)


def _lacking(node: NodeState, state: ClusterState) -> str:
    """Say what a node's view of the cluster lacks; empty if it is whole."""
    topology = process.ask_json(node, "/topology")
    if topology is None:
        return "it does not answer"
    missing = {other.id for other in state.nodes} - {known["node_id"] for known in topology["nodes"]}
    if missing:
        return f"it does not know {', '.join(sorted(missing))}"
    leaderless = [shard["shard_id"] for shard in topology["shards"] if shard["leader"] is None]
    if leaderless:
        return f"{len(leaderless)} shards have no leader"
    few = [
        shard["shard_id"]
        for shard in topology["shards"]
        if sum(replica["role"] == "voter" for replica in shard["replicas"]) < state.replicas
    ]
    if few:
        return f"{len(few)} shards have fewer than {state.replicas} replicas"
    listing = process.ask_json(node, "/api/admin/shards")
    unsettled = [shard["shard_id"] for shard in (listing or {"items": []})["items"] if not shard.get("settled")]
    return f"the replicas of {len(unsettled)} shards are still being made" if unsettled or listing is None else ""


def _replicas(plan: Plan) -> int:
    """Return how many replicas shards will have: with too few nodes, an odd number, as an even one helps nobody."""
    if plan.nodes >= plan.replicas:
        return plan.replicas
    return plan.nodes if plan.nodes % 2 else plan.nodes - 1


def _etcd(plan: Plan) -> list[EtcdState]:
    if plan.metadata != "etcd":
        return []
    etcd.require()
    numbers = range(1, plan.etcd_members + 1)
    hosts = [f"127.77.1.{number}" if plan.hosts == "each" else "127.0.0.1" for number in numbers]
    return etcd.plan(plan.directory, plan.etcd_members, hosts, plan.base_port)


def _nodes(plan: Plan, metadata: Mapping[str, str]) -> list[NodeState]:
    nodes: list[NodeState] = []
    for number in range(1, plan.nodes + plan.read_replicas + 1):
        name = f"node-{number}"
        if plan.hosts == "each":
            host, port = f"127.77.0.{number}", plan.base_port
        else:
            host, port = "127.0.0.1", plan.base_port + number - 1
        home = plan.directory / name
        certs = plan.directory / "certs"
        rack = (number - 1) % plan.racks + 1 if plan.racks else number
        settings = {
            "node.id": name,
            "node.cluster": _CLUSTER,
            "node.data_dir": str(home),
            "node.rack": f"rack{rack}",
            "node.kind": "data" if number <= plan.nodes else "read_replica",
            "http.host": host,
            "http.port": str(port),
            "http.allow_insecure": "true",
            "peer.host": host,
            "peer.port": str(port + _PEER_OFFSET),
            "peer.tls_ca": str(certs / "ca.pem"),
            "peer.tls_cert": str(certs / f"{name}.pem"),
            "peer.tls_key": str(certs / f"{name}-key.pem"),
            "shards.count": str(plan.shards),
            "shards.replicas": str(plan.replicas),
            "log.format": "json",
            **metadata,
            **plan.settings,
        }
        if nodes:
            settings["cluster.join"] = nodes[0].peer
            settings["cluster.join_token_file"] = str(plan.directory / f"{name}.token")
        nodes.append(
            NodeState(
                id=name,
                endpoint=f"http://{host}:{port}",
                peer=f"{host}:{port + _PEER_OFFSET}",
                data=str(home),
                log=str(plan.directory / f"{name}.log"),
                settings=settings,
                program=plan.program,
            )
        )
    return nodes


def _issue(directory: Path, nodes: list[NodeState]) -> None:
    now = datetime.now(UTC)
    authority = certificates.make_ca(directory, _CLUSTER, now=now)
    for node in nodes:
        certificates.issue_node(authority, node.id, [node.client_host], directory, now=now)


def _join_token(node: NodeState) -> str:
    try:
        status, body = process.ask(node, "POST", "/api/admin/join-tokens", {"ttl_s": _TOKEN_TTL_S})
    except (OSError, http.client.HTTPException) as error:
        raise ClusterError(f"{node.id} made no join token: {error}") from error
    if status != http.client.CREATED:
        raise ClusterError(f"{node.id} made no join token: {body.decode(errors='replace')}")
    token: str = json.loads(body)["token"]
    return token


def _require_new(directory: Path) -> None:
    if (directory / FILE).exists():
        raise ClusterError(f"There is a cluster in {directory} already. Remove it: ./themis cluster down --delete")
    if directory.exists() and any(directory.iterdir()):
        raise ClusterError(f"{directory} is not empty. Name another place: --data DIR")


def _require_port(host: str, port: int) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise ClusterError(
                f"{host} port {port} cannot be used: {error.strerror}. Choose others: --base-port N"
            ) from error


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    return host, int(port)


def free_base_port(nodes: int) -> int:
    """Return a client port from which on `nodes` ports of each kind (client, peer, those of etcd) are free just now."""
    while True:
        port = 20_000 + secrets.randbelow(9_000)  # with the offsets still below those that the system gives away
        try:
            for offset in range(nodes):
                for kind in (0, _PEER_OFFSET, etcd.CLIENT_OFFSET, etcd.PEER_OFFSET):
                    _require_port("127.0.0.1", port + offset + kind)
        except ClusterError:
            continue
        return port


def delete(state: ClusterState) -> None:
    """Remove everything of a cluster that is down."""
    shutil.rmtree(state.dir)


def stop_all(cluster: ClusterState) -> None:
    """Stop every node, and etcd after them: all are asked at once, and killed only if they do not stop."""
    _stop(cluster.nodes)
    _stop(cluster.etcd)
    cluster.save()


def _stop(programs: Sequence[Program]) -> None:
    running = [program for program in programs if process.alive(program)]
    for program in running:
        if process.paused(program):
            process.send(program, signal.SIGCONT)
        process.send(program, signal.SIGTERM)
    for program in running:
        if not process.wait_gone(program):
            process.send(program, signal.SIGKILL)
            process.wait_gone(program)


def end_all(cluster: ClusterState) -> None:
    """End every process at once, as a crash of the machine would."""
    running = [program for program in cluster.programs if process.alive(program)]
    for program in running:
        process.send(program, signal.SIGKILL)
        process.wait_gone(program)
    if running:
        cluster.save()
