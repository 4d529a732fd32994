"""What a run found is told: in a table, in a file, and in a picture that is well-formed."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

from robustness.checkers import Result, Verdict
from robustness.picture import draw
from robustness.report import Report, table, write
from robustness.rounds import Round
from robustness.tests.histories import lost_write, read, refused_write
from robustness.tests.histories import write as written
from robustness.timeline import Band, Sample, Timeline

S = 1_000_000_000
_SVG = "{http://www.w3.org/2000/svg}"

_HISTORY = [
    written(0, 0, S // 2, "a", 1, shard="shard_001"),
    read(1, S, S + 1, "a", 1, shard="shard_001"),
    refused_write(0, 2 * S, 2 * S + 5, "b"),
    lost_write(0, 3 * S, "c"),
]
_TIMELINE = Timeline(
    0,
    [Band("kill-leader", S, 3 * S, 4 * S, ["kill -9 node-1 <hard>"])],
    [
        Sample(0, {"shard_001": "node-1", "shard_002": "node-2"}),
        Sample(2 * S, {"shard_001": None, "shard_002": "node-2"}),
        Sample(3 * S, {"shard_001": "node-3", "shard_002": "node-2"}),
    ],
)


def _round(fault: str, result: Result) -> Round:
    problems = () if result == "pass" else ("k: it is all wrong",)
    verdicts = [Verdict("recovery", "pass", (), 1), Verdict("versions", result, problems, 40)]
    return Round(fault, 0, 4 * S, {"ok": 2, "refused": 1, "unknown": 1}, {}, {"shard_001": 1.25}, verdicts, ["done"])


def _report(*results: Result) -> Report:
    rounds = [_round(f"fault-{number}", result) for number, result in enumerate(results)]
    return Report(3, 7, 12.5, rounds, {"disk-full": "mounting (root)"}, [], "a machine")


def test_only_proof_is_a_pass() -> None:
    assert _report("pass", "pass").passed
    assert not _report("pass", "fail").passed
    assert not _report("pass", "unknown").passed
    assert not _report("pass", "void").passed
    assert not _report().passed


def test_a_second_opinion_that_was_not_had_is_no_pass() -> None:
    found = _report("pass")
    found.overall.append(Verdict("porcupine", "unknown", ("not asked",), 0))
    assert not found.passed


def test_the_table_names_what_failed_and_what_was_not_tried() -> None:
    text = table(_report("pass", "fail"))
    assert "1.25 s in shard_001" in text
    assert "FAIL: versions FAIL" in text
    assert "k: it is all wrong" in text
    assert "disk-full" in text
    assert "not tried: needs mounting (root)" in text
    assert "1 of 2 rounds passed, 1 not tried; 8 operations" in text


def test_the_files_are_there(tmp_path: Path) -> None:
    files = write(_report("pass", "void"), _TIMELINE, _HISTORY, tmp_path / "out")
    assert [file.name for file in files] == ["report.json", "report.txt", "timeline.svg"]
    told = json.loads(files[0].read_text())
    assert told["passed"] is False
    assert told["rounds"][1]["verdicts"][1]["result"] == "void"


def test_the_picture_has_bands_columns_and_lanes() -> None:
    root = ElementTree.fromstring(draw(_TIMELINE, _HISTORY))
    titles = {element.text for element in root.iter(f"{_SVG}title")}
    assert "kill-leader: kill -9 node-1 <hard>" in titles
    assert "0.5 s: 1 ok" in titles
    assert "2 s: 1 refused" in titles
    assert "3 s: 1 unknown" in titles
    assert {"shard_001: node-1", "shard_001: None", "shard_001: node-3", "shard_002: node-2"} <= titles
    texts = {element.text for element in root.iter(f"{_SVG}text")}
    assert {"kill-leader", "shard_001", "node-3 leads"} <= texts


def test_an_empty_run_can_be_drawn() -> None:
    assert ElementTree.fromstring(draw(Timeline(0), [])).tag == f"{_SVG}svg"


def test_leaders_change_when_somebody_else_is_seen() -> None:
    assert _TIMELINE.changes() == {
        "shard_001": [(0, "node-1"), (2 * S, None), (3 * S, "node-3")],
        "shard_002": [(0, "node-2")],
    }
