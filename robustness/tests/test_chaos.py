"""The program as a person runs it, on a cluster of one that was there before and is there afterwards."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from robustness import network
from robustness.cluster import Cluster
from robustness.history import read
from robustness.processes import wait_for
from tools.cluster import process, state

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.filterwarnings("ignore:subprocess .* is still running:ResourceWarning")


def _command(cluster: Cluster, out: Path, *faults: str) -> list[str]:
    command = [sys.executable, "-m", "robustness.chaos", "--data", str(cluster.directory), "--out", str(out)]
    return [*command, "--minutes", "0.2", "--no-porcupine", "--faults", ",".join(faults)]


def _end(directory: Path) -> None:
    node = state.load(directory).nodes[0]
    if process.alive(node):
        process.send(node, signal.SIGKILL)


def test_a_run_leaves_a_verdict_and_the_cluster(cluster: Cluster, tmp_path: Path) -> None:
    cluster.save()
    out = tmp_path / "out"
    faults = ["kill-leader"] if network.missing() else ["kill-leader", "partition-clients"]
    done = subprocess.run(
        _command(cluster, out, *faults, "kill-in-turn"), cwd=ROOT, capture_output=True, text=True, check=False
    )
    try:
        assert done.returncode == 0, done.stdout + done.stderr
        assert f"{len(faults)} of {len(faults)} rounds passed, 1 not tried" in done.stdout
        told = json.loads((out / "report.json").read_text())
        assert told["passed"] is True
        assert "3 nodes" in told["skipped"]["kill-in-turn"]
        assert [each["fault"] for each in told["rounds"]] == faults
        assert len(list(read(out / "history.jsonl"))) > 200
        assert "<svg" in (out / "timeline.svg").read_text()
        node = state.load(cluster.directory).nodes[0]
        assert process.alive(node)
        assert process.ask(node, "GET", "/health/ready")[0] == 200
    finally:
        _end(cluster.directory)


def test_a_killed_run_leaves_no_namespace(cluster: Cluster, tmp_path: Path) -> None:
    if network.missing():
        pytest.skip(f"NOT TESTED: namespaces need {', '.join(network.missing())}")
    cluster.save()
    log = tmp_path / "chaos.log"
    with log.open("wb") as output:
        program = subprocess.Popen(
            _command(cluster, tmp_path / "out", "partition-clients"), cwd=ROOT, stdout=output, stderr=output
        )
    mine = f"themis-{program.pid}-*"
    try:
        wait_for(lambda: (tmp_path / "out" / "history.jsonl").exists() and _written(tmp_path), "load", 40)
        assert list(Path("/run/netns").glob(mine))
    finally:
        program.kill()
        program.wait()
        wait_for(lambda: not list(Path("/run/netns").glob(mine)), "the namespaces to be gone", 20)
        _end(cluster.directory)


def _written(directory: Path) -> bool:
    return (directory / "out" / "history.jsonl").stat().st_size > 0
