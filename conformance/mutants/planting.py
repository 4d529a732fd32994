"""Planting: a copy of a target's program with one fault in it, and the command that runs it.

Only what has changed is built anew: Python and the server run from a copy of their sources; of JavaScript one module is
transpiled into a copy of the built package; of Java one file is compiled in front of the built classes.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from conformance.mutants.plan import ROOT, SOURCES, Mutant, PlanError, Target

__all__ = ["adapter_command", "server_environment"]

_ADAPTERS: Final = ROOT / "conformance/adapters"
_JAVASCRIPT: Final = ROOT / "clients/javascript"
_JAVA: Final = ROOT / "clients/java"
_BUILD_TIMEOUT_S: Final = 120


def adapter_command(target: Target, mutant: Mutant | None, scratch: Path) -> list[str]:
    """Return the command of an SDK's adapter, with the mutant planted in the SDK (or with nothing, for None)."""
    if target == "python":
        return [
            "env",
            f"PYTHONPATH={_python_sources(target, mutant, scratch)}",
            sys.executable,
            _adapter("python/adapter.py"),
        ]
    if target == "javascript":
        entry = _javascript_package(mutant, scratch) / "index.js"
        return ["env", f"THEMIS_JS={entry}", "node", _adapter("javascript/adapter.mjs")]
    if target == "java":
        return ["env", f"THEMIS_JAVA_CLASSES={_java_classes(mutant, scratch)}", _adapter("java/run")]
    raise PlanError(f"{target} has no adapter")


def server_environment(mutant: Mutant | None, scratch: Path) -> dict[str, str]:
    """Return the environment in which `themis-server` runs with the mutant planted."""
    return {"PYTHONPATH": str(_python_sources("server", mutant, scratch))}


def _adapter(path: str) -> str:
    return str(_ADAPTERS / path)


def _python_sources(target: Target, mutant: Mutant | None, scratch: Path) -> Path:
    sources = SOURCES[target]
    if mutant is None:
        return sources
    copy = scratch / "src"
    shutil.copytree(sources, copy, ignore=shutil.ignore_patterns("__pycache__"))
    _write_mutated(mutant, copy / mutant.file)
    return copy


def _javascript_package(mutant: Mutant | None, scratch: Path) -> Path:
    built = _JAVASCRIPT / "dist/esm"
    if mutant is None:
        return built
    copy = scratch / "esm"
    shutil.copytree(built, copy)
    (scratch / "package.json").write_text('{"type": "module"}')
    source = scratch / Path(mutant.file).name
    _write_mutated(mutant, source)
    _build(
        [
            str(_JAVASCRIPT / "node_modules/.bin/esbuild"),
            str(source),
            f"--outfile={(copy / mutant.file).with_suffix('.js')}",
            "--format=esm",
            "--target=es2022",
            "--log-level=warning",
        ],
        mutant,
    )
    return copy


def _java_classes(mutant: Mutant | None, scratch: Path) -> str:
    built = _JAVA / "target/classes"
    if mutant is None:
        return str(built)
    source = scratch / "java" / mutant.file
    source.parent.mkdir(parents=True)
    _write_mutated(mutant, source)
    classes = scratch / "classes"
    jars = sorted((_JAVA / "target/dependencies").glob("*.jar"))
    path = os.pathsep.join(map(str, [built, *jars]))
    _build(["javac", "-nowarn", "-proc:none", "--release", "17", "-cp", path, "-d", str(classes), str(source)], mutant)
    return os.pathsep.join([str(classes), str(built)])


def _write_mutated(mutant: Mutant, to: Path) -> None:
    to.write_text(mutant.apply(mutant.path.read_text(encoding="utf-8")), encoding="utf-8")


def _build(command: list[str], mutant: Mutant) -> None:
    ended = subprocess.run(command, capture_output=True, text=True, timeout=_BUILD_TIMEOUT_S, check=False)
    if ended.returncode:
        raise PlanError(f"{mutant.target}/{mutant.name} does not build:\n{ended.stdout}{ended.stderr}")
