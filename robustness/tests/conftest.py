"""A cluster of one real node, for what needs no other."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from robustness.cluster import Cluster
from robustness.undo import Undo
from tools.cluster.state import ClusterState, NodeState

HOST = "127.77.1.1"


@pytest.fixture
def undo() -> Iterator[Undo]:
    with Undo() as made:
        yield made


@pytest.fixture
def cluster(tmp_path: Path, undo: Undo) -> Iterator[Cluster]:
    """One node, ready, with an address of its own."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port = probe.getsockname()[1]
    node = NodeState(
        id="node-1",
        endpoint=f"http://{HOST}:{port}",
        peer=f"{HOST}:{port + 1}",
        data=str(tmp_path / "node-1" / "data"),
        log=str(tmp_path / "node-1.log"),
        settings={
            "node.data_dir": str(tmp_path / "node-1" / "data"),
            "http.host": HOST,
            "http.port": str(port),
            "log.format": "json",
            "shards.count": "2",
        },
    )
    state = ClusterState(dir=str(tmp_path), nodes=[node], replicas=1)
    made = Cluster(state, undo, disposable=True)
    made.start_all()
    yield made
    for each in made.nodes.values():
        each.kill()
