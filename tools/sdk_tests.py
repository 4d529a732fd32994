"""`python -m tools.sdk_tests SUITE`: what an SDK's own tools check of it, one after the other, and counted.

The programs are the SDK's: scripts of package.json, goals of Maven. This one runs them all, also after one has failed,
and collects what they counted as JUnit's XML for the suite's table: the reports that a check writes, or one case for a
check that writes none.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tools import scratch_node, sdk_suites, tree
from tools.demo.node import NodeError
from tools.progress import seconds
from tools.sdk_suites import Check

_TIMEOUT_S = 900


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a check ended: `failure` is empty if it ended well, `skipped` says why it was not made."""

    check: Check
    took_s: float = 0.0
    failure: str = ""
    skipped: str = ""
    reports: tuple[Path, ...] = field(default_factory=tuple)


def main(arguments: Sequence[str] | None = None) -> int:
    """Make the checks of a suite; returns 1 if one failed."""
    parser = argparse.ArgumentParser(prog="python -m tools.sdk_tests", description=__doc__)
    parser.add_argument("suite", choices=sorted(sdk_suites.SUITES))
    parser.add_argument("names", nargs="*", help="only these checks of it")
    options = parser.parse_args(arguments)
    suite: str = options.suite
    checks = [check for check in sdk_suites.SUITES[suite]() if not options.names or check.name in options.names]
    try:
        outcomes = run(suite, checks)
    except NodeError as error:
        print(error, file=sys.stderr)
        return 1
    collect(suite, outcomes, tree.REPORTS)
    for outcome in outcomes:
        word = "skipped" if outcome.skipped else "FAILED" if outcome.failure else "ok"
        print(f"{suite}: {outcome.check.name:<24} {word:<8} {seconds(outcome.took_s):>12}  {outcome.skipped}".rstrip())
    return 1 if any(outcome.failure for outcome in outcomes) else 0


def run(suite: str, checks: Sequence[Check]) -> list[Outcome]:
    """Make the checks in turn, with one node for all that need one; raises `NodeError`."""
    with contextlib.ExitStack() as stack:
        endpoint = stack.enter_context(scratch_node.running(suite)) if any(c.needs_node for c in checks) else ""
        return [_make(check, endpoint) for check in checks]


def _make(check: Check, endpoint: str) -> Outcome:
    if check.absent:
        return Outcome(check, skipped=check.absent)
    print(f"$ {shlex.join(check.command)}    # in {check.folder.relative_to(tree.ROOT)}", flush=True)
    for folder, pattern in check.reports:
        folder.mkdir(parents=True, exist_ok=True)
        for stale in folder.glob(pattern):
            stale.unlink()
    environment: Mapping[str, str] = {
        **os.environ,
        **check.environment,
        **({"THEMIS_ENDPOINT": endpoint} if check.needs_node else {}),
    }
    begun = time.monotonic()
    try:
        status = _run(check, environment)
        failure = f"exit status {status}" if status else ""
    except (OSError, subprocess.TimeoutExpired) as error:
        failure = str(error)
    written = [path for folder, pattern in check.reports for path in sorted(folder.glob(pattern))]
    reports = tuple(path for path in written if _is_whole(path))
    failure = failure or "".join(f"{path.name} is no whole report" for path in written if path not in reports)
    if check.reports and not reports and not failure:
        failure = "it wrote no report: were there no tests?"
    return Outcome(check, time.monotonic() - begun, failure, reports=reports)


def _run(check: Check, environment: Mapping[str, str]) -> int:
    """Run a check's command; raises TimeoutExpired, once it and all that it has started are gone."""
    with subprocess.Popen(
        check.command, cwd=check.folder, env=environment, stdin=subprocess.DEVNULL, start_new_session=True
    ) as process:
        try:
            return process.wait(_TIMEOUT_S)
        except BaseException:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            raise


def _is_whole(report: Path) -> bool:
    """Whether a report can be read: the one of a check that was killed is cut off."""
    try:
        ET.parse(report)
    except ET.ParseError:
        return False
    return True


def collect(suite: str, outcomes: Sequence[Outcome], folder: Path) -> None:
    """Copy the reports of a suite's checks to where the table looks for them, and write one for the other checks."""
    folder.mkdir(parents=True, exist_ok=True)
    cases = ET.Element("testsuite", {"name": suite})
    for outcome in outcomes:
        bad = 0
        for number, report in enumerate(outcome.reports):
            shutil.copyfile(report, folder / f"{suite}-{outcome.check.name}-{number}.xml")
            bad += sum(1 for case in ET.parse(report).getroot().iter() if case.tag in {"failure", "error"})
        # A check that failed although none of its tests did is told as a case of its own.
        if not outcome.reports or (outcome.failure and not bad):
            case = ET.SubElement(cases, "testcase", {"name": outcome.check.name, "time": f"{outcome.took_s:.3f}"})
            if outcome.skipped:
                ET.SubElement(case, "skipped", {"message": outcome.skipped})
            elif outcome.failure:
                ET.SubElement(case, "failure", {"message": outcome.failure})
    if len(cases):
        ET.ElementTree(cases).write(folder / f"{suite}-checks.xml", encoding="unicode")


if __name__ == "__main__":
    sys.exit(main())
