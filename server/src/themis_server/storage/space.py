"""How much room the disk has, asked often and measured seldom."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

_MEASURE_EVERY_S = 0.2


class DiskSpace:
    """Tells whether a directory's file system has less free space than must stay free."""

    def __init__(self, path: Path, reserve_bytes: int, monotonic_s: Callable[[], float]) -> None:
        self._path = path
        self.reserve_bytes = reserve_bytes
        self._monotonic_s = monotonic_s
        self._measure_at_s = 0.0
        self.free_bytes = 0

    def short(self) -> bool:
        """Whether writes must stop; at most `_MEASURE_EVERY_S` old."""
        now_s = self._monotonic_s()
        if now_s >= self._measure_at_s:
            self._measure_at_s = now_s + _MEASURE_EVERY_S
            figures = os.statvfs(self._path)
            self.free_bytes = figures.f_bavail * figures.f_frsize
        return self.free_bytes < self.reserve_bytes
