"""Every planted fault is caught by the cases that the lists name, which the unharmed program passes."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance.mutants import plan
from conformance.mutants.__main__ import main
from conformance.mutants.judging import Breadth, failing, ran
from conformance.mutants.plan import TARGETS, Mutant, PlanError, Target, load, load_all

pytestmark = pytest.mark.timeout(600)

MUTANTS = load_all()
ENOUGH = 12
# A mutant meets one to three cases: starting several adapters for them would cost more than it saves.
FEW_CASES = Breadth(jobs=1)
# Some faults show only if chance has it: which of two replicas is drawn, which of many threads comes first. So one that
# shows half of the time is missed once in a thousand runs.
ATTEMPTS = 10


@pytest.mark.parametrize("target", TARGETS)
def test_there_are_enough(target: Target) -> None:
    assert len(load(target)) >= ENOUGH


@pytest.mark.parametrize("target", TARGETS)
def test_the_unharmed_passes_all_cases_that_are_named(target: Target, tmp_path: Path) -> None:
    named = {case for mutant in load(target) for case in mutant.cases}
    results = ran(target, None, sorted(named), tmp_path)
    assert not [case for case, passed in results.items() if not passed]
    missing = named - {case.partition("@")[0] for case in results}
    assert not missing, "a named case did not run"


@pytest.mark.parametrize("mutant", MUTANTS, ids=[f"{mutant.target}:{mutant.name}" for mutant in MUTANTS])
def test_a_mutant_is_caught(mutant: Mutant, tmp_path: Path) -> None:
    missed = mutant.cases
    for attempt in range(ATTEMPTS):
        folder = tmp_path / str(attempt)
        folder.mkdir()
        caught = {case.partition("@")[0] for case in failing(mutant.target, mutant, missed, folder, FEW_CASES)}
        missed = tuple(case for case in missed if case not in caught)
        if not missed:
            break
    assert not missed, f"{mutant.about} Not noticed by: {', '.join(missed)}"


def test_a_fault_that_changes_nothing_is_not_caught(tmp_path: Path) -> None:
    piece = '"""When a call is tried again, and after how long.'
    harmless = Mutant("python", "harmless", "", "themis/retry.py", piece, piece, (MUTANTS[0].cases[0],))
    assert failing("python", harmless, harmless.cases, tmp_path, FEW_CASES) == set()


def test_a_mutant_that_does_not_build_is_refused(tmp_path: Path) -> None:
    known = load("javascript")[0]
    broken = Mutant("javascript", "broken", "", known.file, known.find, "if (", known.cases)
    with pytest.raises(PlanError, match="javascript/broken does not build"):
        failing("javascript", broken, broken.cases, tmp_path, FEW_CASES)


def test_a_mutant_that_no_longer_fits_the_source_is_refused() -> None:
    mutant = Mutant("python", "gone", "", "themis/retry.py", "no such piece", "", ("any",))
    with pytest.raises(PlanError, match="0 times"):
        mutant.apply(mutant.path.read_text(encoding="utf-8"))


@pytest.fixture
def a_list(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The list of Python's mutants, to be written."""
    monkeypatch.setattr(plan, "HERE", tmp_path)
    return tmp_path / "python.yaml"


ENTRY = """\
- name: {name}
  about: It is wrong.
  file: themis/retry.py
  find: "if self._tokens < 1.0:"
  replace: "if False:"
  cases: {cases}
"""


def test_a_mutant_names_its_cases_unless_they_are_to_be_found(a_list: Path) -> None:
    a_list.write_text(ENTRY.format(name="free", cases="[]"))
    assert [mutant.name for mutant in load("python", finished=False)] == ["free"]
    with pytest.raises(PlanError, match="python/free: no case is named"):
        load("python")


def test_a_name_is_given_once(a_list: Path) -> None:
    a_list.write_text(ENTRY.format(name="free", cases="[x]") * 2)
    with pytest.raises(PlanError, match="python: twice: free"):
        load("python")


def test_a_member_too_many_is_refused(a_list: Path) -> None:
    a_list.write_text(ENTRY.format(name="free", cases="[x]") + "  why: no\n")
    with pytest.raises(PlanError, match="has exactly about, cases"):
        load("python")


def test_the_table_is_what_the_lists_say() -> None:
    assert main(["--check"]) == 0
