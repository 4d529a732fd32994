"""Making `.venv`: the interpreter, the locked packages, themis-raft and our own packages, each when it has changed.

Invariant: a step is skipped only if the stamp in `.venv` holds the fingerprint of everything that the step reads, and a
step's fingerprint is written only after the step has ended well; so an interrupted run goes on where it stopped.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tools import machine, tree
from tools.progress import Step

STAMP = tree.VENV / "themis-stamp.json"
_STAMP_FORMAT = "1"
_POLL_S = 0.1
_LOG_TAIL_LINES = 25
_WHEELS = tree.CACHE / "wheels"
_UV = str(tree.VENV / "bin" / "uv")


# How far to go: `lock` needs the build tools only, a node the first four steps, the tests all of them.
Extent = Literal["build", "run", "tests"]


class BootstrapError(Exception):
    """The tree could not be made ready; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class _Task:
    """One step: its key in the stamp, what is shown, the files it depends on, and its commands."""

    key: str
    name: str
    inputs: tuple[Path, ...]
    commands: Callable[[], list[list[str]]]
    salt: str = ""

    def fingerprint(self) -> str:
        digest = hashlib.sha256(f"{_STAMP_FORMAT}\0{self.salt}\0".encode())
        for path in self.inputs:
            digest.update(str(path.relative_to(tree.ROOT)).encode() + b"\0")
            try:
                digest.update(hashlib.sha256(path.read_bytes()).digest())
            except FileNotFoundError as error:
                raise BootstrapError(f"{path} is missing; is this tree a complete clone?") from error
        return digest.hexdigest()


def ensure(extent: Extent = "run") -> None:
    """Make the tree ready, doing only what has not been done.

    Args:
        extent: What it has to be ready for.

    Raises:
        BootstrapError: Something is missing on this machine, or a step failed.
    """
    if not _pending(extent):
        return
    with _alone():
        tasks = _pending(extent)  # another ./themis may have done it while we waited
        if not tasks:
            return
        _check_machine(tests=extent == "tests")
        _run(tasks)


def state() -> str:
    """Say in a few words how ready the tree is, for `doctor`."""
    if not tree.PYTHON.exists():
        return "not installed yet: ./themis demo or ./themis test does it"
    steps = [task.name for task in _pending("tests")]
    if not steps:
        return "ready"
    if not _pending("run"):
        return "ready to run; what tests need will be installed by ./themis test"
    return f"to be brought up to date by the next run: {', '.join(steps)}"


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


def _tasks(extent: Extent) -> list[_Task]:
    build, runtime, demo, dev = (tree.REQUIREMENTS / f"{name}.lock" for name in ("build", "runtime", "demo", "dev"))
    pyprojects = tuple(folder / "pyproject.toml" for folder in (tree.CLIENT, tree.SERVER))
    install = [_UV, "pip", "install", "--python", str(tree.PYTHON)]
    # The locks are complete, so nothing is resolved; and no build may fetch a backend that no lock names.
    locked = [*install, "--require-hashes", "--no-deps", "--no-build-isolation"]
    editable = [*install, "--no-deps", "--no-build-isolation"]
    environment = _Task(
        "venv",
        "virtual environment",
        (build,),
        lambda: [_venv_command(), _pip_command(build)],
        salt=f"{tree.ROOT} {sys.version_info[:2]}",
    )
    if extent == "build":
        return [environment]
    tasks = [
        environment,
        _Task(
            "packages",
            "locked packages",
            (build, runtime, demo),
            lambda: [[*locked, "--compile-bytecode", "-r", str(runtime), "-r", str(demo)]],
        ),
        _Task("raft", "themis-raft (Rust: a minute)", _raft_sources(), _raft_commands),
        _Task(
            "ours",
            "themis-python, themis-server",
            pyprojects,
            lambda: [[*editable, "-e", str(tree.CLIENT), "-e", str(tree.SERVER)]],
        ),
    ]
    if extent == "tests":
        tasks.insert(2, _Task("dev", "packages for tests", (build, dev), lambda: [[*locked, "-r", str(dev)]]))
    return tasks


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


def _pending(extent: Extent) -> list[_Task]:
    tasks = _tasks(extent)
    try:
        stamp: dict[str, str] = json.loads(STAMP.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return tasks
    if stamp.get("venv") != tasks[0].fingerprint():
        return tasks
    return [task for task in tasks if stamp.get(task.key) != task.fingerprint()]


def _check_machine(*, tests: bool) -> None:
    lacking = machine.missing(machine.examine(), tests=tests)
    if lacking:
        raise BootstrapError(
            f"This machine lacks {len(lacking)} thing(s) that are needed first:\n{machine.remedies(lacking)}\n"
            "Then run the same command again; `./themis doctor` shows the whole list."
        )


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """Hold the tree's installation lock, so that two commands started together do not install over each other."""
    tree.CACHE.mkdir(exist_ok=True)
    with (tree.CACHE / "bootstrap.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("Another ./themis is installing into this tree; waiting for it to finish.", file=sys.stderr)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _run(tasks: list[_Task]) -> None:
    print(f"Preparing the tree in {tree.VENV} (logs in {tree.LOGS}):", file=sys.stderr)
    tree.LOGS.mkdir(parents=True, exist_ok=True)
    for number, task in enumerate(tasks, start=1):
        # Taken before the step runs: a source that changes meanwhile makes the step due again.
        fingerprint = task.fingerprint()
        step = Step(task.name, number=number, total=len(tasks))
        log = tree.LOGS / f"{task.key}.log"
        try:
            _execute(task.commands(), log, step)
        except BootstrapError:
            step.failed()
            raise
        step.done()
        _record(task.key, fingerprint)


def _execute(commands: Iterable[list[str]], log: Path, step: Step) -> None:
    with log.open("w", encoding="utf-8") as output:
        for command in commands:
            output.write(f"$ {' '.join(command)}\n")
            output.flush()
            process = subprocess.Popen(
                command,
                stdout=output,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                cwd=tree.ROOT,
                env=environment(),
            )
            try:
                while process.poll() is None:
                    step.tick(_last_line(log))
                    time.sleep(_POLL_S)
            finally:
                if process.poll() is None:
                    process.terminate()
                    process.wait()
            if process.returncode != 0:
                tail = "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-_LOG_TAIL_LINES:])
                raise BootstrapError(f"{command[0]} failed (exit {process.returncode}). The end of {log}:\n{tail}")


def _last_line(log: Path) -> str:
    with log.open("rb") as output:
        output.seek(0, os.SEEK_END)
        output.seek(max(output.tell() - 400, 0))
        lines = output.read().decode("utf-8", "replace").replace("\r", "\n").split("\n")
    return next((line.strip() for line in reversed(lines) if line.strip() and not line.startswith("$ ")), "")


def _record(key: str, fingerprint: str) -> None:
    try:
        stamp: dict[str, str] = json.loads(STAMP.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        stamp = {}
    if key == "venv":
        stamp = {}  # a new environment holds none of the other steps' results
    stamp[key] = fingerprint
    fresh = STAMP.with_suffix(".new")
    fresh.write_text(json.dumps(stamp, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    fresh.replace(STAMP)
