"""Lists of known failures: true, or the run fails."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance.tests.suites import Outcome, Suite, case

GET = {"call": "get", "args": {"urn": "${urn.a}"}}
FAILS = case(name="fails", steps=[{**GET, "value": 1}])
PASSES = case(name="passes", steps=[{**GET, "value": None}])


def run(suite: Suite, listed: str, *arguments: str) -> Outcome:
    path = suite.root / "list.txt"
    path.write_text(listed)
    return suite.write(FAILS, PASSES).run("--known-failing", str(path), *arguments, adapter="")


def test_a_listed_case_may_fail(suite: Suite) -> None:
    outcome = run(suite, "# a remark\n\nscenarios/suite/fails  # see issue 12\n")
    assert outcome.status == 0
    assert outcome.statuses() == {
        "scenarios/suite/fails sync": "known failing",
        "scenarios/suite/fails async": "known failing",
        "scenarios/suite/passes sync": "passed",
        "scenarios/suite/passes async": "passed",
    }


def test_a_listed_case_that_passes_fails_the_run(suite: Suite) -> None:
    outcome = run(suite, "scenarios/suite/fails\nscenarios/suite/passes\n")
    assert outcome.status == 1
    assert "it passes, but" in outcome.complaints()


def test_a_list_may_name_a_mode(suite: Suite) -> None:
    outcome = run(suite, "scenarios/suite/fails async\n")
    assert outcome.status == 1
    assert outcome.statuses()["scenarios/suite/fails sync"] == "failed"
    assert outcome.statuses()["scenarios/suite/fails async"] == "known failing"


def test_a_name_that_no_case_has_fails_the_run(suite: Suite, capsys: pytest.CaptureFixture[str]) -> None:
    outcome = run(suite, "scenarios/suite/fails\nscenarios/suite/fail\n")
    assert outcome.status == 1
    assert "list.txt:2: there is no case 'scenarios/suite/fail'" in capsys.readouterr().err


def test_a_name_is_exact(suite: Suite) -> None:
    assert run(suite, "scenarios/suite/*\n").status == 1


def test_what_is_filtered_out_need_not_fail(suite: Suite) -> None:
    assert run(suite, "scenarios/suite/fails\n", "--filter", "passes").status == 0


@pytest.mark.parametrize(
    "line", ["scenarios/suite/fails fast", "a b c", "scenarios/suite/fails\nscenarios/suite/fails"]
)
def test_a_line_that_is_none_is_refused(suite: Suite, line: str) -> None:
    assert run(suite, line).status == 2


def test_of_a_directory_each_adapter_has_its_own_list(suite: Suite) -> None:
    lists = suite.root / "lists"
    lists.mkdir()
    (lists / "other.txt").write_text("scenarios/suite/passes\n")
    assert suite.write(FAILS).run("--known-failing", str(lists), adapter="").status == 1
    (lists / "double.txt").write_text("scenarios/suite/fails\n")
    assert suite.run("--known-failing", str(lists), adapter="").status == 0


def test_a_list_that_is_not_there_is_refused(suite: Suite) -> None:
    assert suite.write(PASSES).run("--known-failing", str(Path("nowhere.txt")), adapter="").status == 2
