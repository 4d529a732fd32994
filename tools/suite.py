"""Running the parts of the test suite one after the other, and adding up what they counted.

What a part does is written in tox.ini, so that `tox -e NAME` does the same; this program adds the fixed order, the
times and the sums.
"""

from __future__ import annotations

import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tools import bootstrap, programs, tree
from tools.progress import seconds

REPORTS = tree.CACHE / "test"


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the suite: an environment of tox.ini and what it checks."""

    name: str
    about: str


# The quick ones that find most mistakes come first.
PARTS = (
    Part("lint", "format, lint, layers, tree rules: Python and Rust"),
    Part("types", "mypy --strict, and pyright for the SDK"),
    Part("gen-check", "generated code equals what spec/ says"),
    Part("unit", "pure code, one file a module"),
    Part("spec", "the API description, its vectors, its compatibility"),
    Part("integration", "real server processes: HTTP, SDK, crashes, fuzzing, the demo"),
    Part("samples", "every sample program runs"),
    Part("docs", "the documentation builds without a warning"),
)


@dataclass(frozen=True, slots=True)
class Result:
    """What one part came to."""

    name: str
    passed: int
    failed: int
    skipped: int
    took_s: float

    @property
    def verdict(self) -> str:
        """`ok` or `FAILED`."""
        return "FAILED" if self.failed else "ok"


def run_suite(names: Sequence[str], passed_on: Sequence[str]) -> int:
    """Run the named parts in the suite's own order, show a table and the sums.

    Args:
        names: Which parts.
        passed_on: Arguments for the parts' programs.

    Returns:
        0 if everything passed, else 1.
    """
    programs.install()
    results = [_run(part, passed_on) for part in PARTS if part.name in names]
    print("\n" + table(results))
    print(closing_line(results), flush=True)
    return 1 if any(result.failed for result in results) else 0


def table(results: Sequence[Result]) -> str:
    """Draw what each part came to."""
    lines = [f"{'part':<12} {'':<7} {'passed':>7} {'failed':>7} {'skipped':>8} {'time':>12}"]
    lines += [
        f"{r.name:<12} {r.verdict:<7} {r.passed:>7} {r.failed:>7} {r.skipped:>8} {seconds(r.took_s):>12}"
        for r in results
    ]
    lines.append(f"{'all':<12} {'':<7} {'':>7} {'':>7} {'':>8} {seconds(sum(r.took_s for r in results)):>12}")
    return "\n".join(lines)


def closing_line(results: Sequence[Result]) -> str:
    """Sum the parts up in the one line that a program can read."""
    passed, failed, skipped = (sum(getattr(r, field) for r in results) for field in ("passed", "failed", "skipped"))
    return f"{passed} passed, {failed} failed, {skipped} skipped"


def read_reports(name: str, folder: Path = REPORTS) -> tuple[int, int, int]:
    """Add up the JUnit reports that a part wrote: `NAME.xml`, `NAME-*.xml`.

    Returns:
        How many tests passed, failed (or ended in an error) and were skipped.
    """
    passed = failed = skipped = 0
    for report in sorted((*folder.glob(f"{name}.xml"), *folder.glob(f"{name}-*.xml"))):
        for suite in ET.parse(report).getroot().iter("testsuite"):
            total, *bad, left_out = (int(suite.get(key, "0")) for key in ("tests", "failures", "errors", "skipped"))
            failed += sum(bad)
            skipped += left_out
            passed += total - sum(bad) - left_out
    return passed, failed, skipped


def judge(name: str, counts: tuple[int, int, int], *, status: int, took_s: float) -> Result:
    """Make a part's result of its tests' counts and its exit status, which has the last word."""
    passed, failed, skipped = counts
    if status and not failed:
        failed = 1  # it failed outside of a test, or has none: the part itself counts as one
    elif not status and not passed and not skipped:
        passed = 1
    return Result(name, passed, failed, skipped, took_s)


def _run(part: Part, passed_on: Sequence[str]) -> Result:
    print(f"\n=== {part.name}: {part.about}", flush=True)
    REPORTS.mkdir(parents=True, exist_ok=True)
    for stale in (*REPORTS.glob(f"{part.name}.xml"), *REPORTS.glob(f"{part.name}-*.xml")):
        stale.unlink()
    tox = [str(tree.VENV / "bin" / "tox"), "run", "-q", "-e", part.name, "-c", str(tree.ROOT / "tox.ini")]
    command = [*tox, "--", *passed_on] if passed_on else tox
    begun = time.monotonic()
    status = subprocess.run(command, cwd=tree.ROOT, env=bootstrap.environment(), stdin=subprocess.DEVNULL, check=False)
    result = judge(part.name, read_reports(part.name), status=status.returncode, took_s=time.monotonic() - begun)
    print(f"=== {part.name}: {result.verdict} in {seconds(result.took_s)}", flush=True)
    sys.stdout.flush()
    return result
