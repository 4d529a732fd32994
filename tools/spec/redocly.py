"""Runs Redocly's linter where Node is there.

The package is pinned by package.json and package-lock.json beside this file and installed into the tree's .cache, once
for each content of the lock file.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

__all__ = ["RedoclyError", "node_is_missing", "redocly_faults"]

HERE: Final = Path(__file__).resolve().parent
CACHE: Final = HERE.parents[1] / ".cache" / "redocly"
_NODE_MIN: Final = (20, 19)
_INSTALL_TIMEOUT_S: Final = 300
_LINT_TIMEOUT_S: Final = 120
# No figures to the makers, no question for a newer version, no warning about the version of Node among the findings.
_ENVIRONMENT: Final = {"REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true", "NO_COLOR": "1"}


class RedoclyError(Exception):
    """Redocly could not be installed or run: no verdict."""


def node_is_missing(which: Callable[[str], str | None] = shutil.which) -> str | None:
    """Say why Redocly cannot run here, or None if it can."""
    if which("npm") is None or (node := which("node")) is None:
        return "Node is not installed"
    text = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    found = tuple(int(part) for part in text.removeprefix("v").split(".")[:2])
    if found < _NODE_MIN:
        return f"Node {text} is older than {'.'.join(map(str, _NODE_MIN))}"
    return None


def redocly_faults(document: dict[str, Any], cache: Path = CACHE) -> list[str]:
    """Return what Redocly finds in the bundled document, each as a sentence; raises `RedoclyError`."""
    program = _install(cache)
    # A file of its own for each run: several may lint at once, one of them a document with a planted fault.
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "openapi.json"
        path.write_text(json.dumps(document, indent=1), encoding="utf-8")
        command = [str(program), "lint", str(path), f"--config={HERE / 'redocly.yaml'}", "--format=json"]
        done = subprocess.run(
            [*command, "--max-problems=500"],
            capture_output=True,
            text=True,
            timeout=_LINT_TIMEOUT_S,
            env={**os.environ, **_ENVIRONMENT},
            check=False,
        )
    try:
        report = json.loads(done.stdout)
    except ValueError as error:
        raise RedoclyError(f"redocly answered no JSON (exit {done.returncode}): {done.stderr[-800:]}") from error
    faults = [_sentence(problem) for problem in report["problems"]]
    if done.returncode and not faults:
        raise RedoclyError(f"redocly failed without a finding (exit {done.returncode}): {done.stderr[-800:]}")
    return faults


def _sentence(problem: dict[str, Any]) -> str:
    places = problem.get("location") or [{}]
    return f"{places[0].get('pointer', '?')}: {problem['message']} [{problem['ruleId']}]"


def _install(cache: Path) -> Path:
    lock = (HERE / "package-lock.json").read_bytes()
    folder = cache / hashlib.sha256(lock).hexdigest()[:16]
    program = folder / "node_modules" / ".bin" / "redocly"
    folder.mkdir(parents=True, exist_ok=True)
    with (cache / "install.lock").open("w") as lock_file:
        # Released when the file is closed, also by a process that dies.
        fcntl.flock(lock_file, fcntl.LOCK_EX)
        if not program.exists():
            _npm_ci(folder)
    if not program.exists():
        raise RedoclyError(f"npm ci left no {program}")
    return program


def _npm_ci(folder: Path) -> None:
    for name in ("package.json", "package-lock.json"):
        shutil.copy(HERE / name, folder / name)
    command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=_INSTALL_TIMEOUT_S, check=False)
    if done.returncode:
        raise RedoclyError(f"npm ci failed (exit {done.returncode}): {done.stderr[-800:]}")
