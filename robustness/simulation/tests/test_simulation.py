"""The simulation itself: it repeats, it says what broke, and a few seeds of it hold."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from robustness.simulation.__main__ import main
from robustness.simulation.mutants.planting import load, planted
from robustness.simulation.run import Tally, run, run_many

ROOT = Path(__file__).parents[3]
SEEDS = 40

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def tally() -> Tally:
    """Run a few seeds; every one must hold."""
    tally = Tally()
    for outcome in run_many(1, SEEDS, 1):
        assert not outcome.broken, f"seed {outcome.seed}: {outcome.broken}: {outcome.detail}"
        tally.add(outcome)
    return tally


def test_everything_holds(tally: Tally) -> None:
    assert tally.seeds == SEEDS


def test_the_seeds_are_worth_running(tally: Tally) -> None:
    # A change that keeps clients from being answered, or faults from happening, would make every seed hold.
    assert tally.acknowledged > 30 * SEEDS
    assert tally.reads > 25 * SEEDS
    assert tally.faults > 8 * SEEDS
    assert tally.changes > SEEDS // 3
    assert tally.installs > SEEDS // 10


@pytest.mark.parametrize("seed", [3, 8, 29])
def test_a_seed_runs_the_same_again(seed: int) -> None:
    first, second = run(seed, whole_trace=True), run(seed, whole_trace=True)

    assert first == second
    assert len(first.trace) > 300


def test_a_seed_runs_the_same_in_another_process_with_other_hashes() -> None:
    program = "from robustness.simulation.run import run; print(run(8, whole_trace=True).digest)"
    digests = {
        subprocess.run(
            [sys.executable, "-c", program],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": hashes},
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        ).stdout.strip()
        for hashes in ("1", "2")
    }

    assert digests == {run(8, whole_trace=True).digest}


def test_two_seeds_are_two_runs() -> None:
    assert run(3, whole_trace=True).digest != run(4, whole_trace=True).digest


def test_processes_share_the_seeds_and_keep_their_order() -> None:
    outcomes = list(run_many(5, 4, 2))

    assert [outcome.seed for outcome in outcomes] == [5, 6, 7, 8]
    assert outcomes == list(run_many(5, 4, 1))


def test_a_failing_seed_is_named_with_the_end_of_its_trace(capsys: pytest.CaptureFixture[str]) -> None:
    fault = next(mutant for mutant in load() if mutant.name == "fsync skipped")

    with planted(fault):
        code = main(["--seeds", "20", "--from", "1", "--jobs", "1"])

    printed = capsys.readouterr().out
    assert code == 1
    assert any(f": {invariant}: " in printed for invariant in fault.caught_by)
    assert "  BROKEN  " in printed
    assert len(printed.splitlines()) > 20
    assert "again: python -m robustness.simulation --from " in printed


def test_a_seed_that_holds_can_be_shown_too(capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["--seeds", "1", "--from", "3", "--trace"])

    printed = capsys.readouterr().out
    assert code == 0
    assert "seed 3: everything held" in printed
    assert "MsgAppend" in printed
    assert "acknowledged writes" in printed
