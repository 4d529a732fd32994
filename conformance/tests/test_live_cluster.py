"""Cases on a real cluster: nodes are harmed in order, and a case that fails leaves a settled cluster."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from conformance.tests.suites import PUT, Suite, case, double
from conformance.tests.test_scripted_operations import Background
from themis_conformance.cli import main
from themis_conformance.plan import ServerPlan
from themis_conformance.scripted import ScriptedCluster

# Writes down what it is told to do; node 9 does not exist, as far as it is concerned.
COMMAND = """
import json, sys
from pathlib import Path
log, urls, actions = Path(sys.argv[1]), json.loads(sys.argv[2]), sys.argv[3:]
if actions == ["nodes"]:
    print(json.dumps({"nodes": [{"node_id": f"node-{i}", "endpoint": url} for i, url in enumerate(urls)]}))
else:
    log.write_text(log.read_text() + " ".join(actions) + "\\n")
    if actions[0] == "pause":
        sys.exit("cannot be paused")
"""


@pytest.fixture
def real() -> Iterator[ScriptedCluster]:
    """What plays the real cluster here."""
    with Background(ServerPlan(nodes=3, shards=4)) as running:
        yield running


def run(suite: Suite, real: ScriptedCluster, tmp_path: Path, *more: str) -> tuple[int, list[str]]:
    program, log = tmp_path / "harm.py", tmp_path / "log"
    program.write_text(COMMAND)
    log.write_text("")
    command = f"{sys.executable} {program} {log} '{json.dumps(real.urls)}'"
    directories = ["--cases", str(suite.directory), "--vectors", str(suite.vectors)]
    status = main(["run", "--quiet", "--adapter", double(), "--cluster", command, *directories, *more])
    return status, log.read_text().splitlines()


def test_nodes_are_harmed_in_the_order_of_the_steps(real: ScriptedCluster, tmp_path: Path) -> None:
    steps = [
        PUT,
        {"cluster": {"kill": {"leader_of": "${urn.shard_003.a}"}}},
        {"cluster": {"start": 2}},
        {"cluster": {"lead": {"shard": "shard_001", "node": 1}}},
        {"until": {"call": "exists", "args": {"urn": "${urn.a}"}, "value": True}},
    ]
    suite = Suite(tmp_path).write(case(on="cluster", server={"nodes": 3}, steps=steps))
    status, log = run(suite, real, tmp_path, "--mode", "sync")
    assert (status, log) == (0, ["settle", "kill 2", "start 2", "lead shard_001 node-1", "settle"])


def test_what_cannot_be_done_fails_the_case_and_is_settled(
    real: ScriptedCluster, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    suite = Suite(tmp_path).write(case(on="cluster", steps=[{"cluster": {"pause": 0}}]))
    status, log = run(suite, real, tmp_path, "--mode", "sync")
    assert (status, log) == (1, ["settle", "pause 0", "settle"])
    assert "cannot be paused" in capsys.readouterr().err


def test_a_cluster_that_is_too_small_is_not_harmed(real: ScriptedCluster, tmp_path: Path) -> None:
    suite = Suite(tmp_path).write(case(on="cluster", server={"nodes": 5}, steps=[{"cluster": {"kill": 0}}]))
    status, log = run(suite, real, tmp_path)
    assert (status, log) == (0, [])


@pytest.mark.parametrize(
    ("members", "complaint"),
    [
        ({"steps": [{"cluster": {"kill": 0}}]}, "on: cluster"),
        ({"on": "cluster", "steps": [{"cluster": {}}]}, "exactly one thing"),
        ({"on": "cluster", "steps": [{"cluster": {"kill": 0, "start": 0}}]}, "exactly one thing"),
        ({"on": "cluster", "steps": [{"cluster": {"kill": "all"}}]}, "number of a node"),
        ({"on": "cluster", "steps": [{"cluster": {"burn": 0}}]}, "burn"),
        ({"on": "cluster", "steps": [{"cluster": {"settle": False}}]}, "only value is true"),
        ({"on": "cluster", "steps": [PUT, {"server": {"stop": 0}}]}, "only for scripted"),
        ({"on": "cluster", "steps": [PUT, {"until": {"wire": {"count": 1}}}]}, "only for scripted"),
    ],
)
def test_cases_that_make_no_sense_are_refused(
    members: dict[str, object], complaint: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    suite = Suite(tmp_path).write(case(**members))
    assert main(["check", "--cases", str(suite.directory), "--vectors", str(suite.vectors)]) == 2
    assert complaint in capsys.readouterr().err
