"""The table of features says what the last conformance runs found, and a run that finds something else is noticed."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from tools import features, tree
from tools.features import Column, FeaturesError, Suite, differences, read, render, suites

ROWS = [
    Suite("vectors", "urn", "How names are read"),
    Suite("scenarios", "retries", "What is tried again"),
    Suite("scenarios", "hooks", "What hooks are told"),
    Suite("protocol", "http-input", "For servers only"),
]


def result(mode: str, layer: str, suite: str, status: str = "passed", subject: str = "python") -> dict[str, Any]:
    return {"subject": subject, "mode": mode, "layer": layer, "suite": suite, "status": status}


def report(*results: dict[str, Any]) -> dict[str, Any]:
    return {"subjects": {result["subject"]: {} for result in results}, "results": results}


def write(path: Path, *results: dict[str, Any]) -> None:
    path.write_text(json.dumps(report(*results)), encoding="utf-8")


def page(*columns: Column) -> str:
    return render(ROWS, columns)


def column(mode: str, passed: int, *, sdk: str = "python") -> Column:
    return Column(sdk, mode, {("scenarios", "retries"): (passed, 9), ("scenarios", "hooks"): (2, 2)})


def test_a_report_becomes_a_column_for_each_mode() -> None:
    made = report(
        result("", "vectors", "urn"),
        result("sync", "scenarios", "retries"),
        result("sync", "scenarios", "retries", "failed"),
        result("async", "scenarios", "retries", "known failing"),
        result("async", "scenarios", "hooks", "skipped"),
        result("", "vectors", "urn", "absent"),
        result("", "protocol", "http-input", subject="server"),
    )

    assert read("python", [made]) == [
        Column("python", "sync", {("vectors", "urn"): (1, 1), ("scenarios", "retries"): (1, 2)}),
        Column("python", "async", {("vectors", "urn"): (1, 1), ("scenarios", "retries"): (0, 1)}),
    ]


def test_the_page_has_a_row_for_each_suite_that_judges_sdks() -> None:
    text = page(column("sync", 8), column("async", 9, sdk="javascript"))

    assert "| feature | themis-python sync | themis-js async |" in text
    assert "| **retries**: What is tried again | 8/9 | 9/9 |" in text
    assert "http-input" not in text


def test_suites_of_one_name_in_two_layers_are_two_rows() -> None:
    rows = [Suite("scenarios", "batches", "Many at once"), Suite("protocol", "batches", "One request")]
    text = render(rows, [Column("python", "sync", {("scenarios", "batches"): (3, 4), ("protocol", "batches"): (5, 6)})])

    cells = [line for line in text.splitlines() if line.startswith("| **batches**")]
    assert cells == ["| **batches**: Many at once | 3/4 |", "| **batches**: One request | 5/6 |"]


def test_a_column_that_is_as_before_is_no_difference() -> None:
    before = page(column("sync", 9), column("async", 9, sdk="javascript"))

    assert differences(before, page(column("sync", 9))) == []


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (page(column("sync", 8)), "**retries**: What is tried again: themis-python sync has 9/9, the run says 8/9"),
        (page(column("async", 9)), "**hooks**: What hooks are told: themis-python async has no such cell"),
        (
            page(Column("python", "sync", {("scenarios", "hooks"): (2, 2)})),
            "**retries**: What is tried again: themis-python sync has 9/9, the run has no such cell",
        ),
    ],
)
def test_a_column_that_differs_is_told_cell_by_cell(found: str, said: str) -> None:
    assert any(said in change for change in differences(page(column("sync", 9)), found))


def test_the_newest_report_that_knows_an_sdk_is_read(tmp_path: Path) -> None:
    write(tmp_path / "conformance-all.json", result("async", "scenarios", "retries", "failed"))
    write(tmp_path / "conformance-python.json", result("async", "scenarios", "retries"))
    write(tmp_path / "conformance-java.json", result("async", "scenarios", "retries", subject="java"))
    for age, name in enumerate(("java", "python", "all")):
        os.utime(tmp_path / f"conformance-{name}.json", (1000 - age, 1000 - age))

    (found,) = features.read_all(["python"], tmp_path)

    assert found.cells == {("scenarios", "retries"): (1, 1)}


def test_without_a_report_the_way_to_one_is_said(tmp_path: Path) -> None:
    with pytest.raises(FeaturesError, match=r"java.*\./themis conformance"):
        features.read_all(["java"], tmp_path)


def test_a_page_that_is_out_of_date_fails_with_the_command_to_refresh_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(tree, "ROOT", tmp_path)
    monkeypatch.setattr(tree, "REPORTS", tmp_path)
    monkeypatch.setattr(features, "suites", lambda _cases: ROWS)
    (tmp_path / features.PAGE).parent.mkdir(parents=True)
    for sdk in ("python", "javascript", "java"):
        write(tmp_path / f"conformance-{sdk}.json", result("async", "scenarios", "retries", subject=sdk))

    assert features.main([]) == 0
    assert features.main(["--check", "java", "python"]) == 0
    write(tmp_path / "conformance-java.json", result("async", "scenarios", "retries", "failed", subject="java"))
    assert features.main(["--check", "python"]) == 0
    assert features.main(["--check", "java"]) == 1
    assert "themis-java async has 1/1, the run says 0/1" in capsys.readouterr().out


def test_the_trees_suites_are_read() -> None:
    found = suites(tree.CONFORMANCE / "cases")

    assert {suite.layer for suite in found} == {"vectors", "scenarios", "protocol"}
    assert all(suite.name and suite.about for suite in found)
    assert len({(suite.layer, suite.name) for suite in found}) == len(found)
