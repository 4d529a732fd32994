"""The whole chain notices a server that breaks a promise: workloads, history, checkers, and the second opinion."""

from __future__ import annotations

import asyncio
import random
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import pytest

from robustness import rounds
from robustness.checkers import second_opinion
from robustness.cluster import Cluster
from robustness.faults import Need, Stage
from robustness.history import Recorder, now
from robustness.processes import start_time
from robustness.tests.toy import HOST, PLANTS
from robustness.timeline import Timeline
from robustness.undo import Undo
from tools.cluster.state import ClusterState, NodeState

CAUGHT_BY = {
    "stale read": {"linearizability", "versions"},
    "lost write": {"linearizability", "versions", "inserts", "bank"},
    "written twice": {"linearizability", "versions"},
    "refused and written": {"linearizability", "versions"},
    "cas ignores its version": {"linearizability"},
    "insert over a key": {"linearizability", "inserts"},
    "session ignored": {"sessions"},
    "lag is a lie": {"staleness"},
    "replicas differ": {"replicas"},
    "listing lacks one": {"inserts"},
}
"""What must condemn each plant; other checkers may, too."""


@dataclass
class Nothing:
    """A fault that does nothing."""

    name: ClassVar[str] = "nothing"
    about: ClassVar[str] = "nothing goes wrong"
    needs: ClassVar[tuple[Need, ...]] = ()
    hold_s: float | None = 2.0
    expected_errors: ClassVar[tuple[str, ...]] = ()

    async def start(self, stage: Stage) -> None:
        """Do nothing."""

    async def stop(self, stage: Stage) -> None:
        """Do nothing."""


@contextmanager
def _toy(plant: str, directory: Path, undo: Undo) -> Iterator[Cluster]:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port = probe.getsockname()[1]
    with subprocess.Popen([sys.executable, "-m", "robustness.tests.toy", str(port), plant], cwd=Path.cwd()) as process:
        # Two names for one server: the comparison of replicas needs two.
        nodes = [
            NodeState(
                id=f"toy-{number}",
                endpoint=f"http://{HOST}:{port}",
                peer="",
                data=str(directory),
                log=str(directory / "log"),
                settings={},
                pid=process.pid,
                started=start_time(process.pid),
            )
            for number in (1, 2)
        ]
        cluster = Cluster(ClusterState(dir=str(directory), nodes=nodes), undo)
        while not cluster.nodes["toy-1"].ready():
            assert process.poll() is None
        try:
            yield cluster
        finally:
            process.kill()


async def _judged(plant: str, directory: Path, undo: Undo, monkeypatch: pytest.MonkeyPatch) -> rounds.Round:
    # The toy leads under its own name; and replicas that differ shall not be waited for.
    monkeypatch.setattr(Cluster, "wait_settled", lambda self, timeout_s: None)
    monkeypatch.setattr(rounds, "_QUIET_TIMEOUT_S", 0.1)
    with _toy(plant, directory, undo) as cluster, Recorder(directory / "history.jsonl") as recorder:
        stage = Stage(cluster, undo, random.Random(5))
        pace = rounds.Pace(warm_s=0.2, recover_s=0.1, pause_s=0.004)
        return await rounds.run(Nothing(), stage, recorder, Timeline(now()), pace, "planted")


@pytest.mark.parametrize("plant", PLANTS)
async def test_a_plant_is_found(plant: str, tmp_path: Path, undo: Undo, monkeypatch: pytest.MonkeyPatch) -> None:
    found = await _judged(plant, tmp_path, undo, monkeypatch)
    failed = {verdict.checker for verdict in found.verdicts if verdict.result == "fail"}
    told = "\n".join(map(str, found.verdicts))
    if plant == "none":
        assert found.result == "pass", told
    else:
        assert failed >= CAUGHT_BY[plant], told
        assert "recovery" not in failed, told


async def test_the_second_opinion_is_the_same(tmp_path: Path, undo: Undo, monkeypatch: pytest.MonkeyPatch) -> None:
    try:
        second_opinion.program()
    except second_opinion.NotAvailable as reason:
        pytest.skip(f"NOT TESTED: the second opinion: {reason}")
    for plant, expected in (("none", "pass"), ("stale read", "fail")):
        directory = tmp_path / plant
        directory.mkdir()
        await _judged(plant, directory, undo, monkeypatch)
        verdict = await asyncio.to_thread(second_opinion.check, directory / "history.jsonl")
        assert verdict.result == expected, verdict
