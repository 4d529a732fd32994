"""Making `.venv`: the interpreter, the locked packages, themis-raft and our own packages, each when it has changed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from tools import machine, steps, tree
from tools.machine import Need
from tools.steps import BootstrapError, Task

__all__ = ["BootstrapError", "Extent", "check_machine", "ensure", "environment", "state"]

STAMP = tree.VENV / "themis-stamp.json"
_WHEELS = tree.CACHE / "wheels"
_UV = str(tree.VENV / "bin" / "uv")


# How far to go: `lock` needs the build tools only, a node the first four steps, the tests all of them.
Extent = Literal["build", "run", "tests"]


def ensure(extent: Extent = "run", also: Iterable[Need] = ()) -> None:
    """Make the tree ready, doing only what has not been done.

    Args:
        extent: What it has to be ready for.
        also: What will be needed of the machine afterwards, so that it is asked for before minutes are spent.

    Raises:
        BootstrapError: Something is missing on this machine, or a step failed.
    """
    if not steps.pending(_tasks(extent), STAMP):
        return
    with steps.alone():
        tasks = steps.pending(_tasks(extent), STAMP)  # another ./themis may have done it while we waited
        if not tasks:
            return
        check_machine({"required", *(("for tests",) if extent == "tests" else ()), *also})
        steps.run(tasks, STAMP, environment(), f"Preparing the tree in {tree.VENV}")


def check_machine(needs: set[Need]) -> None:
    """Make sure that the machine has what is needed first; raises `BootstrapError` with all that it lacks."""
    lacking = machine.missing(machine.examine(needs), needs)
    if lacking:
        raise BootstrapError(
            f"This machine lacks {len(lacking)} thing(s) that are needed first:\n{machine.remedies(lacking)}\n"
            "Then run the same command again; `./themis doctor` shows the whole list."
        )


def state() -> str:
    """Say in a few words how ready the tree is, for `doctor`."""
    if not tree.PYTHON.exists():
        return "not installed yet: ./themis demo or ./themis test does it"
    names = [task.name for task in steps.pending(_tasks("tests"), STAMP)]
    if not names:
        return "ready"
    if not steps.pending(_tasks("run"), STAMP):
        return "ready to run; what tests need will be installed by ./themis test"
    return f"to be brought up to date by the next run: {', '.join(names)}"


def environment() -> dict[str, str]:
    """Return the environment for what we start: this tree's programs first on the PATH."""
    changed = {
        "PATH": f"{tree.VENV / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}",
        "VIRTUAL_ENV": str(tree.VENV),
        # No check of our tools asks the network for a newer version of itself.
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "VIRTUALENV_NO_PERIODIC_UPDATE": "1",
        "PYRIGHT_PYTHON_IGNORE_WARNINGS": "1",
        "UV_PYTHON_DOWNLOADS": "never",
    }
    return {**os.environ, **changed}


def _tasks(extent: Extent) -> list[Task]:
    build, runtime, demo, dev = (tree.REQUIREMENTS / f"{name}.lock" for name in ("build", "runtime", "demo", "dev"))
    install = [_UV, "pip", "install", "--python", str(tree.PYTHON)]
    # The locks are complete, so nothing is resolved; and no build may fetch a backend that no lock names.
    locked = [*install, "--require-hashes", "--no-deps", "--no-build-isolation"]
    environment = Task(
        "venv",
        "virtual environment",
        (build,),
        lambda: [_venv_command(), _pip_command(build)],
        salt=f"{tree.ROOT} {sys.version_info[:2]}",
        resets=True,  # a new environment holds none of the other steps' results
    )
    if extent == "build":
        return [environment]
    tasks = [
        environment,
        Task(
            "packages",
            "locked packages",
            (build, runtime, demo),
            lambda: [[*locked, "--compile-bytecode", "-r", str(runtime), "-r", str(demo)]],
        ),
        Task("raft", "themis-raft (Rust: a minute)", _raft_sources(), _raft_commands),
        _editable("ours", "themis-python, themis-server", tree.CLIENT, tree.SERVER),
    ]
    if extent == "tests":
        tasks.insert(2, Task("dev", "packages for tests", (build, dev), lambda: [[*locked, "-r", str(dev)]]))
        tasks.append(_editable("conformance", "themis-conformance", tree.CONFORMANCE))
    return tasks


def _editable(key: str, name: str, *packages: Path) -> Task:
    """Make the step that installs packages of this tree, which reads nothing of them but what they say they are."""
    command = [_UV, "pip", "install", "--python", str(tree.PYTHON), "--no-deps", "--no-build-isolation"]
    for package in packages:
        command += ["-e", str(package)]
    return Task(key, name, tuple(package / "pyproject.toml" for package in packages), lambda: [command])


def _venv_command() -> list[str]:
    # An environment that was made elsewhere, or by another Python, has wrong paths in every script: make it anew.
    base = str(Path(getattr(sys, "_base_executable", sys.executable)))
    return [base, "-m", "venv", *(["--clear"] if _needs_clearing() else []), str(tree.VENV)]


def _needs_clearing() -> bool:
    if not tree.VENV.exists():
        return False
    probe = "import sys, pip; print(sys.prefix, *sys.version_info[:2])"
    answer = subprocess.run([str(tree.PYTHON), "-c", probe], capture_output=True, text=True, check=False)
    return answer.stdout.split() != [str(tree.VENV), *map(str, sys.version_info[:2])]


def _pip_command(lock: Path) -> list[str]:
    return [str(tree.PYTHON), "-m", "pip", "install", "--quiet", "--require-hashes", "--no-deps", "-r", str(lock)]


def _raft_sources() -> tuple[Path, ...]:
    manifests = [tree.RAFT / name for name in ("Cargo.toml", "Cargo.lock", "pyproject.toml", "build.rs")]
    sources = [path for folder in ("src", "python") for path in (tree.RAFT / folder).rglob("*")]
    kept = (path for path in (*manifests, *sources) if path.is_file() and path.suffix not in {".so", ".pyc"})
    return tuple(sorted(kept))


def _raft_commands() -> list[list[str]]:
    shutil.rmtree(_WHEELS, ignore_errors=True)
    maturin, python, wheels = str(tree.VENV / "bin" / "maturin"), str(tree.PYTHON), str(_WHEELS)
    build = [maturin, "build", "--release", "--locked", "--manifest-path", str(tree.RAFT / "Cargo.toml")]
    install = [_UV, "pip", "install", "--python", python, "--no-deps", "--no-index", "--reinstall"]
    return [
        [*build, "--interpreter", python, "--out", wheels],
        [*install, "--find-links", wheels, "themis-raft"],
    ]
