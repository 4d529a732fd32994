"""Judging a target, harmed or not, by some cases of the suite."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from conformance.mutants.plan import ROOT, Mutant, Target
from conformance.mutants.planting import adapter_command, server_environment
from server.tests.process import Node

__all__ = ["failing", "ran"]

_RUNNER: Final = [sys.executable, "-m", "themis_conformance", "run", "--quiet"]
_TIMEOUT_S: Final = 600


def failing(target: Target, mutant: Mutant | None, cases: Sequence[str], scratch: Path) -> set[str]:
    """Return the ids of those cases that fail; none named means all.

    Raises:
        RuntimeError: The runner itself did not come to an end, or ran no case at all.
    """
    results = ran(target, mutant, cases, scratch)
    return {case for case, passed in results.items() if not passed}


def ran(target: Target, mutant: Mutant | None, cases: Sequence[str], scratch: Path) -> dict[str, bool]:
    """Return for each case that was run whether it passed, in every mode."""
    report = scratch / "report.json"
    command = [*_RUNNER, "--json", str(report)]
    for case in cases:
        command += ["--filter", case]
    if target == "server":
        node = Node(scratch / "node", scratch / "node.log", environment=server_environment(mutant, scratch))
        try:
            node.start(60)
            # themis-python is the client of the cases that need one: @live ones, which the server has to pass as well.
            client = shlex.join(adapter_command("python", None, scratch))
            url = f"http://127.0.0.1:{node.port}"
            ended = _run([*command, "--server", url, "--adapter", f"python={client}", "--mode", "sync"])
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
