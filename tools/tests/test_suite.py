"""The suite's sums: what JUnit reports say, what an exit status adds, and the line that CI reads."""

from __future__ import annotations

import configparser
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from tools import bootstrap, rust_tests, suite, tree
from tools.suite import PARTS, Result, closing_line, judge, read_reports

REPORT = """<?xml version="1.0"?>
<testsuites name="pytest tests">
  <testsuite name="pytest" errors="1" failures="2" skipped="3" tests="10"/>
</testsuites>
"""


def test_reports_of_a_part_are_added_up(tmp_path: Path) -> None:
    for name in ("unit.xml", "unit-raft.xml", "united.xml"):
        (tmp_path / name).write_text(REPORT, encoding="utf-8")

    assert read_reports("unit", tmp_path) == (8, 6, 6)


def test_a_report_of_a_part_with_a_longer_name_is_not_counted_twice(tmp_path: Path) -> None:
    for name in ("conformance.xml", "conformance-server.xml", "conformance-java.xml", "conformance-java-live.xml"):
        (tmp_path / name).write_text(REPORT, encoding="utf-8")

    assert read_reports("conformance", tmp_path) == (8, 6, 6)
    assert read_reports("conformance-java", tmp_path) == (8, 6, 6)


def test_cases_are_counted_where_they_stand(tmp_path: Path) -> None:
    """Node's reporter puts suites into suites and cases beside them; its outer counts leave the inner ones out."""
    (tmp_path / "browser.xml").write_text(
        """<testsuites>
          <testcase name="a"/>
          <testsuite name="outer" tests="2" failures="0" skipped="0">
            <testcase name="b"/>
            <testsuite name="inner" tests="3" failures="1" skipped="1">
              <testcase name="c"><failure message="x"/></testcase>
              <testcase name="d"><skipped/></testcase>
              <testcase name="e"><error/></testcase>
            </testsuite>
          </testsuite>
        </testsuites>""",
        encoding="utf-8",
    )

    assert read_reports("browser", tmp_path) == (2, 2, 1)


def test_what_cannot_be_built_fails_its_part_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_sdks: object) -> None:
        raise bootstrap.BootstrapError("no Maven")

    monkeypatch.setattr("tools.sdks.ensure", refuse)
    part = next(part for part in PARTS if part.name == "sdk-java")

    assert suite._execute(part, []) == 1


def test_the_named_parts_say_what_they_need_of_the_machine() -> None:
    assert suite.needs(["lint", "unit"]) == set()
    assert suite.needs(["lint", "conformance-java"]) == {"for tests of Java"}
    assert suite.needs(["docs"]) == {"for tests of Java", "for tests of JavaScript"}


def test_cargos_counts_are_read(tmp_path: Path) -> None:
    said = "running 3 tests\n...\ntest result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out\n"
    ET.ElementTree(rust_tests.report(said * 2)).write(tmp_path / "unit-rust.xml")

    assert read_reports("unit", tmp_path) == (6, 0, 2)


@pytest.mark.parametrize(
    ("counts", "status", "expected"),
    [
        ((5, 0, 1), 0, (5, 0, 1)),
        ((5, 2, 0), 1, (5, 2, 0)),
        ((0, 0, 0), 0, (1, 0, 0)),  # a part without tests of its own, such as lint, counts as one
        ((0, 0, 0), 1, (0, 1, 0)),
        ((5, 0, 0), 1, (5, 1, 0)),  # passed, and yet it failed: the status has the last word
    ],
)
def test_the_exit_status_has_the_last_word(
    counts: tuple[int, int, int], status: int, expected: tuple[int, int, int]
) -> None:
    result = judge("unit", counts, status=status, took_s=1.0)

    assert (result.passed, result.failed, result.skipped) == expected
    assert result.verdict == ("FAILED" if status else "ok")


def test_the_closing_line_sums_the_parts() -> None:
    results = [Result("unit", 10, 0, 2, 1.0), Result("lint", 1, 0, 0, 0.5), Result("spec", 3, 1, 0, 2.0)]

    assert closing_line(results) == "14 passed, 1 failed, 2 skipped"


def test_every_part_is_an_environment_of_tox() -> None:
    settings = configparser.ConfigParser(interpolation=None)
    settings.read(tree.ROOT / "tox.ini", encoding="utf-8")

    listed = settings["tox"]["env_list"].split()
    assert listed == [part.name for part in PARTS]
    assert {f"testenv:{name}" for name in listed} <= set(settings.sections())
