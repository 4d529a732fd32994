"""Judging a target, harmed or not, by some cases of the suite."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from conformance.mutants.plan import ROOT, Mutant, Target
from conformance.mutants.planting import adapter_command, server_environment
from server.tests.process import Node

__all__ = ["Breadth", "failing", "ran"]

_RUNNER: Final = [sys.executable, "-m", "themis_conformance", "run", "--quiet"]
_TIMEOUT_S: Final = 600


@dataclass(frozen=True, slots=True)
class Breadth:
    """How cases are run.

    Attributes:
        mode: Only this kind of client, `sync` or `async`; None for all that the SDK has.
        jobs: How many cases run side by side; 0 leaves it to the runner.
    """

    mode: str | None = None
    jobs: int = 0

    def options(self) -> list[str]:
        """What to tell the runner."""
        return [
            *(() if self.mode is None else ("--mode", self.mode)),
            *(() if self.jobs == 0 else ("--jobs", str(self.jobs))),
        ]


def failing(
    target: Target, mutant: Mutant | None, cases: Sequence[str], scratch: Path, breadth: Breadth = Breadth()
) -> set[str]:
    """Return the ids of those cases that fail; none named means all.

    Raises:
        RuntimeError: The runner itself did not come to an end, or ran no case at all.
        PlanError: The mutant cannot be planted.
    """
    results = ran(target, mutant, cases, scratch, breadth)
    return {case for case, passed in results.items() if not passed}


def ran(
    target: Target, mutant: Mutant | None, cases: Sequence[str], scratch: Path, breadth: Breadth = Breadth()
) -> dict[str, bool]:
    """Return for each case that was run whether it passed, in every mode; raises what `failing` does."""
    report = scratch / "report.json"
    command = [*_RUNNER, "--json", str(report), *breadth.options()]
    for case in cases:
        command += ["--filter", case]
    if target == "server":
        node = Node(scratch / "node", scratch / "node.log", environment=server_environment(mutant, scratch))
        try:
            node.start(60)
            # themis-python is the client of the cases that need one: @live ones, which the server has to pass as well.
            client = shlex.join(adapter_command("python", None, scratch))
            url = f"http://127.0.0.1:{node.port}"
            ended = _run([*command, "--server", url, "--adapter", f"python={client}"])
        finally:
            node.kill()
    else:
        ended = _run([*command, "--adapter", f"{target}={shlex.join(adapter_command(target, mutant, scratch))}"])
    if not report.exists():
        raise RuntimeError(f"the runner wrote no report: exit {ended.returncode}\n{ended.stdout}{ended.stderr}")
    results: dict[str, bool] = {}
    for result in json.loads(report.read_text(encoding="utf-8"))["results"]:
        if result["status"] in ("passed", "failed"):
            results[result["case"]] = results.get(result["case"], True) and result["status"] == "passed"
    if not results:
        raise RuntimeError(f"no case was run: {', '.join(cases)}\n{ended.stdout}{ended.stderr}")
    return results


def _run(command: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False)
