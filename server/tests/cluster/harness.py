"""What tests do with a cluster: requests to any node, load in the background, nodes that come and go."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from themis_server.security import certificates
from tools.cluster import forming, process
from tools.cluster.state import ClusterState, NodeState

ADMIN = Path(sys.executable).parent / "themis-admin"
# Faults are what these tests make, so these are no surprise in a log.
_EXPECTED_ERRORS = {"node.dismissed", "node.estranged"}


def urn(number: int | None = None, collection: str = "things") -> str:
    """Return the URN of an entity, of a number or of none that was there before."""
    key = uuid.uuid4() if number is None else uuid.UUID(int=number + 1)
    return f"urn:themis:document:app:{collection}:{key}"


class Cluster:
    """A formed cluster and short ways to do things with it."""

    def __init__(self, state: ClusterState) -> None:
        self.state = state
        self.nodes = state.nodes

    @classmethod
    @contextmanager
    def formed(cls, directory: Path, *, nodes: int = 3, **plan: Any) -> Iterator[Cluster]:
        """Form a cluster in `directory`; end every process of it afterwards."""
        settings = {"cluster.node_lease_s": "3", "log.level": "info", **plan.pop("settings", {})}
        base = forming.free_base_port(nodes + plan.get("read_replicas", 0) + 2)
        state = forming.form(
            forming.Plan(directory=directory, nodes=nodes, base_port=base, settings=settings, **plan), lambda line: None
        )
        made = cls(state)
        try:
            yield made
        finally:
            made.close()
        made.check_logs()

    def close(self) -> None:
        """End every process."""
        forming.end_all(self.state)

    def check_logs(self) -> None:
        """Fail if a node logged an error."""
        for node in self.nodes:
            for line in Path(node.log).read_text(errors="replace").splitlines():
                if not line.startswith("{"):
                    continue
                event = json.loads(line)
                if event.get("level") == "error" and event.get("event") not in _EXPECTED_ERRORS:
                    raise AssertionError(f"{node.id}: {line[:800]}")

    def node(self, name: str) -> NodeState:
        """Return a node by its name."""
        return self.state.node(name)

    # Requests

    def ask(self, node: NodeState, method: str, path: str, **options: Any) -> httpx.Response:
        """Make one request to a node."""
        with httpx.Client(base_url=node.endpoint, timeout=options.pop("timeout", 15.0)) as client:
            return client.request(method, path, **options)

    def put(self, node: NodeState, name: str, document: Mapping[str, Any], **headers: str) -> httpx.Response:
        """Write an entity through a node."""
        return self.ask(node, "PUT", f"/entity/{name}", json=document, headers=headers)

    def get(self, node: NodeState, name: str, headers: Mapping[str, str] | None = None, **query: Any) -> httpx.Response:
        """Read an entity through a node."""
        return self.ask(node, "GET", f"/entity/{name}", params=query, headers=headers or {})

    def topology(self, node: NodeState | None = None) -> dict[str, Any]:
        """Return the topology as a node (the first that runs) knows it."""
        asked = node or next(node for node in self.nodes if process.alive(node) and not process.paused(node))
        document: dict[str, Any] = self.ask(asked, "GET", "/topology").json()
        return document

    def leaders(self) -> dict[str, str | None]:
        """Return who leads each shard."""
        return {shard["shard_id"]: shard["leader"] for shard in self.topology()["shards"]}

    def leader_of(self, name: str) -> NodeState:
        """Return the node that answers strong reads of an entity, after it was written."""
        return self.node(self.get(self.nodes[0], name).headers["Themis-Node"])

    def metric(self, node: NodeState, name: str) -> float:
        """Return a figure of a node, summed up over its labels; 0 if it is absent."""
        lines = self.ask(node, "GET", "/metrics").text.splitlines()
        return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith((f"{name} ", f"{name}{{")))

    def admin(self, *arguments: str, node: NodeState | None = None) -> subprocess.CompletedProcess[str]:
        """Run themis-admin against a node (all of them, if none is given)."""
        endpoints = [node] if node else [n for n in self.nodes if process.alive(n)]
        flags = [part for asked in endpoints for part in ("--endpoint", asked.endpoint)]
        return subprocess.run(
            [str(ADMIN), *arguments, *flags], capture_output=True, text=True, timeout=120, check=False
        )

    # Nodes come and go

    def kill(self, node: NodeState) -> None:
        """End a node at once."""
        process.send(node, signal.SIGKILL)
        assert process.wait_gone(node)

    def stop(self, node: NodeState) -> None:
        """Stop a node cleanly."""
        process.send(node, signal.SIGTERM)
        assert process.wait_gone(node), Path(node.log).read_text()[-2000:]

    def start(self, node: NodeState) -> None:
        """Start a node, and wait until it takes requests."""
        process.spawn(node)
        process.wait_ready(node)

    def whole(self) -> None:
        """Wait until every shard has a leader and all its replicas."""
        forming.wait_whole(self.state)


def newcomer(cluster: Cluster, name: str, token: str, **settings: str) -> NodeState:
    """Describe a node that joins the cluster, with a certificate of its CA."""
    directory = Path(cluster.state.dir)
    first = cluster.nodes[0]
    port = 1 + max(node.client_port for node in cluster.nodes)
    file = directory / f"{name}.token"
    file.write_text(token)
    if not (directory / "certs" / f"{name}.pem").exists():
        authority = certificates.load_ca(directory / "certs")
        certificates.issue_node(authority, name, ["127.0.0.1"], directory / "certs", now=datetime.now(UTC))
    node = NodeState(
        id=name,
        endpoint=f"http://127.0.0.1:{port}",
        peer=f"127.0.0.1:{port + 1000}",
        data=str(directory / name),
        log=str(directory / f"{name}.log"),
        settings={
            **first.settings,
            "node.id": name,
            "node.data_dir": str(directory / name),
            "node.rack": f"rack-{name}",
            "http.port": str(port),
            "peer.port": str(port + 1000),
            "peer.tls_cert": str(directory / "certs" / f"{name}.pem"),
            "peer.tls_key": str(directory / "certs" / f"{name}-key.pem"),
            "cluster.join": first.peer,
            "cluster.join_token_file": str(file),
            **settings,
        },
    )
    Path(node.log).unlink(missing_ok=True)
    return node


def join_token(cluster: Cluster) -> str:
    """Make a join token."""
    made = cluster.admin("join-token", "create", "--ttl", "600")
    assert made.returncode == 0, made.stderr
    return made.stdout.strip()


@dataclass
class Written:
    """What one writer was told."""

    acknowledged: dict[str, int] = field(default_factory=dict)
    """URN -> version."""
    statuses: Counter[int | str] = field(default_factory=Counter)
    longest_s: float = 0.0
    errors: list[str] = field(default_factory=list)


@contextmanager
def load(cluster: Cluster, through: list[NodeState], *, writers: int = 4) -> Iterator[Written]:
    """Write new entities through nodes, each with an idempotency key, while the body of the `with` runs."""
    written = Written()
    ended = threading.Event()

    def write(number: int) -> None:
        node = through[number % len(through)]
        with httpx.Client(base_url=node.endpoint, timeout=15.0) as client:
            while not ended.is_set():
                name, began_s = urn(collection="load"), time.monotonic()
                try:
                    answer = client.put(
                        f"/entity/{name}", json={"by": number}, headers={"Idempotency-Key": str(uuid.uuid4())}
                    )
                except httpx.HTTPError as error:
                    written.statuses[type(error).__name__] += 1
                    continue
                written.longest_s = max(written.longest_s, time.monotonic() - began_s)
                written.statuses[answer.status_code] += 1
                if answer.status_code == httpx.codes.CREATED:
                    written.acknowledged[name] = answer.json()["version"]
                else:
                    written.errors.append(answer.text)

    threads = [threading.Thread(target=write, args=(number,), daemon=True) for number in range(writers)]
    for thread in threads:
        thread.start()
    try:
        yield written
    finally:
        ended.set()
        for thread in threads:
            thread.join(timeout=30)


def until(probe: Callable[[], object], what: str, timeout_s: float = 30.0) -> None:
    """Wait until `probe` returns something true."""
    deadline_s = time.monotonic() + timeout_s
    while not probe():
        assert time.monotonic() < deadline_s, f"waited {timeout_s:g} s for {what}"
        time.sleep(0.05)
