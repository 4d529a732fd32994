"""What is written down says what was measured, on what, and names no place."""

from __future__ import annotations

import datetime
import socket
from pathlib import Path

import pytest

from benchmarks import machine, report
from benchmarks.figures import Bar, Figure, Series
from benchmarks.machine import Machine
from benchmarks.report import Outcome, Record
from benchmarks.rounds import Effort

_MACHINE = Machine(2, "AMD EPYC", 23.5, "Linux", "6.18.44", "CPython 3.11.7", 5_000, 0.3)
_AT = datetime.datetime(2026, 11, 23, 4, 5, tzinfo=datetime.UTC)


def outcome(scenario: str, value: float | None, failure: str = "") -> Outcome:
    series = (Series("ThemisDB", "requests/CPU-s", (90.0, 100.0, 120.0)),)
    figure = Figure(f"{scenario}, of bare", value, "ratio", Bar(0.6), series, "a note")
    return Outcome(scenario, _AT, 12.3, Effort(3, 1, 1), (figure,), failure)


def test_the_table_has_a_line_for_each_figure_with_its_verdict_and_spread() -> None:
    text = report.markdown(Record(_MACHINE, {"get": outcome("get", 0.57), "put": outcome("put", 0.8)}))

    assert "| get, of bare | 0.57 ratio | >= 0.6 | **missed** | 30% |" in text
    assert "| put, of bare | 0.8 ratio | >= 0.6 | met | 30% |" in text
    assert "- get, of bare: a note" in text
    assert "| CPU | 2 cores, AMD EPYC |" in text


def test_what_was_not_measured_has_no_number() -> None:
    assert "| get, of bare | - | >= 0.6 | not measured |" in report.markdown(
        Record(_MACHINE, {"get": outcome("get", None)})
    )


@pytest.mark.parametrize(
    ("value", "failure", "missed"), [(0.7, "", False), (0.5, "", True), (None, "", False), (0.7, "wrk failed", True)]
)
def test_a_run_fails_if_a_bar_is_missed_or_a_scenario_failed(value: float | None, failure: str, missed: bool) -> None:
    assert outcome("get", value, failure).missed is missed


def test_results_can_be_read_again(tmp_path: Path) -> None:
    file, table = report.write(_MACHINE, [outcome("get", 0.57)], tmp_path)

    assert file.name == "2026-11-23-2x-amd-epyc-linux-6.18.json"
    assert report.read(file) == Record(_MACHINE, {"get": outcome("get", 0.57)})
    assert table.read_text(encoding="utf-8") == report.markdown(report.read(file))


def test_a_later_run_of_one_scenario_keeps_the_others(tmp_path: Path) -> None:
    report.write(_MACHINE, [outcome("get", 0.57), outcome("put", 0.8)], tmp_path)
    file, _ = report.write(_MACHINE, [outcome("get", 0.65)], tmp_path)

    assert report.read(file).scenarios == {"get": outcome("get", 0.65), "put": outcome("put", 0.8)}


def test_the_facts_of_this_machine_name_neither_it_nor_a_path(tmp_path: Path) -> None:
    facts = machine.examine(tmp_path)
    text = report.markdown(Record(facts, {}))

    assert facts.cores >= 1
    assert facts.syncs_per_s > 0
    assert socket.gethostname() not in facts.slug
    assert str(tmp_path) not in text
    assert str(Path.home()) not in text


def test_the_cpu_and_the_memory_are_read_from_proc() -> None:
    assert machine.parse_cpu_model("processor\t: 0\nmodel name\t: AMD EPYC 9354\nmodel\t: 17\n") == "AMD EPYC 9354"
    assert machine.parse_memory_kib("MemTotal:       24684096 kB\nMemFree: 1 kB\n") == 24_684_096


def test_a_machine_without_memory_is_an_error() -> None:
    with pytest.raises(ValueError, match="MemTotal"):
        machine.parse_memory_kib("MemFree: 1 kB\n")
