"""Rounds on a real node: each fault that one node can have is survived, taken back, and judged."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from robustness import rounds
from robustness.cluster import Cluster
from robustness.faults import Fault, Need, Stage
from robustness.faults.catalogue import all_faults, missing
from robustness.history import Recorder, now, read
from robustness.timeline import Timeline
from robustness.undo import Undo

# A node that this very process has started is reaped by its process id; subprocess would rather be asked.
pytestmark = pytest.mark.filterwarnings("ignore:subprocess .* is still running:ResourceWarning")

_ALONE = [name for name, fault in all_faults().items() if not {Need.REPLICAS, Need.NETWORK} & set(fault.needs)]


async def _run(cluster: Cluster, undo: Undo, fault: Fault, directory: Path) -> rounds.Round:
    cluster.wait_settled()
    stage = Stage(cluster, undo, random.Random(1))
    pace = rounds.Pace(warm_s=0.7, hold_s=1.0, recover_s=1.0)
    timeline = Timeline(now())
    with Recorder(directory / "history.jsonl") as recorder:
        found = await rounds.run(fault, stage, recorder, timeline, pace, "1-round")
    assert len(list(read(directory / "history.jsonl"))) >= found.operations
    return found


@pytest.mark.parametrize("name", _ALONE)
async def test_a_node_survives(name: str, cluster: Cluster, undo: Undo, tmp_path: Path) -> None:
    fault = all_faults()[name]
    lacking = missing(cluster)
    reasons = [lacking[need] for need in fault.needs if need in lacking]
    if reasons:
        pytest.skip(f"NOT TESTED: {name} needs {', '.join(reasons)}")
    found = await _run(cluster, undo, fault, tmp_path)
    verdicts = {verdict.checker: verdict for verdict in found.verdicts}
    # One node has no other to be equal to.
    wrong = [str(verdict) for verdict in verdicts.values() if not verdict.passed and verdict.checker != "replicas"]
    assert not wrong, "\n".join([*wrong, *found.notes])
    assert found.notes
    assert found.outcomes["ok"] > 100
    assert set(verdicts) >= {
        "recovery",
        "load",
        "linearizability",
        "versions",
        "inserts",
        "bank",
        "sessions",
        "staleness",
    }
