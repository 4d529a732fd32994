"""What the disk allows by itself: appends that are synced one by one."""

from __future__ import annotations

import os
import time
from pathlib import Path

APPEND_BYTES = 300


def syncs_per_s(folder: Path, duration_s: float) -> float:
    """Append `APPEND_BYTES` and fdatasync, over and over; returns how often per second that was done."""
    file = folder / "sync.probe"
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND)
    piece = b"x" * APPEND_BYTES
    try:
        count, begun_s = 0, time.perf_counter()
        while (took_s := time.perf_counter() - begun_s) < duration_s:
            os.write(descriptor, piece)
            os.fdatasync(descriptor)
            count += 1
        return count / took_s
    finally:
        os.close(descriptor)
        file.unlink()
