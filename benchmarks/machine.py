"""The facts of a machine that figures depend on, and nothing that names it."""

from __future__ import annotations

import os
import platform
import re
import statistics
from dataclasses import dataclass
from pathlib import Path

from benchmarks import disk

_PROBE_S = 1.0


@dataclass(frozen=True, slots=True)
class Machine:
    """What the figures were taken on."""

    cores: int
    cpu: str
    memory_gib: float
    system: str
    kernel: str
    python: str
    syncs_per_s: float
    """300-byte appends with fdatasync, per second, of the disk that is measured on."""
    load_before: float
    """Processes that wanted to run before it began (the load average of a minute)."""

    @property
    def slug(self) -> str:
        """The facts in a file's name."""
        words = f"{self.cores}x-{self.cpu}-{self.system}-{'.'.join(self.kernel.split('.')[:2])}"
        return re.sub(r"[^a-z0-9.]+", "-", words.lower()).strip("-")


def examine(folder: Path) -> Machine:
    """Look at this machine, and at the disk that holds `folder`."""
    cpu, memory = Path("/proc/cpuinfo"), Path("/proc/meminfo")
    return Machine(
        cores=len(os.sched_getaffinity(0)),
        cpu=parse_cpu_model(cpu.read_text(encoding="utf-8")),
        memory_gib=round(parse_memory_kib(memory.read_text(encoding="utf-8")) / 2**20, 1),
        system=platform.system(),
        kernel=re.split(r"[-+]", platform.release())[0],
        python=f"{platform.python_implementation()} {platform.python_version()}",
        syncs_per_s=round(statistics.median(disk.syncs_per_s(folder, _PROBE_S) for _ in range(3))),
        load_before=round(os.getloadavg()[0], 2),
    )


def parse_cpu_model(cpuinfo: str) -> str:
    """Find the CPU's name in /proc/cpuinfo; other architectures than x86 have none there."""
    found = re.search(r"^model name\s*:\s*(.+)$", cpuinfo, re.MULTILINE)
    return found[1].strip() if found else platform.machine()


def parse_memory_kib(meminfo: str) -> int:
    """Find the memory's size in /proc/meminfo."""
    found = re.search(r"^MemTotal:\s*(\d+) kB$", meminfo, re.MULTILINE)
    if found is None:
        raise ValueError("no MemTotal in /proc/meminfo")
    return int(found[1])
