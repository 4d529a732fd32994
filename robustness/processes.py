"""Processes of this machine, by their number: whether they live, how to end and to stop them.

A number alone may come to mean another process; with its start time it does not.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

_POLL_S = 0.01


def start_time(pid: int) -> int:
    """Return when a process was started, in clock ticks since the boot; 0 if it is gone or only a zombie."""
    fields = _fields(pid)
    return int(fields[19]) if fields and fields[0] not in ("Z", "X") else 0


def _fields(pid: int) -> list[str]:
    """Return the fields of /proc/PID/stat from the state on (proc(5), number 3); none if it is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def alive(pid: int) -> bool:
    """Whether the process lives."""
    return pid > 0 and start_time(pid) > 0


def kill(pid: int, timeout_s: float = 10.0) -> None:
    """End a process as a crash would, and wait until it is gone; raises `TimeoutError`."""
    started = start_time(pid)
    if not started:
        return
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    wait_for(lambda: start_time(pid) != started, f"process {pid} to be gone", timeout_s)


def pause(pid: int, timeout_s: float = 10.0) -> None:
    """Stop a process; returns when the last of its threads stands, which is later than the signal."""
    os.kill(pid, signal.SIGSTOP)
    wait_for(lambda: _stands(pid), f"every thread of process {pid} to stop", timeout_s)


def _stands(pid: int) -> bool:
    try:
        tasks = list(Path(f"/proc/{pid}/task").iterdir())
        return all(task.joinpath("stat").read_text().rpartition(")")[2].split()[0] in "Tt" for task in tasks)
    except OSError:
        return True


def resume(pid: int) -> None:
    """Let a stopped process go on."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGCONT)


def wait_for(probe: Callable[[], object], what: str, timeout_s: float) -> None:
    """Wait until `probe` is true; raises `TimeoutError`."""
    deadline_s = time.monotonic() + timeout_s
    while not probe():
        if time.monotonic() > deadline_s:
            raise TimeoutError(f"waited {timeout_s:g} s for {what}")
        time.sleep(_POLL_S)
