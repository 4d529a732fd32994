"""What the operating system and the interpreter say about this process."""

from __future__ import annotations

import gc
import os
import resource
import time
from pathlib import Path
from typing import Final

from msgspec import Struct

from themis_server.observability import catalogue
from themis_server.observability.metrics import Counter, Family, Histogram, Registry

__all__ = ["GcMonitor", "ProcessFigures", "read_process", "watch_process"]

_PROC: Final = Path("/proc/self")
_UNLIMITED: Final = resource.RLIM_INFINITY


class ProcessFigures(Struct, frozen=True):
    """One reading; what the platform does not tell is None."""

    cpu_s: float
    rss_bytes: int | None
    virtual_bytes: int | None
    open_fds: int | None
    max_fds: int | None


def read_process() -> ProcessFigures:
    """Read the figures now; costs some tens of microseconds, more with thousands of open files."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    rss: int | None = None
    virtual: int | None = None
    open_fds: int | None = None
    if _PROC.is_dir():
        page_bytes = os.sysconf("SC_PAGE_SIZE")
        size, resident, *_ = (_PROC / "statm").read_text().split()
        virtual, rss = int(size) * page_bytes, int(resident) * page_bytes
        # The listing itself holds one descriptor open.
        open_fds = len(os.listdir(_PROC / "fd")) - 1
    return ProcessFigures(
        cpu_s=usage.ru_utime + usage.ru_stime,
        rss_bytes=rss,
        virtual_bytes=virtual,
        open_fds=open_fds,
        max_fds=None if limit == _UNLIMITED else limit,
    )


def watch_process(registry: Registry) -> None:
    """Show the process' figures at every scrape."""
    cpu = registry.counter(catalogue.PROCESS_CPU).labels()
    gauges = {
        "rss_bytes": registry.gauge(catalogue.PROCESS_RSS),
        "virtual_bytes": registry.gauge(catalogue.PROCESS_VIRTUAL),
        "open_fds": registry.gauge(catalogue.PROCESS_OPEN_FDS),
        "max_fds": registry.gauge(catalogue.PROCESS_MAX_FDS),
    }
    registry.gauge(catalogue.PROCESS_START_TIME).labels().set(_start_time_s())

    def refresh() -> None:
        figures = read_process()
        cpu.value = figures.cpu_s
        for name, family in gauges.items():
            value: int | None = getattr(figures, name)
            if value is not None:
                family.labels().set(value)

    registry.before_scrape(refresh)


def _start_time_s() -> float:
    try:
        # Field 22 is the start in clock ticks since boot; the name in field 2 may contain anything, so cut behind it.
        ticks = int((_PROC / "stat").read_text().rpartition(")")[2].split()[19])
    except OSError:
        return time.time()
    return time.time() - time.clock_gettime(time.CLOCK_BOOTTIME) + ticks / os.sysconf("SC_CLK_TCK")


class GcMonitor:
    """Counts runs of the garbage collector and times them while it is started."""

    def __init__(self, collections: Family[Counter], pause_seconds: Histogram) -> None:
        self._counters = [collections.labels(str(generation)) for generation in range(3)]
        self._pause_seconds = pause_seconds
        self._began_s = 0.0

    def start(self) -> None:
        """Begin to watch the interpreter's collector."""
        gc.callbacks.append(self._observe)

    def stop(self) -> None:
        """End; harmless when it was not started."""
        if self._observe in gc.callbacks:
            gc.callbacks.remove(self._observe)

    def _observe(self, phase: str, info: dict[str, int]) -> None:
        if phase == "start":
            self._began_s = time.perf_counter()
        else:
            self._pause_seconds.observe(time.perf_counter() - self._began_s)
            self._counters[info["generation"]].value += 1
