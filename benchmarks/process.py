"""What a process and its descendants have used: CPU time and memory, read from /proc."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_QUIET_SHARE = 0.05
_QUIET_LOOK_S = 0.25


@dataclass(frozen=True, slots=True)
class Stat:
    """The part of /proc/PID/stat (proc(5)) that is about kinship and CPU; times in clock ticks, threads included."""

    pid: int
    parent: int
    own_ticks: int
    reaped_ticks: int
    """What children used that have ended and were waited for."""


def parse_stat(text: str) -> Stat:
    """Read one line of /proc/PID/stat; the command's name in it may hold blanks and brackets."""
    pid = int(text[: text.index(" ")])
    fields = text[text.rindex(")") + 2 :].split()
    utime, stime, cutime, cstime = (int(field) for field in fields[11:15])
    return Stat(pid, int(fields[1]), utime + stime, cutime + cstime)


def family(stats: list[Stat], root: int) -> list[Stat]:
    """Pick the process `root` and all its descendants."""
    children: dict[int, list[Stat]] = {}
    found: list[Stat] = []
    for stat in stats:
        children.setdefault(stat.parent, []).append(stat)
        if stat.pid == root:
            found.append(stat)
    for stat in found:  # grows while it is walked
        found.extend(children.get(stat.pid, ()))
    return found


def cpu_s(root: int, proc: Path = _PROC) -> float:
    """Sum the CPU seconds of a process, its threads, its descendants, and those of them that have ended.

    Raises:
        ProcessLookupError: There is no such process.
    """
    return cpu_s_of([root], proc)


def cpu_s_of(roots: Sequence[int], proc: Path = _PROC) -> float:
    """Sum the CPU seconds of several processes as `cpu_s` does; raises `ProcessLookupError` if one is not there."""
    stats = _stats(proc)
    ticks = 0
    for root in roots:
        tree = family(stats, root)
        if not tree:
            raise ProcessLookupError(f"no process {root}")
        ticks += sum(stat.own_ticks + stat.reaped_ticks for stat in tree)
    return ticks / _TICKS_PER_S


def rss_bytes(root: int, proc: Path = _PROC) -> int:
    """Sum the resident memory of a process and its descendants (what they share is counted once for each)."""
    total = 0
    for stat in family(_stats(proc), root):
        for line in _read(proc / str(stat.pid) / "status").splitlines():
            if line.startswith("VmRSS:"):
                total += int(line.split()[1]) * 1024
    return total


def wait_until_quiet(*roots: int, timeout_s: float = 5.0) -> None:
    """Wait until processes do next to nothing: what they do after the load (flushes, compactions) belongs to it."""
    deadline_s = time.monotonic() + timeout_s
    before_s = cpu_s_of(roots)
    while time.monotonic() < deadline_s:
        time.sleep(_QUIET_LOOK_S)
        now_s = cpu_s_of(roots)
        if now_s - before_s <= _QUIET_SHARE * _QUIET_LOOK_S * len(roots):
            return
        before_s = now_s


def _stats(proc: Path) -> list[Stat]:
    texts = (_read(entry / "stat") for entry in proc.iterdir() if entry.name.isdecimal())
    return [parse_stat(text) for text in texts if text]


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):  # it has ended meanwhile
        return ""
