"""What the faults do to a cluster of several nodes, as far as it can be seen without one."""

from __future__ import annotations

import random
from pathlib import Path
from typing import cast

import pytest

from robustness import chaos
from robustness.cluster import Cluster
from robustness.faults import Need, Stage
from robustness.faults.catalogue import all_faults, missing
from robustness.faults.partitions import Partition, partitions
from robustness.network import CLIENTS, Network
from robustness.undo import Undo
from tools.cluster.state import ClusterState, NodeState


class _Wires:
    """Stands in for the namespaces: remembers who hears whom."""

    def __init__(self) -> None:
        self.cuts: set[tuple[str, str]] = set()

    def cut(self, source: str, target: str) -> None:
        self.cuts.add((source, target))

    def cut_both(self, left: str, right: str) -> None:
        self.cuts |= {(left, right), (right, left)}

    def heal(self) -> None:
        self.cuts.clear()


def _cluster(count: int, directory: Path, undo: Undo, *, hosts: bool = True, disposable: bool = True) -> Cluster:
    nodes = [
        NodeState(
            id=f"node-{number}",
            endpoint=f"http://127.77.0.{number if hosts else 1}:{8080 + number}",
            peer=f"127.77.0.{number}:9080",
            data=str(directory / f"node-{number}"),
            log=str(directory / f"node-{number}.log"),
            settings={},
        )
        for number in range(1, count + 1)
    ]
    return Cluster(ClusterState(dir=str(directory), nodes=nodes), undo, disposable=disposable)


@pytest.fixture
def stage(tmp_path: Path, undo: Undo, request: pytest.FixtureRequest) -> Stage:
    """A stage of as many nodes as the test asks for; node-1 leads."""
    cluster = _cluster(request.param, tmp_path, undo)
    cluster.busiest = lambda: cluster.nodes["node-1"]  # type: ignore[method-assign]
    return Stage(cluster, undo, random.Random(1), cast("Network", _Wires()))


def _reached(stage: Stage, node: str) -> set[str]:
    """Return the nodes that a node can talk to, both ways."""
    cuts = cast("_Wires", stage.network).cuts
    return {other for other in stage.cluster.nodes if other != node and not {(node, other), (other, node)} & cuts}


async def _cut(stage: Stage, name: str) -> set[tuple[str, str]]:
    fault = {partition.name: partition for partition in partitions()}[name]
    await fault.start(stage)
    return cast("_Wires", stage.network).cuts


@pytest.mark.parametrize("stage", [3, 5], indirect=True)
async def test_the_leader_alone(stage: Stage) -> None:
    await _cut(stage, "partition-minority")
    assert _reached(stage, "node-1") == set()
    assert len(_reached(stage, "node-2")) == len(stage.cluster.nodes) - 2


@pytest.mark.parametrize("stage", [3, 5], indirect=True)
async def test_the_leader_with_a_majority(stage: Stage) -> None:
    await _cut(stage, "partition-majority")
    assert len(_reached(stage, "node-1")) + 1 == len(stage.cluster.nodes) // 2 + 1


@pytest.mark.parametrize("stage", [3, 5], indirect=True)
async def test_one_way(stage: Stage) -> None:
    others = set(stage.cluster.nodes) - {"node-1"}
    assert await _cut(stage, "partition-deaf") == {(other, "node-1") for other in others}
    cast("_Wires", stage.network).heal()
    assert await _cut(stage, "partition-mute") == {("node-1", other) for other in others}


@pytest.mark.parametrize("stage", [3, 5], indirect=True)
async def test_a_bridge_is_reached_by_all_and_sides_by_neither(stage: Stage) -> None:
    await _cut(stage, "partition-bridge")
    count = len(stage.cluster.nodes)
    bridges = [node for node in stage.cluster.nodes if len(_reached(stage, node)) == count - 1]
    assert len(bridges) == 1
    for node in stage.cluster.nodes:
        if node not in bridges:
            assert len(_reached(stage, node)) + 1 == count // 2 + 1, "a side and the bridge are a majority"


@pytest.mark.parametrize("stage", [3], indirect=True)
async def test_clients_alone_are_cut_off(stage: Stage) -> None:
    assert await _cut(stage, "partition-clients") == {(CLIENTS, "node-1")}


@pytest.mark.parametrize("stage", [3], indirect=True)
@pytest.mark.parametrize("fault", partitions(), ids=lambda fault: fault.name)
async def test_partitions_heal(stage: Stage, fault: Partition) -> None:
    await fault.start(stage)
    assert cast("_Wires", stage.network).cuts
    assert stage.victims
    await fault.stop(stage)
    assert not cast("_Wires", stage.network).cuts


# Which faults are tried


def test_every_fault_has_a_name_of_its_own_and_says_what_it_does() -> None:
    faults = all_faults()
    assert len(faults) >= 24
    assert len({fault.about for fault in faults.values()}) == len(faults)


def test_what_is_missing_is_said(tmp_path: Path, undo: Undo) -> None:
    alone = _cluster(1, tmp_path, undo, disposable=False)
    assert {Need.REPLICAS, Need.DISPOSABLE} <= set(missing(alone))
    shared = _cluster(3, tmp_path, undo, hosts=False)
    assert "--hosts each" in missing(shared)[Need.NETWORK]
    assert "--hosts each" in missing(shared)[Need.PROXIES]


def test_faults_that_cannot_be_tried_are_named(tmp_path: Path, undo: Undo) -> None:
    faults = all_faults()
    chosen, skipped = chaos.choose(faults, ["links-slow", "kill-in-turn", "kill-leader"], _cluster(1, tmp_path, undo))
    assert [fault.name for fault in chosen] == ["kill-leader"]
    assert "1 of 3 nodes" in skipped["kill-in-turn"]


def test_faults_behind_proxies_come_last(tmp_path: Path, undo: Undo) -> None:
    chosen, _ = chaos.choose(all_faults(), ["links-slow", "kill-leader"], _cluster(3, tmp_path, undo))
    assert [fault.name for fault in chosen] == ["kill-leader", "links-slow"]


def test_a_fault_that_does_not_exist_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert chaos.main(["--faults", "kill-nobody"]) == 2
    assert "kill-nobody" in capsys.readouterr().err


def test_all_faults_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert chaos.main(["--list"]) == 0
    told = capsys.readouterr().out
    assert all(name in told for name in all_faults())
