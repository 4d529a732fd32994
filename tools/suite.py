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

from tools import bootstrap, programs, sdks, tree
from tools.machine import Need
from tools.programs import Program
from tools.progress import seconds
from tools.sdks import Sdk


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the suite: an environment of tox.ini and what it checks."""

    name: str
    about: str
    sdks: tuple[Sdk, ...] = ()
    """Which SDKs have to be built for it."""
    programs: tuple[Program, ...] = ()
    """Which programs of the system it uses, and skips tests without."""


# The quick ones that find most mistakes come first.
PARTS = (
    Part("lint", "format, lint, layers, tree rules: Python and Rust"),
    Part("types", "mypy --strict, and pyright for the SDK"),
    Part("gen-check", "generated code equals what spec/ says"),
    Part("unit", "pure code, one file a module", programs=("promtool", "strace", "wrk")),
    # Built for it are those whose generated code it compiles.
    Part("spec", "the API description, its vectors, its compatibility", ("javascript", "java")),
    Part("sdk-javascript", "themis-js: lint, types, tests, the package as its users get it", ("javascript",)),
    Part("sdk-java", "themis-java: lint, format, javadoc, tests, the package as its users get it", ("java",)),
    Part("conformance", "the conformance runner itself, its cases, a fourth language; the server judged by them"),
    Part("conformance-python", "themis-python judged by the conformance suite"),
    Part("conformance-javascript", "themis-js judged by the conformance suite", ("javascript",)),
    Part("conformance-java", "themis-java judged by the conformance suite", ("java",)),
    Part("mutants", "faults planted in the SDKs and the server, each caught by a case", ("javascript", "java")),
    Part("integration", "real server processes: HTTP, SDK, crashes, fuzzing, the demo", programs=("strace", "wrk")),
    Part(
        "cluster",
        "real nodes in clusters: failover, joining, snapshots, upgrades, etcd, faults, all SDKs' samples",
        # What their samples write while a leader is killed.
        ("javascript", "java"),
        programs=("etcd", "faketime", "ip", "nft", "strace"),
    ),
    Part("simulation", "2,000 seeded clusters on simulated clocks, networks and disks; planted faults are found"),
    Part("browser", "themis-js in headless Chromium against a real node", ("javascript",), ("chromium",)),
    Part("samples", "every sample program runs, in all languages", ("javascript", "java")),
    Part("docs", "the documentation builds without a warning; every public name is documented", ("javascript", "java")),
)


def needs(names: Sequence[str]) -> set[Need]:
    """Say what the named parts need of the machine beside Python and Rust."""
    return sdks.needs(sdk for part in PARTS if part.name in names for sdk in part.sdks)


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
    programs.install(program for part in PARTS if part.name in names for program in part.programs)
    results = [_run(part, passed_on) for part in PARTS if part.name in names]
    print("\n" + table(results))
    print(closing_line(results), flush=True)
    return 1 if any(result.failed for result in results) else 0


def table(results: Sequence[Result]) -> str:
    """Draw what each part came to."""
    wide = max(len("part"), *(len(r.name) for r in results))
    lines = [f"{'part':<{wide}} {'':<7} {'passed':>7} {'failed':>7} {'skipped':>8} {'time':>12}"]
    lines += [
        f"{r.name:<{wide}} {r.verdict:<7} {r.passed:>7} {r.failed:>7} {r.skipped:>8} {seconds(r.took_s):>12}"
        for r in results
    ]
    lines.append(f"{'all':<{wide}} {'':<7} {'':>7} {'':>7} {'':>8} {seconds(sum(r.took_s for r in results)):>12}")
    return "\n".join(lines)


def closing_line(results: Sequence[Result]) -> str:
    """Sum the parts up in the one line that a program can read."""
    passed, failed, skipped = (sum(getattr(r, field) for r in results) for field in ("passed", "failed", "skipped"))
    return f"{passed} passed, {failed} failed, {skipped} skipped"


def reports_of(name: str, folder: Path) -> list[Path]:
    """Name the JUnit reports that a part wrote: `NAME.xml`, `NAME-*.xml`, but not those of a part `NAME-...`."""
    longer = tuple(part.name for part in PARTS if part.name.startswith(f"{name}-"))
    found = (*folder.glob(f"{name}.xml"), *folder.glob(f"{name}-*.xml"))
    return sorted(path for path in found if not any(_belongs(path.stem, other) for other in longer))


def _belongs(stem: str, name: str) -> bool:
    return stem == name or stem.startswith(f"{name}-")


def read_reports(name: str, folder: Path = tree.REPORTS) -> tuple[int, int, int]:
    """Add up the JUnit reports that a part wrote.

    Returns:
        How many tests passed, failed (or ended in an error) and were skipped.
    """
    counted = [_count(ET.parse(report).getroot()) for report in reports_of(name, folder)]
    passed, failed, skipped = (sum(counts) for counts in zip(*counted, strict=True)) if counted else (0, 0, 0)
    return passed, failed, skipped


def _count(root: ET.Element) -> tuple[int, int, int]:
    """Count the cases of one report, which may stand in suites, in suites of suites, or in none.

    Only where a suite names no case are its attributes believed: writers disagree on whether those of an outer suite
    include the inner ones.
    """
    cases = list(root.iter("testcase"))
    failed = sum(case.find("failure") is not None or case.find("error") is not None for case in cases)
    skipped = sum(case.find("skipped") is not None for case in cases)
    passed = len(cases) - failed - skipped
    for suite in root.iter("testsuite"):
        if suite.find(".//testcase") is None and suite.find("testsuite") is None:
            total, *bad, left_out = (int(suite.get(key) or 0) for key in ("tests", "failures", "errors", "skipped"))
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
    tree.REPORTS.mkdir(parents=True, exist_ok=True)
    for stale in reports_of(part.name, tree.REPORTS):
        stale.unlink()
    begun = time.monotonic()
    status = _execute(part, passed_on)
    result = judge(part.name, read_reports(part.name), status=status, took_s=time.monotonic() - begun)
    print(f"=== {part.name}: {result.verdict} in {seconds(result.took_s)}", flush=True)
    sys.stdout.flush()
    return result


def _execute(part: Part, passed_on: Sequence[str]) -> int:
    """Build what a part needs and run it; returns its exit status. What cannot be built fails this part alone."""
    try:
        sdks.ensure(part.sdks)
    except bootstrap.BootstrapError as error:
        print(error, flush=True)
        return 1
    tox = [str(tree.VENV / "bin" / "tox"), "run", "-q", "-e", part.name, "-c", str(tree.ROOT / "tox.ini")]
    command = [*tox, "--", *passed_on] if passed_on else tox
    done = subprocess.run(command, cwd=tree.ROOT, env=bootstrap.environment(), stdin=subprocess.DEVNULL, check=False)
    return done.returncode
