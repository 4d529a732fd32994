"""Doing what has not been done: steps whose results are kept, each repeated when what it reads has changed.

Invariant: a step is skipped only if its stamp holds the fingerprint of everything that the step reads and its result is
there, and a step's fingerprint is written only after the step has ended well; so an interrupted run goes on where it
stopped.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tools import tree
from tools.progress import Step

_STAMP_FORMAT = "1"
_POLL_S = 0.1
_LOG_TAIL_LINES = 25


class BootstrapError(Exception):
    """The tree could not be made ready; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Task:
    """One step: its key in the stamp, what is shown, the files it depends on, and its commands."""

    key: str
    name: str
    inputs: tuple[Path, ...]
    commands: Callable[[], list[list[str]]]
    salt: str = ""
    output: Path | None = None
    """What it makes; where that is gone the step is due, whatever its stamp says."""
    folder: Path = field(default_factory=lambda: tree.ROOT)
    """Where its commands run."""
    hint: str = ""
    """What to think of when it fails."""
    resets: bool = False
    """Whether the results of all other steps of the same stamp are gone with it."""

    def fingerprint(self) -> str:
        """Return the digest of all that the step reads; raises `BootstrapError` for a file that is not there."""
        digest = hashlib.sha256(f"{_STAMP_FORMAT}\0{self.salt}\0".encode())
        for path in self.inputs:
            digest.update(str(path.relative_to(tree.ROOT)).encode() + b"\0")
            try:
                digest.update(hashlib.sha256(path.read_bytes()).digest())
            except FileNotFoundError as error:
                raise BootstrapError(f"{path} is missing; is this tree a complete clone?") from error
        return digest.hexdigest()


def pending(tasks: Sequence[Task], stamp: Path) -> list[Task]:
    """Pick the steps that are due."""
    done = _read(stamp)
    due: list[Task] = []
    for task in tasks:
        if done.get(task.key) == task.fingerprint() and (task.output is None or task.output.exists()):
            continue
        if task.resets:
            return list(tasks)
        due.append(task)
    return due


def run(tasks: Sequence[Task], stamp: Path, environment: Mapping[str, str], title: str) -> None:
    """Do the steps, shown, with a log each; raises `BootstrapError` at the first that fails."""
    print(f"{title} (logs in {tree.LOGS}):", file=sys.stderr)
    tree.LOGS.mkdir(parents=True, exist_ok=True)
    for number, task in enumerate(tasks, start=1):
        # Taken before the step runs: a source that changes meanwhile makes the step due again.
        fingerprint = task.fingerprint()
        step = Step(task.name, number=number, total=len(tasks))
        try:
            _execute(task, tree.LOGS / f"{task.key}.log", step, environment)
        except BootstrapError:
            step.failed()
            raise
        step.done()
        _record(task, fingerprint, stamp)


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """Hold the tree's installation lock, so that two commands started together do not install over each other."""
    tree.CACHE.mkdir(exist_ok=True)
    with (tree.CACHE / "bootstrap.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("Another ./themis is installing into this tree; waiting for it to finish.", file=sys.stderr)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _execute(task: Task, log: Path, step: Step, environment: Mapping[str, str]) -> None:
    with log.open("w", encoding="utf-8") as output:
        for command in task.commands():
            output.write(f"$ {' '.join(command)}\n")
            output.flush()
            process = subprocess.Popen(
                command,
                stdout=output,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                cwd=task.folder,
                env=environment,
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
                raise BootstrapError(
                    f"{command[0]} failed (exit {process.returncode}). The end of {log}:\n{tail}"
                    + (f"\n{task.hint}" if task.hint else "")
                )


def _last_line(log: Path) -> str:
    with log.open("rb") as output:
        output.seek(0, os.SEEK_END)
        output.seek(max(output.tell() - 400, 0))
        lines = output.read().decode("utf-8", "replace").replace("\r", "\n").split("\n")
    return next((line.strip() for line in reversed(lines) if line.strip() and not line.startswith("$ ")), "")


def _read(stamp: Path) -> dict[str, str]:
    try:
        done: dict[str, str] = json.loads(stamp.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return done


def _record(task: Task, fingerprint: str, stamp: Path) -> None:
    done = {} if task.resets else _read(stamp)
    done[task.key] = fingerprint
    stamp.parent.mkdir(parents=True, exist_ok=True)
    fresh = stamp.with_suffix(".new")
    fresh.write_text(json.dumps(done, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    fresh.replace(stamp)
