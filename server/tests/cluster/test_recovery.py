"""The majority of the voters is lost for good: the survivors go on with what they have, by `themis-server recover`."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import httpx

from server.tests.cluster.harness import Cluster, Written, join_token, load, newcomer, until, urn
from tools import tree
from tools.cluster import process
from tools.cluster.state import NodeState

_SERVER = tree.VENV / "bin" / "themis-server"
_CONFIRM = "--yes-data-may-be-lost"


def recover(*arguments: object) -> subprocess.CompletedProcess[str]:
    """Run `themis-server recover`."""
    command = [str(_SERVER), "recover", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def surveyed(node: NodeState, directory: Path, name: str = "") -> Path:
    """Survey a stopped node into a file."""
    made = recover("survey", "--data", node.data)
    assert made.returncode == 0, made.stderr
    file = directory / f"{name or node.id}.survey.json"
    file.write_text(made.stdout)
    return file


def planned(file: Path, surveys: Iterable[Path], lost: Iterable[NodeState], *flags: object) -> dict[str, Any]:
    """Make a plan, and return its groups by name."""
    named = ",".join(node.id for node in lost)
    made = recover("plan", *surveys, *(("--lost", named) if named else ()), "--out", file, *flags)
    assert made.returncode == 0, made.stderr
    return {group["name"]: group for group in json.loads(file.read_text())["groups"]}


def applied(node: NodeState, plan: Path) -> None:
    """Apply a plan to a stopped node."""
    done = recover("apply", "--data", node.data, plan, _CONFIRM)
    assert done.returncode == 0, done.stderr


def refused(*arguments: object) -> str:
    """Run `themis-server recover` and return why it refused."""
    done = recover(*arguments)
    assert done.returncode == 1, (done.stdout, done.stderr)
    return done.stderr


def lose(cluster: Cluster, nodes: list[NodeState]) -> list[NodeState]:
    """Kill nodes and take their directories away; return copies of them that could be started again."""
    for node in nodes:
        cluster.kill(node)
    for node in nodes:
        Path(node.data).rename(f"{node.data}.lost")
        cluster.nodes.remove(node)
    return [_moved(node, f"{node.data}.lost") for node in nodes]


def _moved(node: NodeState, data: str) -> NodeState:
    log = f"{node.log}.again"
    settings = {**node.settings, "node.data_dir": data}
    return NodeState(id=node.id, endpoint=node.endpoint, peer=node.peer, data=data, log=log, settings=settings)


def lacking(through: NodeState, written: Written, **query: str) -> list[str]:
    """Return what was acknowledged and is not there, as one node answers it."""
    with httpx.Client(base_url=through.endpoint, timeout=15.0) as client:
        answers = {name: client.get(f"/entity/{name}", params=query) for name in written.acknowledged}
    return [
        f"{name}: {answers[name].status_code} {answers[name].text[:100]}"
        for name, version in written.acknowledged.items()
        if answers[name].headers.get("ETag", "").strip('"') != str(version)
    ]


def all_there(through: NodeState, written: Written) -> None:
    """Check that everything that was acknowledged is there."""
    missing = lacking(through, written)
    assert not missing, (len(missing), missing[:3])


def voters(cluster: Cluster, through: NodeState) -> dict[str, set[str]]:
    """Return who votes in each shard."""
    shards = json.loads(cluster.admin("shards", "-o", "json", node=through).stdout)["items"]
    return {
        shard["shard_id"]: {place["node_id"] for place in shard["replicas"] if place["role"] == "voter"}
        for shard in shards
    }


def join(cluster: Cluster, name: str, through: NodeState) -> NodeState:
    """Let a fresh node join."""
    node = newcomer(cluster, name, join_token(cluster))
    node.settings["cluster.join"] = through.peer
    process.spawn(node)
    process.wait_ready(node)
    cluster.nodes.append(node)
    return node


def dismissed(node: NodeState) -> None:
    """Start a node that was lost, and wait until it has ended and said why."""
    process.spawn(node)
    try:
        until(lambda: not process.alive(node), f"the end of {node.id}, which is not of the cluster any more", 60)
        assert "was removed from the cluster" in Path(node.log).read_text()
    finally:
        if process.alive(node):
            process.send(node, signal.SIGKILL)
            process.wait_gone(node)


def test_one_survivor_of_three_goes_on_with_everything_that_it_had(own_cluster: Cluster, tmp_path: Path) -> None:
    cluster = own_cluster
    survivor = cluster.nodes[1]
    with load(cluster, cluster.nodes) as written:
        until(lambda: len(written.acknowledged) > 400, "some writes")
    name = next(iter(written.acknowledged))

    until(lambda: not lacking(survivor, written, consistency="eventual"), "a quiet moment: the survivor has everything")
    epoch = cluster.topology()["epoch"]
    lost = lose(cluster, [cluster.nodes[0], cluster.nodes[2]])
    assert cluster.put(survivor, urn(), {"a": 1}).status_code in (503, 504)

    running = refused("survey", "--data", survivor.data)
    assert "another process has the data directory" in running
    cluster.kill(survivor)
    file = tmp_path / "plan.json"
    survey = surveyed(survivor, tmp_path)
    groups = planned(file, [survey], lost)
    assert {group["action"] for group in groups.values()} == {"rebuilt"}
    assert {group["node"] for group in groups.values()} == {survivor.id}
    assert "nothing was changed" in refused("apply", "--data", survivor.data, file)
    assert survey.read_text() == surveyed(survivor, tmp_path, "again").read_text()
    applied(survivor, file)
    applied(survivor, file)

    cluster.start(survivor)
    until(lambda: cluster.put(survivor, urn(), {"a": 1}).status_code == 201, "a write")
    all_there(survivor, written)
    assert cluster.topology(survivor)["epoch"] > epoch + 1000 - 1
    assert cluster.put(survivor, name, {"a": 2}).status_code == 200
    with load(cluster, [survivor]) as later:
        for node in lost:
            dismissed(node)
        first = join(cluster, "node-4", survivor)
        second = join(cluster, "node-5", survivor)
        wanted = {survivor.id, first.id, second.id}
        until(lambda: all(held == wanted for held in voters(cluster, survivor).values()), "three voters each", 90)
    cluster.whole()
    assert set(later.statuses) == {201}, (later.statuses, later.errors[:3])
    # Any one of the three may go again.
    cluster.kill(survivor)
    cluster.nodes.remove(survivor)
    until(lambda: cluster.put(first, urn(), {"a": 3}).status_code == 201, "a write without the survivor")
    all_there(second, later)
    del written.acknowledged[name]
    all_there(first, written)
