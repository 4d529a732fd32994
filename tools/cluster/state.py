"""The state file of a local cluster: everything needed to find, end and start its nodes again."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Protocol

import msgspec

FILE = "cluster.json"
_FORMAT = 1


class ClusterError(Exception):
    """The cluster cannot do what was asked; the text says why and what to do."""


class Program(Protocol):
    """A process of the cluster, whatever it runs: what it takes to find it again, to signal it and to read its log."""

    id: str
    log: str
    pid: int
    started: int


class NodeState(msgspec.Struct, kw_only=True):
    """One node: who it is, where it listens, how it is started and which process it is."""

    id: str
    endpoint: str
    """URL of its client port."""
    peer: str
    """HOST:PORT of its peer port."""
    data: str
    log: str
    settings: dict[str, str]
    """What is given to `themis-server start --set`."""
    environment: dict[str, str] = {}
    wrapper: list[str] = []
    """What runs the server, e.g. `ip netns exec NAME`."""
    program: str = ""
    """The `themis-server` that it is; empty: this tree's."""
    pid: int = 0
    """0 while it is not running."""
    started: int = 0
    """Start time of that process in clock ticks since boot (proc(5), field 22), so that no other is taken for it."""

    @property
    def client_port(self) -> int:
        """The port of its endpoint."""
        return int(self.endpoint.rpartition(":")[2])

    @property
    def client_host(self) -> str:
        """The host of its endpoint."""
        return self.endpoint.partition("://")[2].rpartition(":")[0]


class EtcdState(msgspec.Struct, kw_only=True):
    """One member of the etcd beside a cluster that keeps its metadata there."""

    id: str
    client: str
    """HOST:PORT for clients, TLS on both sides."""
    peer: str
    """HOST:PORT for the other members, the same."""
    data: str
    log: str
    certs: str
    """The folder with the authority of this etcd, and the certificates of its members and clients."""
    pid: int = 0
    """0 while it is not running."""
    started: int = 0
    """As of a node."""


class ClusterState(msgspec.Struct, kw_only=True):
    """A cluster as it was last left."""

    dir: str
    nodes: list[NodeState]
    metadata: str = "embedded"
    replicas: int = 3
    etcd: list[EtcdState] = []
    """Empty with embedded metadata."""
    format: int = _FORMAT

    @property
    def programs(self) -> list[NodeState | EtcdState]:
        """All processes: what others need is stopped last, so it stands last."""
        return [*self.nodes, *self.etcd]

    def node(self, name: str) -> NodeState:
        """Return a node by its id or its number (1 is node-1); raises `ClusterError`."""
        for node in self.nodes:
            if name in (node.id, node.id.removeprefix("node-")):
                return node
        raise ClusterError(f"There is no node {name!r}; there are {', '.join(node.id for node in self.nodes)}.")

    def program(self, name: str) -> NodeState | EtcdState:
        """Return a node as `node` does, or a member of etcd by its id; raises `ClusterError`."""
        return next((member for member in self.etcd if member.id == name), None) or self.node(name)

    def save(self) -> None:
        """Write the state file, whole or not at all."""
        file = Path(self.dir) / FILE
        partial = file.with_suffix(".partial")
        partial.write_bytes(msgspec.json.format(msgspec.json.encode(self), indent=2) + b"\n")
        os.replace(partial, file)


def load(directory: Path) -> ClusterState:
    """Read the state of the cluster in `directory`; raises `ClusterError` if there is none."""
    file = directory / FILE
    try:
        state = msgspec.json.decode(file.read_bytes(), type=ClusterState)
    except FileNotFoundError as error:
        raise ClusterError(f"There is no cluster in {directory}. Make one: ./themis cluster up --nodes 3") from error
    except (OSError, msgspec.MsgspecError) as error:
        raise ClusterError(f"{file} cannot be read: {error}") from error
    if state.format > _FORMAT:
        raise ClusterError(f"{file} was written by a newer release (format {state.format}).")
    return state
