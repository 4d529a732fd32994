"""Every planted fault is caught by the cases that the lists name, which the unharmed program passes."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance.mutants.judging import failing, ran
from conformance.mutants.plan import TARGETS, Mutant, PlanError, Target, load, load_all

pytestmark = pytest.mark.timeout(600)

MUTANTS = load_all()
ENOUGH = 12


@pytest.mark.parametrize("target", TARGETS)
def test_there_are_enough(target: Target) -> None:
    assert len(load(target)) >= ENOUGH


@pytest.mark.parametrize("target", TARGETS)
def test_the_unharmed_passes_all_cases_that_are_named(target: Target, tmp_path: Path) -> None:
    named = sorted({case for mutant in load(target) for case in mutant.cases})
    results = ran(target, None, named, tmp_path)
    assert not [case for case, passed in results.items() if not passed]
    assert set(named) <= {case.partition("@")[0] for case in results} | set(results), "a named case did not run"


@pytest.mark.parametrize("mutant", MUTANTS, ids=[f"{mutant.target}:{mutant.name}" for mutant in MUTANTS])
def test_a_mutant_is_caught(mutant: Mutant, tmp_path: Path) -> None:
    caught = failing(mutant.target, mutant, mutant.cases, tmp_path)
    missed = [case for case in mutant.cases if case not in {found.partition("@")[0] for found in caught} | caught]
    assert not missed, f"{mutant.about} Not noticed by: {', '.join(missed)}"


def test_a_mutant_that_no_longer_fits_the_source_is_refused() -> None:
    mutant = Mutant("python", "gone", "", "themis/retry.py", "no such piece", "", ("any",))
    with pytest.raises(PlanError, match="0 times"):
        mutant.apply(mutant.path.read_text(encoding="utf-8"))


def test_a_fault_that_changes_nothing_is_not_caught(tmp_path: Path) -> None:
    piece = '"""When a call is tried again, and after how long.'
    harmless = Mutant("python", "harmless", "", "themis/retry.py", piece, piece, (MUTANTS[0].cases[0],))
    assert failing("python", harmless, harmless.cases, tmp_path) == set()
