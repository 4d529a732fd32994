"""A matrix in Markdown: how each suite went for each SDK and mode, and which features are equal in all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from themis_conformance import __version__
from themis_conformance.adapter import FEATURES, MODES, Hello
from themis_conformance.outcome import Result, Status
from themis_conformance.reports.totals import Totals

__all__ = ["matrix_text", "write_matrix"]

_LAYERS = ("vectors", "scenarios", "protocol")


def write_matrix(path: Path, results: Sequence[Result], hellos: Mapping[str, Hello]) -> None:
    """Write the matrix."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(matrix_text(results, hellos), "utf-8")


def matrix_text(results: Sequence[Result], hellos: Mapping[str, Hello]) -> str:
    """The matrix: totals, features, suites, and what failed."""
    parts = [f"# Conformance (suite {__version__})", "", *_totals(results, hellos), ""]
    if hellos:
        parts += [
            "## Features",
            "",
            "Cases passed of those that need the feature.",
            "",
            *_features(results, hellos),
            "",
        ]
    parts += ["## Suites", "", "Cases passed of those run.", "", *_suites(results), ""]
    failed = [result for result in results if result.status is Status.FAILED]
    if failed:
        parts += ["## Failed", "", *[f"- {result.title}" for result in failed], ""]
    return "\n".join(parts)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    return [
        f"| {' | '.join(head)} |",
        f"|---|{'---:|' * (len(head) - 1)}",
        *[f"| {' | '.join(row)} |" for row in rows],
    ]


def _totals(results: Sequence[Result], hellos: Mapping[str, Hello]) -> list[str]:
    head = ["", "version", "language", "passed", "failed", "skipped", "absent", "known failing"]
    rows: list[list[str]] = []
    for subject, count in Totals.of(results).counts.items():
        hello = hellos.get(subject)
        about = [hello.version, hello.language] if hello else ["", ""]
        figures = [count[status] for status in (Status.PASSED, Status.FAILED)]
        figures += [count[status] for status in (Status.SKIPPED, Status.ABSENT, Status.KNOWN_FAILING)]
        rows.append([subject, *about, *map(str, figures)])
    return _table(head, rows)


def _features(results: Sequence[Result], hellos: Mapping[str, Hello]) -> list[str]:
    subjects = list(hellos)
    rows: list[list[str]] = []
    for feature in FEATURES:
        row = [feature]
        for subject in subjects:
            concerned = [one for one in results if one.subject == subject and feature in one.features]
            row.append("no" if feature not in hellos[subject].features else _cell(concerned))
        rows.append(row)
    return _table(["feature", *subjects], rows)


def _suites(results: Sequence[Result]) -> list[str]:
    # What has no mode (vectors, servers, cases skipped in all modes) has a column of its subject, after the others.
    subjects = list(dict.fromkeys(result.subject for result in results))
    found = {(result.subject, result.mode) for result in results}
    columns = [(subject, mode) for subject in subjects for mode in (*MODES, "") if (subject, mode) in found]
    cells: dict[tuple[str, str], dict[tuple[str, str], list[Result]]] = {}
    for result in results:
        row = cells.setdefault((result.layer, result.suite), {})
        row.setdefault((result.subject, result.mode), []).append(result)
    rows = [
        [f"{layer}/{suite}", *[_cell(row.get(column, [])) for column in columns]]
        for (layer, suite), row in sorted(cells.items(), key=lambda item: (_LAYERS.index(item[0][0]), item[0][1]))
    ]
    return _table(["suite", *[" ".join(part for part in column if part) for column in columns]], rows)


def _cell(results: Sequence[Result]) -> str:
    counts = Counter(result.status for result in results)
    run = len(results) - counts[Status.SKIPPED] - counts[Status.ABSENT]
    notes = [
        f"{counts[status]} {status.value}"
        for status in (Status.FAILED, Status.SKIPPED, Status.ABSENT, Status.KNOWN_FAILING)
        if counts[status]
    ]
    figures = f"{counts[Status.PASSED]}/{run}" if run else ""
    return f"{figures} ({', '.join(notes)})".strip() if notes else figures
