"""A node whose disk has nothing left: others lead, it says so, reads are right, and it comes back by itself."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from server.tests.cluster.harness import Cluster, load, until, urn
from tools.cluster.state import NodeState

_ROOM_BYTES = 256 << 20
_FAILOVER_S = 3.0
_FULL_S = 3.0


@contextmanager
def on_a_small_disk(cluster: Cluster, node: NodeState) -> Iterator[Path]:
    """Have a node's data on a file system of its own; yields a file there that takes up space."""
    data = Path(node.data)
    aside = data.with_name(f"{data.name}.aside")
    cluster.stop(node)
    data.rename(aside)
    data.mkdir()
    size = sum(file.stat().st_size for file in aside.rglob("*") if file.is_file()) * 2 + _ROOM_BYTES
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(data)], check=True, capture_output=True)
    try:
        shutil.copytree(aside, data, dirs_exist_ok=True)
        cluster.start(node)
        cluster.whole()
        yield data / "ballast"
    finally:
        subprocess.run(["umount", "--lazy", str(data)], check=True)


def fill(ballast: Path) -> None:
    """Take up all the space that there is, to the last byte."""
    with ballast.open("ab", buffering=0) as stream:
        for piece_bytes in (64 << 20, 1 << 20, 4096, 1):
            with suppress(OSError):
                while True:
                    os.posix_fallocate(stream.fileno(), stream.seek(0, os.SEEK_END), piece_bytes)


def _health(cluster: Cluster, asked: NodeState, of: NodeState) -> tuple[str, list[str]]:
    nodes = cluster.ask(asked, "GET", "/api/admin/nodes").json()["items"]
    (found,) = [node for node in nodes if node["node_id"] == of.id]
    return found["health"], found["reasons"]


@pytest.mark.skipif(os.geteuid() != 0, reason="to mount a small file system takes root")
def test_a_disk_without_a_byte_left_moves_its_leaders_and_fails_no_write(own_cluster: Cluster) -> None:
    cluster = own_cluster
    victim, *others = cluster.nodes
    with on_a_small_disk(cluster, victim) as ballast:
        until(lambda: list(cluster.leaders().values()).count(victim.id) > 0, "a shard that it leads", 60)
        seen = urn(1)
        assert cluster.put(others[0], seen, {"v": 1}).status_code == 201
        until(lambda: cluster.get(victim, seen, consistency="eventual").status_code == 200, "the replica has it")

        with load(cluster, cluster.nodes) as written:
            time.sleep(1.0)
            fill(ballast)
            assert os.statvfs(ballast).f_bavail == 0
            time.sleep(_FULL_S)

            assert victim.id not in {cluster.leader_of(name).id for name in list(written.acknowledged)[-30:]}
            assert _health(cluster, others[0], victim) == (
                "degraded",
                ["its disk is full up to the reserve: it refuses writes"],
            )
            assert cluster.metric(victim, "themis_node_degraded") == 1
            # It answers by itself what it can, and by others what it cannot.
            newest = list(written.acknowledged)[-1]
            assert cluster.get(victim, newest).json() is not None
            assert cluster.get(victim, newest).headers["Themis-Node"] != victim.id
            stale = cluster.get(victim, seen, consistency="eventual")
            assert (stale.status_code, stale.headers["Themis-Node"]) == (200, victim.id)
            answer = cluster.put(victim, seen, {"v": 2})
            assert (answer.status_code, cluster.get(victim, seen).json()) == (200, {"v": 2}), answer.text

            ballast.unlink()
            until(lambda: _health(cluster, others[0], victim)[0] == "healthy", "the node to be well again")
            time.sleep(0.5)

        assert set(written.statuses) == {201}, (written.statuses, written.errors[:3])
        assert written.longest_s < _FAILOVER_S
        cluster.whole()
        for name in list(written.acknowledged)[-40:]:
            until(
                lambda name=name: (
                    cluster.get(victim, name, consistency="eventual").headers.get("Themis-Node")  # type: ignore[misc]
                    == victim.id
                ),
                "the node that was full to have it",
            )
