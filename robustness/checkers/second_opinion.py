"""Porcupine's opinion on a history: another program, in another language, with a model of its own.

Our own checker simplifies what it searches, and could be wrong in a way that lets everything pass. Porcupine (Anish
Athalye, 2017; a module of Go's) is asked in long runs, about the same file. It is built once into the cache.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

from robustness.checkers import Result, Verdict

NAME = "porcupine"
SOURCE = Path(__file__).parents[1] / "porcupine"
CACHE = Path(__file__).parents[2] / ".cache" / "porcupine"
_BUILD_TIMEOUT_S = 300
_RESULTS: dict[int, Result] = {0: "pass", 1: "fail", 2: "unknown"}


class NotAvailable(Exception):
    """Porcupine cannot be built here; the text says why and what to install."""


def program() -> Path:
    """Return the program, built if its sources are newer; raises `NotAvailable`."""
    built = CACHE / "porcupine"
    newest = max(file.stat().st_mtime for file in SOURCE.iterdir())
    if built.exists() and built.stat().st_mtime >= newest:
        return built
    go = shutil.which("go") or shutil.which("go", path="/usr/local/go/bin")
    if go is None:
        raise NotAvailable("Go is not here (apt install golang-go)")
    CACHE.mkdir(parents=True, exist_ok=True)
    made = subprocess.run(
        [go, "build", "-o", str(built), "."], cwd=SOURCE, capture_output=True, timeout=_BUILD_TIMEOUT_S, check=False
    )
    if made.returncode:
        raise NotAvailable(f"it cannot be built: {made.stderr.decode(errors='replace').strip()}")
    return built


def check(history: Path, timeout_s: float = 60.0) -> Verdict:
    """Ask about a history; `checked` counts operations.

    Args:
        history: A file of `robustness.history`.
        timeout_s: How long a key may take before it counts as undecided.

    Raises:
        NotAvailable: It is not installed and cannot be built.
        subprocess.CalledProcessError: It could not read the history.
    """
    command = [str(program()), "-timeout", f"{timeout_s:g}s", str(history)]
    done = subprocess.run(command, capture_output=True, check=False)
    if done.returncode not in _RESULTS:
        raise subprocess.CalledProcessError(done.returncode, command, done.stdout, done.stderr)
    told = json.loads(done.stdout)
    if not told["operations"]:
        return Verdict(NAME, "void", (), 0)
    problems = [f"{key} is not linearizable" for key in told["illegal"]]
    problems += [f"{key} could not be decided in {timeout_s:g} s" for key in told["undecided"]]
    return Verdict(NAME, _RESULTS[done.returncode], tuple(problems), told["operations"])
