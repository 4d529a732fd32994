"""The state file of a local cluster: everything needed to find, end and start its nodes again."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

FILE = "cluster.json"
_FORMAT = 1


class ClusterError(Exception):
    """The cluster cannot do what was asked; the text says why and what to do."""


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


class ClusterState(msgspec.Struct, kw_only=True):
    """A cluster as it was last left."""

    dir: str
    nodes: list[NodeState]
    metadata: str = "embedded"
    replicas: int = 3
    format: int = _FORMAT

    def node(self, name: str) -> NodeState:
        """Return a node by its id or its number (1 is node-1); raises `ClusterError`."""
        for node in self.nodes:
            if name in (node.id, node.id.removeprefix("node-")):
                return node
        raise ClusterError(f"There is no node {name!r}; there are {', '.join(node.id for node in self.nodes)}.")

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
