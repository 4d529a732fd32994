"""`python -m tools.features [--check SDK...]`: what each SDK can do, as the conformance suite has found it.

docs/reference/features.md is a table of suites of cases and SDKs, made of the reports that the last whole conformance
runs left. It is checked in, so that a reader sees it without running anything; each conformance part compares its SDK's
columns with what it has just found.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tools import tree
from tools.sdks import SDKS

PAGE = Path("docs", "reference", "features.md")
_CASES = tree.CONFORMANCE / "cases"
_REFRESH = "./themis conformance && .venv/bin/python -m tools.features"
_TITLES = {"python": "themis-python", "javascript": "themis-js", "java": "themis-java"}
_OPENING = """\
# Features

What the three SDKs can do, feature by feature: each row is a suite of the conformance cases, each cell says how many of
its cases an SDK passes in a mode. The same cases judge all three, so equal cells mean equal behaviour. [The conformance
suite](conformance.md) says how they are judged.

Made by `python -m tools.features` from the reports of `./themis conformance`; do not edit.
"""
_LAYERS = {
    "vectors": (
        "Rules",
        "What every SDK computes by itself, and must compute alike: spec/vectors. Where totals differ, an SDK has no "
        "public function for some of it (xxhash is a library in Python).",
    ),
    "scenarios": ("Behaviour", "What an SDK does while servers fail, move, answer late or wrongly."),
    "protocol": ("Exchanges", "One request and its answer: success and each documented error of every operation."),
}
_NONE = "-"
_PASSED = "passed"
# Cases that do not count: the SDK has no such function (its report says so), or no such mode.
_LEFT_OUT = ("absent", "skipped")


class FeaturesError(Exception):
    """A report is missing, or is not of a whole run; the text says what to do."""


@dataclass(frozen=True, slots=True)
class Suite:
    """A row: a layer of cases, a suite in it, and what it is about."""

    layer: str
    name: str
    about: str


@dataclass(frozen=True, slots=True)
class Column:
    """What one SDK came to in one mode: for each suite how many cases passed, and of how many.

    A mode is `sync` or `async`, or empty where there is none to speak of: rules are computed without a client.
    """

    sdk: str
    mode: str
    cells: Mapping[tuple[str, str], tuple[int, int]]


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the page, or compare it; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tools.features", description=__doc__)
    parser.add_argument(
        "--check", metavar="SDK", nargs="+", choices=SDKS, help="change nothing; fail if these columns would change"
    )
    checked: list[str] | None = parser.parse_args(arguments).check
    page = tree.ROOT / PAGE
    try:
        if checked is None:
            page.write_text(render(suites(_CASES), read_all(SDKS, tree.REPORTS)), encoding="utf-8")
            print(f"written    {PAGE}")
            return 0
        rendered = render(suites(_CASES), read_all(checked, tree.REPORTS))
        found = page.read_text(encoding="utf-8") if page.exists() else ""
        changes = differences(found, rendered)
    except FeaturesError as error:
        print(error, file=sys.stderr)
        return 1
    for change in changes:
        print(change)
    if changes:
        print(f"{PAGE} is not what was just found. To write it anew: {_REFRESH}")
    return 1 if changes else 0


def suites(cases: Path) -> list[Suite]:
    """Read which suites there are, in the order of the page."""
    found = [
        Suite("vectors", path.stem, _first_sentence(json.loads(path.read_text(encoding="utf-8"))["description"]))
        for path in sorted((tree.ROOT / "spec" / "vectors").glob("*.json"))
    ]
    for layer in ("scenarios", "protocol"):
        for path in sorted((cases / layer).glob("*.yaml")):
            content = yaml.safe_load(path.read_text(encoding="utf-8"))
            found.append(Suite(layer, content["suite"], _first_sentence(content["about"])))
    return found


def read_all(names: Iterable[str], folder: Path) -> list[Column]:
    """Read what the newest reports say of some SDKs; raises `FeaturesError`."""
    paths = sorted(folder.glob("conformance-*.json"), key=lambda path: path.stat().st_mtime, reverse=True)
    reports = [json.loads(path.read_text(encoding="utf-8")) for path in paths]
    return [column for name in names for column in read(name, reports)]


def read(sdk: str, reports: Iterable[Mapping[str, Any]]) -> list[Column]:
    """Read what the first report that knows an SDK says of it, a column for each mode; raises `FeaturesError`."""
    report = next((report for report in reports if sdk in report["subjects"]), None)
    if report is None:
        raise FeaturesError(f"There is no report of a whole run about {sdk}. To make it: {_REFRESH}")
    results: list[Mapping[str, Any]] = [result for result in report["results"] if result["subject"] == sdk]
    modes = sorted({result["mode"] for result in results if result["mode"]}, reverse=True)  # sync before async
    return [Column(sdk, mode, _cells(result for result in results if result["mode"] in ("", mode))) for mode in modes]


def _cells(results: Iterable[Mapping[str, Any]]) -> dict[tuple[str, str], tuple[int, int]]:
    passed: Counter[tuple[str, str]] = Counter()
    total: Counter[tuple[str, str]] = Counter()
    for result in results:
        if result["status"] not in _LEFT_OUT:
            place = (result["layer"], result["suite"])
            total[place] += 1
            passed[place] += result["status"] == _PASSED
    return {place: (passed[place], count) for place, count in total.items()}


def render(rows: Sequence[Suite], columns: Sequence[Column]) -> str:
    """Draw the page."""
    parts = [_OPENING]
    for layer, (title, about) in _LAYERS.items():
        heads = ["feature", *(_head(column) for column in columns)]
        parts.append(f"## {title}\n\n{about}\n")
        parts.append(_line(heads) + "\n" + _line(["---"] + ["--:"] * len(columns)))
        for suite in (row for row in rows if row.layer == layer):
            found = [column.cells.get((layer, suite.name)) for column in columns]
            if any(found):  # the others judge servers
                parts.append(_line([f"**{suite.name}**: {suite.about}", *map(_cell, found)]))
        parts[-1] += "\n"
    return "\n".join(parts)


def differences(page: str, rendered: str) -> list[str]:
    """Say in which cells a page differs from what was rendered for some of its columns."""
    found, expected = _table(page), _table(rendered)
    changes = [
        f"{row}: {column} has {found.get((row, column), 'no such cell')}, the run says {cell}"
        for (row, column), cell in expected.items()
        if found.get((row, column)) != cell
    ]
    heads = {column for _row, column in expected}
    changes += [
        f"{row}: {column} has {cell}, the run has no such cell"
        for (row, column), cell in found.items()
        if column in heads and cell != _NONE and (row, column) not in expected
    ]
    return changes


def _table(page: str) -> dict[tuple[str, str], str]:
    """Read the cells of a page's tables, by row and column."""
    cells: dict[tuple[str, str], str] = {}
    heads: list[str] = []
    for line in page.splitlines():
        if not line.startswith("|"):
            continue
        first, *rest = (cell.strip() for cell in line.strip("|").split("|"))
        if first == "feature":
            heads = rest
        elif not first.startswith("---"):
            cells |= {(first, head): cell for head, cell in zip(heads, rest, strict=False)}
    return cells


def _head(column: Column) -> str:
    return f"{_TITLES[column.sdk]} {column.mode}"


def _cell(counts: tuple[int, int] | None) -> str:
    return _NONE if counts is None else f"{counts[0]}/{counts[1]}"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _first_sentence(text: str) -> str:
    """Return what stands before the first full stop that ends a sentence, fit for a cell of a table."""
    sentence = " ".join(text.split()).partition(". ")[0].rstrip(".")
    return sentence.replace("|", "&#124;")


if __name__ == "__main__":
    sys.exit(main())
