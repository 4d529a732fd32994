"""What an SDK's own checks come to in the suite's table: each is made, whatever came before, and each is counted."""

from __future__ import annotations

import configparser
import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools import scratch_node, sdk_suites, sdk_tests, suite, tree
from tools.sdk_suites import Check

REPORT = '<testsuite><testcase name="a"/><testcase name="b">{inside}</testcase></testsuite>'


@pytest.fixture(autouse=True)
def small_tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tree, "ROOT", tmp_path)
    monkeypatch.setattr(tree, "REPORTS", tmp_path / "reports")


def check(
    folder: Path, name: str, code: str, *, reports: str = "", needs_node: bool = False, absent: str = ""
) -> Check:
    command = (sys.executable, "-c", code)
    return Check(name, command, folder, ((folder, reports),) if reports else (), {"GIVEN": "1"}, needs_node, absent)


def writes(name: str, inside: str = "", status: int = 0) -> str:
    return f"open({name!r}, 'w').write({REPORT.format(inside=inside)!r}); raise SystemExit({status})"


def counted(folder: Path, *checks: Check) -> tuple[int, int, int]:
    sdk_tests.collect("sdk-x", sdk_tests.run("sdk-x", checks), folder / "reports")
    return suite.read_reports("sdk-x", folder / "reports")


def test_a_check_without_a_report_is_one_test(tmp_path: Path) -> None:
    lint = check(tmp_path, "lint", "import os; assert os.environ['GIVEN'] == '1'")

    assert counted(tmp_path, lint) == (1, 0, 0)


def test_a_check_goes_on_after_one_that_failed(tmp_path: Path) -> None:
    lint, types = check(tmp_path, "lint", "raise SystemExit(3)"), check(tmp_path, "types", "")

    assert counted(tmp_path, lint, types) == (1, 1, 0)


def test_the_tests_of_a_report_are_counted_and_not_the_check(tmp_path: Path) -> None:
    unit = check(tmp_path, "unit", writes("TEST-1.xml", "<skipped/>"), reports="TEST-*.xml")

    assert counted(tmp_path, unit) == (1, 0, 1)


def test_a_failed_test_is_not_counted_twice(tmp_path: Path) -> None:
    unit = check(tmp_path, "unit", writes("TEST-1.xml", "<failure/>", 1), reports="TEST-*.xml")

    assert counted(tmp_path, unit) == (1, 1, 0)


def test_a_check_that_fails_with_all_its_tests_well_is_told(tmp_path: Path) -> None:
    unit = check(tmp_path, "unit", writes("TEST-1.xml", status=1), reports="TEST-*.xml")

    assert counted(tmp_path, unit) == (2, 1, 0)


def test_tests_that_did_not_run_are_no_success(tmp_path: Path) -> None:
    (tmp_path / "TEST-old.xml").write_text(REPORT.format(inside=""), encoding="utf-8")
    unit = check(tmp_path, "unit", "", reports="TEST-*.xml")

    assert counted(tmp_path, unit) == (0, 1, 0)


def test_a_program_that_is_missing_fails_its_check(tmp_path: Path) -> None:
    gone = Check("gone", ("no-such-program",), tmp_path)

    assert counted(tmp_path, gone) == (0, 1, 0)


def test_what_cannot_be_checked_here_is_skipped_with_its_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    browser = check(tmp_path, "browser", "raise SystemExit(1)", absent="Chromium is not installed")
    monkeypatch.setattr(sdk_suites, "SUITES", {"sdk-x": lambda: [browser]})

    assert sdk_tests.main(["sdk-x"]) == 0
    assert suite.read_reports("sdk-x", tmp_path / "reports") == (0, 0, 1)
    assert "Chromium is not installed" in capsys.readouterr().out


def test_one_node_serves_all_checks_that_need_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[str] = []

    @contextlib.contextmanager
    def running(purpose: str) -> Iterator[str]:
        started.append(purpose)
        yield "http://127.0.0.1:1"

    monkeypatch.setattr(scratch_node, "running", running)
    code = "import os; assert os.environ['THEMIS_ENDPOINT'] == 'http://127.0.0.1:1'"
    samples = [check(tmp_path, name, code, needs_node=True) for name in ("first", "second")]

    assert counted(tmp_path, *samples) == (2, 0, 0)
    assert started == ["sdk-x"]


def test_the_suites_are_parts() -> None:
    assert set(sdk_suites.SUITES) <= {part.name for part in suite.PARTS}
    for checks in (make() for make in sdk_suites.SUITES.values()):
        assert len({one.name for one in checks}) == len(checks) > 0


def test_the_samples_of_java_are_run_by_the_part_of_that_name() -> None:
    settings = configparser.ConfigParser(interpolation=None)
    settings.read(Path(__file__).parents[2] / "tox.ini", encoding="utf-8")

    assert sdk_suites.JAVA_SAMPLES in settings["tests"]["samples"].split()
    test = Path(__file__).parents[2] / sdk_suites.JAVA_SAMPLES.partition("::")[0]
    assert f"def {sdk_suites.JAVA_SAMPLES.partition('::')[2]}(" in test.read_text(encoding="utf-8")


def test_a_check_that_does_not_end_fails_with_all_it_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also when a report was begun: what is cut off is counted as failed, not read."""
    monkeypatch.setattr(sdk_tests, "_TIMEOUT_S", 1.5)
    code = (
        "import subprocess; child = subprocess.Popen(['sleep', '60'])\n"
        "open('pid', 'w').write(str(child.pid)); open('TEST-1.xml', 'w').write('<testsuite><testcase'); child.wait()"
    )
    stuck = check(tmp_path, "stuck", code, reports="TEST-*.xml")
    (outcome,) = sdk_tests.run("sdk-x", [stuck])

    assert "timed out" in outcome.failure
    assert outcome.reports == ()
    child = Path("/proc", (tmp_path / "pid").read_text(), "stat")
    assert not child.exists() or " Z " in child.read_text()
