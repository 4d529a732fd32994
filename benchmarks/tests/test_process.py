"""CPU and memory are read from /proc for a whole family of processes, threads and the dead included."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks import process
from benchmarks.process import Stat

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


def stat_line(pid: int, parent: int, *, name: str = "server", ticks: tuple[int, int, int, int] = (0, 0, 0, 0)) -> str:
    """A line of /proc/PID/stat as the kernel writes it."""
    utime, stime, cutime, cstime = ticks
    return (
        f"{pid} ({name}) S {parent} 7 7 0 -1 4194560 1 2 3 4 {utime} {stime} {cutime} {cstime} 20 0 5 0 99 1000 50 0\n"
    )


@pytest.fixture
def proc(tmp_path: Path) -> Path:
    (tmp_path / "self").mkdir()
    return tmp_path


def put(proc: Path, pid: int, parent: int, ticks: tuple[int, int, int, int], rss_kib: int = 0) -> None:
    folder = proc / str(pid)
    folder.mkdir()
    (folder / "stat").write_text(stat_line(pid, parent, ticks=ticks), encoding="utf-8")
    (folder / "status").write_text(f"Name:\tx\nVmRSS:\t{rss_kib:>8} kB\nThreads:\t1\n", encoding="utf-8")


def test_user_and_system_time_are_added() -> None:
    assert process.parse_stat(stat_line(12, 1, ticks=(30, 4, 500, 60))) == Stat(12, 1, 34, 560)


@pytest.mark.parametrize("name", ["a b", "a) S 1 (b", "(", ")", "tmux: server"])
def test_a_command_may_be_called_anything(name: str) -> None:
    assert process.parse_stat(stat_line(12, 9, name=name, ticks=(1, 2, 3, 4))) == Stat(12, 9, 3, 7)


def test_a_family_is_a_process_and_its_descendants_and_nobody_else() -> None:
    stats = [Stat(pid, parent, 0, 0) for pid, parent in ((1, 0), (5, 1), (6, 5), (7, 6), (8, 1), (9, 8))]

    assert [stat.pid for stat in process.family(stats, 5)] == [5, 6, 7]


def test_a_family_whose_children_are_listed_first_is_complete() -> None:
    stats = [Stat(pid, parent, 0, 0) for pid, parent in ((7, 6), (6, 5), (5, 1))]

    assert {stat.pid for stat in process.family(stats, 5)} == {5, 6, 7}


def test_cpu_is_summed_over_the_family_and_what_it_has_reaped(proc: Path) -> None:
    put(proc, 5, 1, (100, 10, 7, 3))
    put(proc, 6, 5, (20, 2, 0, 0))
    put(proc, 8, 1, (5000, 5000, 5000, 5000))  # a stranger: the load generator

    assert process.cpu_s(5, proc) == pytest.approx(142 / _TICKS_PER_S)


def test_a_child_that_ends_between_two_looks_is_not_lost(proc: Path) -> None:
    put(proc, 5, 1, (100, 0, 0, 0))
    put(proc, 6, 5, (20, 0, 0, 0))
    before_s = process.cpu_s(5, proc)
    (proc / "6" / "stat").unlink()
    (proc / "5" / "stat").write_text(stat_line(5, 1, ticks=(100, 0, 50, 0)), encoding="utf-8")

    assert process.cpu_s(5, proc) - before_s == pytest.approx(30 / _TICKS_PER_S)


def test_a_process_that_is_not_there_is_an_error(proc: Path) -> None:
    with pytest.raises(ProcessLookupError):
        process.cpu_s(5, proc)


def test_memory_is_summed_over_the_family(proc: Path) -> None:
    put(proc, 5, 1, (0, 0, 0, 0), rss_kib=100)
    put(proc, 6, 5, (0, 0, 0, 0), rss_kib=24)
    put(proc, 8, 1, (0, 0, 0, 0), rss_kib=999)

    assert process.rss_bytes(5, proc) == 124 * 1024


_BURN = """
import sys, threading, time, subprocess
def burn(seconds):
    end = time.thread_time() + seconds
    while time.thread_time() < end: pass
if sys.argv[1] == "thread":
    thread = threading.Thread(target=burn, args=(0.4,)); thread.start(); thread.join()
elif sys.argv[1] == "child":
    subprocess.run([sys.executable, "-c", sys.argv[2], "self", sys.argv[2]], check=True)
elif sys.argv[1] == "self":
    burn(0.4)
print("done", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def burnt() -> Callable[[str], float]:
    """Run a real process that burns 0.4 s of CPU in some way, and ask what it used."""

    def run(how: str) -> float:
        with subprocess.Popen(
            [sys.executable, "-S", "-c", _BURN, how, _BURN], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as child:
            assert child.stdout is not None
            assert child.stdout.readline() == b"done\n"
            used_s = process.cpu_s(child.pid)
            child.communicate()
        return used_s

    return run


@pytest.mark.parametrize("how", ["self", "thread", "child"])
def test_the_cpu_of_threads_and_ended_children_counts(burnt: Callable[[str], float], how: str) -> None:
    assert 0.39 < burnt(how) < 1.0


def test_waiting_for_quiet_ends_soon_with_a_process_that_sleeps() -> None:
    with subprocess.Popen([sys.executable, "-S", "-c", "input()"], stdin=subprocess.PIPE) as child:
        begun_s = time.monotonic()
        process.wait_until_quiet(child.pid, timeout_s=20)
        took_s = time.monotonic() - begun_s
        child.communicate(b"\n")

    assert took_s < 10
