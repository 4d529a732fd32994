"""The command: verbs, filters, exit status, reports."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest

from conformance.tests.suites import Suite, case, double
from themis_conformance.cli import main
from themis_conformance.outcome import Result, Status
from themis_conformance.reports.junit import write_junit

GET = {"call": "get", "args": {"urn": "${urn.a}"}}
GOOD = {"steps": [{**GET, "value": None}]}
BAD = {"steps": [{**GET, "value": "\x00\ufffe<&>"}]}


def test_check_says_how_many_there_are(suite: Suite, capsys: pytest.CaptureFixture[str]) -> None:
    suite.write(case(name="a"), case(name="b", each=[{"id": "x"}, {"id": "y"}]))
    assert main(["check", *suite.arguments]) == 0
    assert capsys.readouterr().out == "3 cases are well-formed\n"


@pytest.mark.parametrize(
    ("filters", "names"),
    [
        ([], ["a", "b[x]", "b[y]"]),
        (["b"], ["b[x]", "b[y]"]),
        (["b[y]"], ["b[y]"]),
        (["scenarios/suite/a"], ["a"]),
        (["*/a", "[y]"], ["a", "b[y]"]),
        (["*x*"], ["b[x]"]),
        (["*b[?]"], ["b[x]", "b[y]"]),
        (["nothing"], []),
    ],
)
def test_list_prints_names(
    suite: Suite, filters: list[str], names: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    suite.write(case(name="a"), case(name="b", each=[{"id": "x"}, {"id": "y"}]))
    assert main(["list", *suite.arguments, *(part for text in filters for part in ("--filter", text))]) == 0
    assert capsys.readouterr().out.split() == [f"scenarios/suite/{name}" for name in names]


def test_a_run_needs_somebody_to_judge(suite: Suite, capsys: pytest.CaptureFixture[str]) -> None:
    assert suite.write(case()).run().status == 2
    assert "nobody to judge" in capsys.readouterr().err


def test_a_filter_that_names_nothing_is_no_success(suite: Suite) -> None:
    assert suite.write(case(**GOOD)).run("--filter", "nothing", adapter="").status == 2


def test_cases_for_a_live_server_only_are_no_success_without_one(suite: Suite) -> None:
    assert suite.write(case(on="live", **GOOD)).run(adapter="").status == 2


def test_a_server_that_is_not_there_is_refused(suite: Suite, capsys: pytest.CaptureFixture[str]) -> None:
    suite.write(case(**GOOD))
    assert suite.run("--server", "http://127.0.0.1:1").status == 2
    assert suite.run("--server", "127.0.0.1:8080").status == 2
    assert "is no address such as http://127.0.0.1:8080" in capsys.readouterr().err


def test_an_adapter_is_called_what_it_calls_itself(suite: Suite, capsys: pytest.CaptureFixture[str]) -> None:
    suite.write(case(**GOOD))
    assert main(["run", "--adapter", double(), *suite.arguments]) == 0
    assert capsys.readouterr().out == "double: 2 passed, 0 failed\n"


def test_two_adapters_of_one_name_are_refused(suite: Suite) -> None:
    suite.write(case(**GOOD))
    assert main(["run", "--adapter", double(), "--adapter", double(), *suite.arguments]) == 2


def test_junit_leaves_out_what_an_sdk_has_no_function_for(tmp_path: Path) -> None:
    results = [
        Result("sdk", "", f"vectors/urn/{status.name}", "vectors", "urn", frozenset(), status) for status in Status
    ]
    write_junit(tmp_path / "report.xml", results)

    root = ElementTree.parse(tmp_path / "report.xml").getroot()
    assert {name: root.get(name) for name in ("tests", "failures", "skipped")} == {
        "tests": "4",
        "failures": "1",
        "skipped": "2",
    }
    assert "vectors/urn/ABSENT" not in {found.get("name") for found in root.iter("testcase")}


def test_junit_has_each_case_once(suite: Suite) -> None:
    report = suite.root / "out" / "report.xml"
    suite.write(case(name="good", **GOOD), case(name="bad", **BAD), case(name="no", requires={"features": ["tls"]}))
    suite.run("--junit", str(report), adapter="")
    root = ElementTree.parse(report).getroot()
    assert {name: root.get(name) for name in ("tests", "failures", "skipped")} == {
        "tests": "5",
        "failures": "2",
        "skipped": "1",
    }
    names = {(case.get("classname"), case.get("name")): [child.tag for child in case] for case in root.iter("testcase")}
    assert names == {
        ("double.sync.scenarios.suite", "scenarios/suite/good"): [],
        ("double.async.scenarios.suite", "scenarios/suite/good"): [],
        ("double.sync.scenarios.suite", "scenarios/suite/bad"): ["failure"],
        ("double.async.scenarios.suite", "scenarios/suite/bad"): ["failure"],
        ("double.scenarios.suite", "scenarios/suite/no"): ["skipped"],
    }


def test_the_matrix_has_suites_and_features(suite: Suite) -> None:
    report = suite.root / "matrix.md"
    suite.write(case(name="good", **GOOD), case(name="bad", **BAD), case(name="no", requires={"features": ["tls"]}))
    suite.write(case(name="more", **GOOD), suite="other").run("--matrix", str(report), adapter="")
    lines = report.read_text().splitlines()
    assert "| double | 1.0 | Python | 4 | 2 | 1 | 0 | 0 |" in lines
    assert "| suite | double sync | double async | double |" in lines
    assert "| scenarios/suite | 1/2 (1 failed) | 1/2 (1 failed) | (1 skipped) |" in lines
    assert "| scenarios/other | 1/1 | 1/1 |  |" in lines
    assert "| entities | 4/6 (2 failed, 1 skipped) |" in lines
    assert "| tls | no |" in lines
    assert "- double sync scenarios/suite/bad" in lines


def test_a_report_that_cannot_be_written_is_said(suite: Suite, capsys: pytest.CaptureFixture[str]) -> None:
    suite.write(case(**GOOD))
    (suite.root / "file").write_text("")
    assert suite.run("--junit", str(Path(suite.root, "file", "x.xml")), adapter="").status == 2
    assert "a report cannot be written" in capsys.readouterr().err


def test_the_shipped_cases_are_well_formed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check"]) == 0, capsys.readouterr().err


def test_progress_is_a_line_that_moves_on_a_terminal_only() -> None:
    import io

    from themis_conformance.outcome import Result, Status
    from themis_conformance.progress import Progress

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    passed = Result("double", "sync", "scenarios/a/b", "scenarios", "a", frozenset(), Status.PASSED)
    failed = Result("double", "sync", "scenarios/a/c", "scenarios", "a", frozenset(), Status.FAILED, 0.1, ("why",))
    for stream, moves in ((Terminal(), True), (io.StringIO(), False)):
        with Progress(2, stream=stream) as progress:
            progress.note(passed)
            progress.note(failed)
        assert ("\r" in stream.getvalue()) is moves
        assert "FAILED double sync scenarios/a/c\n    why\n" in stream.getvalue()
