"""The majority of the voters is lost for good: the survivors go on with what they have, by `themis-server recover`."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from itertools import combinations
from pathlib import Path
from typing import Any

import httpx
import pytest

from server.tests.cluster.harness import Cluster, Written, join_token, load, newcomer, until, urn
from tools import tree
from tools.cluster import process
from tools.cluster.state import ClusterError, NodeState

_CALM_S = 6.0
pytestmark = pytest.mark.timeout(400)
_SERVER = tree.VENV / "bin" / "themis-server"
_CONFIRM = "--yes-data-may-be-lost"
_KILLED_HALF_WAY = """
import os, signal, sys
from themis_server.cli.parser import main
from themis_server.storage.rocks import RocksEngine

writes, write = 0, RocksEngine.write

def counting(engine, overlay):
    global writes
    writes += 1
    if writes == 4:
        os.kill(os.getpid(), signal.SIGKILL)
    write(engine, overlay)

RocksEngine.write = counting
main(sys.argv[1:])
"""


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
        found: dict[str, object] = {}
        names = list(written.acknowledged)
        for start in range(0, len(names), 500):
            part = names[start : start + 500]
            answer = client.post("/batch/get", json={"urns": part}, params=query)
            assert answer.status_code == 200, answer.text
            found |= {name: item.get("version") for name, item in zip(part, answer.json()["items"], strict=True)}
    return [name for name, version in written.acknowledged.items() if found[name] != version]


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


def dismissed(nodes: list[NodeState]) -> None:
    """Start nodes that were lost, all at once, and wait until each has ended and said why."""
    for node in nodes:
        process.spawn(node)
    try:
        for node in nodes:
            assert process.wait_gone(node, 60), Path(node.log).read_text()[-2000:]
            assert "was removed from the cluster" in Path(node.log).read_text()
    finally:
        for node in nodes:
            if process.alive(node):
                process.send(node, signal.SIGKILL)
                process.wait_gone(node)


def takes_writes(cluster: Cluster, node: NodeState) -> None:
    """Wait until writes go through a node, to every shard."""

    def answers() -> list[int]:
        return [cluster.put(node, urn(), {"a": 1}).status_code for _ in range(5)]

    until(lambda: set(answers()) == {201}, f"writes through {node.id}")


def calm(cluster: Cluster) -> None:
    """Wait until replicas are where they shall be: a copy that is about to be removed would be found by a survey."""
    seen = [(-1, 0.0)]

    def still() -> bool:
        epoch, now_s = cluster.topology()["epoch"], time.monotonic()
        if epoch != seen[-1][0]:
            seen.append((epoch, now_s))
        return now_s - seen[-1][1] > _CALM_S

    until(still, "an epoch that lasts", 60)


def settled(cluster: Cluster) -> tuple[Written, dict[str, set[str]], list[tuple[NodeState, NodeState]]]:
    """Write something and wait for calm; return what was written, who votes in each shard, and every pair of nodes."""
    with load(cluster, cluster.nodes) as written:
        until(lambda: len(written.acknowledged) > 200, "some writes")
    calm(cluster)
    return written, voters(cluster, cluster.nodes[0]), list(combinations(cluster.nodes, 2))


def has_everything(node: NodeState, written: Written) -> None:
    """Wait for a quiet moment: a replica on this node has all that was acknowledged."""
    until(lambda: not lacking(node, written, consistency="eventual"), f"a quiet moment on {node.id}")


def started(nodes: list[NodeState]) -> None:
    """Start nodes at once, and wait until they take requests."""
    for node in nodes:
        process.spawn(node)
    for node in nodes:
        process.wait_ready(node)


def test_one_survivor_of_three_goes_on_with_everything_that_it_had(own_cluster: Cluster, tmp_path: Path) -> None:
    cluster = own_cluster
    survivor = cluster.nodes[1]
    with load(cluster, cluster.nodes) as written:
        until(lambda: len(written.acknowledged) > 400, "some writes")
    name = next(iter(written.acknowledged))

    has_everything(survivor, written)
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
    takes_writes(cluster, survivor)
    all_there(survivor, written)
    assert cluster.topology(survivor)["epoch"] > epoch + 1000 - 1
    assert cluster.put(survivor, name, {"a": 2}).status_code == 200
    with load(cluster, [survivor]) as later:
        dismissed(lost)
        first = join(cluster, "node-4", survivor)
        second = join(cluster, "node-5", survivor)
        wanted = {survivor.id, first.id, second.id}
        until(lambda: all(held == wanted for held in voters(cluster, survivor).values()), "three voters each", 90)
    cluster.whole()
    assert set(later.statuses) == {201}, (later.statuses, later.errors[:3])
    # Any one of the three may go again.
    cluster.kill(survivor)
    cluster.nodes.remove(survivor)
    takes_writes(cluster, first)
    all_there(second, later)
    del written.acknowledged[name]
    all_there(first, written)


def test_the_survivor_that_has_more_goes_on_and_the_other_begins_anew(tmp_path: Path) -> None:
    with Cluster.formed(tmp_path / "cluster", nodes=5, replicas=5, shards=2) as cluster:
        behind, ahead, *others = cluster.nodes
        with load(cluster, [ahead]) as early:
            until(lambda: len(early.acknowledged) > 100, "some writes")
        cluster.kill(behind)
        with load(cluster, [ahead]) as late:
            until(lambda: len(late.acknowledged) > 100, "writes that one survivor has not")
        has_everything(ahead, late)
        lost = lose(cluster, others)
        cluster.kill(ahead)

        surveys = [surveyed(node, tmp_path) for node in (behind, ahead)]
        names = ",".join(node.id for node in lost)
        assert f"{ahead.id} is neither surveyed nor called lost" in refused("plan", surveys[0], "--lost", names)
        assert f"{ahead.id} is called lost" in refused("plan", *surveys, "--lost", f"{names},{ahead.id}")
        file = tmp_path / "plan.json"
        groups = planned(file, surveys, lost)
        assert {(group["action"], group["node"]) for group in groups.values()} == {("rebuilt", ahead.id)}
        assert all(group["discarded"] == [behind.id] for group in groups.values())
        assert "cannot be written" in refused("plan", *surveys, "--lost", names, "--out", file)

        half = [sys.executable, "-c", _KILLED_HALF_WAY, "recover", "apply", "--data", ahead.data, str(file), _CONFIRM]
        assert subprocess.run(half, timeout=60, check=False).returncode == -signal.SIGKILL
        process.spawn(ahead)
        with pytest.raises(ClusterError, match="a plan of recovery is being applied"):
            process.wait_ready(ahead)
        assert process.wait_gone(ahead)
        applied(ahead, file)
        applied(behind, file)
        started([behind, ahead])
        for node in (behind, ahead):
            takes_writes(cluster, node)
            all_there(node, early)
            all_there(node, late)
        dismissed(lost)
        sixth = join(cluster, "node-6", ahead)
        wanted = {behind.id, ahead.id, sixth.id}
        until(lambda: all(held == wanted for held in voters(cluster, ahead).values()), "three voters each", 60)
        late.acknowledged.update(early.acknowledged)
        cluster.kill(ahead)
        cluster.nodes.remove(ahead)
        takes_writes(cluster, behind)
        all_there(behind, late)


def test_shards_are_recovered_where_the_metadata_is_not_lost(tmp_path: Path) -> None:
    with Cluster.formed(tmp_path / "cluster", nodes=5) as cluster:
        written, held, pairs = settled(cluster)

        def broken(pair: tuple[NodeState, NodeState]) -> list[str]:
            return [shard for shard, ids in held.items() if {node.id for node in pair} <= ids]

        pair = next(pair for pair in pairs if broken(pair))
        staying = [node for node in cluster.nodes if node not in pair]
        survivor_of = {shard: next(iter(ids - {node.id for node in pair})) for shard, ids in held.items()}
        for node in staying:
            has_everything(node, written)
        lost = lose(cluster, list(pair))
        for node in staying:
            cluster.stop(node)
        surveys = [surveyed(node, tmp_path, f"{node.id}-early") for node in staying]
        named = ",".join(node.id for node in pair)
        assert "themis-admin remove-node" in refused("plan", *surveys, "--lost", named)

        started(staying)
        for node in pair:
            removed = cluster.admin("remove-node", node.id, "--force", node=staying[0])
            assert removed.returncode == 0, removed.stderr
        until(
            lambda: all(len(cluster.topology(node)["nodes"]) == len(staying) for node in staying),
            "the removal is known",
        )
        for node in staying:
            cluster.stop(node)
        surveys = [surveyed(node, tmp_path) for node in staying]
        file = tmp_path / "plan.json"
        groups = planned(file, surveys, lost)
        assert {name for name, group in groups.items() if group["action"] == "rebuilt"} == set(broken(pair))
        assert all(groups[shard]["node"] == survivor_of[shard] for shard in broken(pair))
        for node in staying:
            applied(node, file)
        started(staying)
        wanted = {node.id for node in staying}
        until(lambda: all(ids == wanted for ids in voters(cluster, staying[0]).values()), "three voters each", 60)
        cluster.whole()
        all_there(staying[0], written)
        dismissed(lost)


def test_each_shard_goes_on_with_what_is_left_of_it(tmp_path: Path) -> None:
    with Cluster.formed(tmp_path / "cluster", nodes=5) as cluster:
        written, held, pairs = settled(cluster)
        # Two that keep a shard by themselves, and of what they have not, as much as there is.
        staying = max(
            (pair for pair in pairs if any({node.id for node in pair} <= ids for ids in held.values())),
            key=lambda pair: sum(not {node.id for node in pair} & ids for ids in held.values()),
        )
        left = {shard: ids & {node.id for node in staying} for shard, ids in held.items()}
        for node in cluster.nodes:
            has_everything(node, written)
        lost = lose(cluster, [node for node in cluster.nodes if node not in staying])
        for node in staying:
            cluster.kill(node)

        surveys = [surveyed(node, tmp_path) for node in staying]
        gone = sorted(shard for shard, ids in left.items() if not ids)
        file = tmp_path / "plan.json"
        groups = planned(file, surveys, lost, *(("--accept-empty-shards", ",".join(gone)) if gone else ()))
        assert groups.pop("metadata")["action"] == "rebuilt"
        actions = ("empty", "rebuilt", "kept")
        assert {name: group["action"] for name, group in groups.items()} == {
            shard: actions[len(ids)] for shard, ids in left.items()
        }
        for node in staying:
            applied(node, file)
        started(list(staying))
        takes_writes(cluster, staying[0])
        dismissed(lost)
        third = join(cluster, "node-6", staying[1])
        wanted = {third.id, *(node.id for node in staying)}
        until(lambda: all(ids == wanted for ids in voters(cluster, third).values()), "three voters each", 90)
        missing = set(lacking(third, written))
        assert bool(missing) == bool(gone)
        assert len(missing) < len(written.acknowledged) * (len(gone) + 1) / len(held)


@pytest.mark.skipif(
    shutil.which("etcd") is None, reason="etcd is not installed; on Debian: apt-get install -y etcd-server"
)
def test_shards_without_any_copy_begin_anew_where_etcd_has_the_metadata(tmp_path: Path) -> None:
    with Cluster.formed(tmp_path / "cluster", nodes=2, replicas=1, shards=4, metadata="etcd") as cluster:
        survivor, other = cluster.nodes
        with load(cluster, cluster.nodes) as written:
            until(lambda: len(written.acknowledged) > 100, "some writes")
        calm(cluster)
        held = voters(cluster, survivor)
        gone = sorted(shard for shard, ids in held.items() if ids == {other.id})
        assert 0 < len(gone) < len(held)
        lost = lose(cluster, [other])
        until(lambda: "down" in cluster.admin("nodes", node=survivor).stdout, "etcd to notice")
        # What nobody else has is not given up by a removal: somebody has to be named who shall have it.
        assert "node_in_use" in cluster.admin("remove-node", other.id, "--force", node=survivor).stderr
        for shard in gone:
            moved = cluster.admin("replace-replica", shard, other.id, survivor.id, node=survivor)
            assert moved.returncode == 0, moved.stderr
        removed = cluster.admin("remove-node", other.id, "--force", node=survivor)
        assert removed.returncode == 0, removed.stderr
        until(lambda: len(cluster.topology(survivor)["nodes"]) == 1, "the removal is known")
        cluster.stop(survivor)

        survey = surveyed(survivor, tmp_path)
        assert f"no survivor has a copy of {', '.join(gone)}" in refused("plan", survey)
        file = tmp_path / "plan.json"
        groups = planned(file, [survey], [], "--accept-empty-shards", ",".join(gone))
        assert {name: group["action"] for name, group in groups.items()} == {
            shard: "empty" if shard in gone else "kept" for shard in held
        }
        applied(survivor, file)
        cluster.start(survivor)
        takes_writes(cluster, survivor)
        missing = lacking(survivor, written)
        assert 0 < len(missing) < len(written.acknowledged)
        for name in missing[:20]:
            assert cluster.put(survivor, name, {"again": True}).status_code == 201
        dismissed(lost)
