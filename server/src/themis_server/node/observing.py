"""What the driver's thread tells, carried over to the event loop, to which the metrics belong."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from time import monotonic
from typing import Final

from themis_server.observability.instruments import Instruments
from themis_server.observability.log import get_logger

_SYNCS_KEPT: Final = 7
"""So few that a disk which has become slow is noticed after half of them, and one slow sync is not."""
_SYNCS_MIN: Final = 3
_LATELY_S: Final = 10.0
_log = get_logger(__name__)


class DriverObserver:
    """A `replication.ports.Observer`: notes on the driver's thread, measures on the event loop."""

    def __init__(self, instruments: Instruments) -> None:
        self._instruments = instruments
        self._measurements: deque[Callable[[], None]] = deque()
        self._syncs: deque[tuple[float, float]] = deque(maxlen=_SYNCS_KEPT)
        self.stalls = False
        """Whether the driver waits for space on the disk."""

    def logged(self, entries: int, size_bytes: int, sync_s: float) -> None:
        """Note a log write."""

        if sync_s:
            self._syncs.append((monotonic(), sync_s))

        def measure() -> None:
            self._instruments.log_batch_entries.observe(entries)
            self._instruments.log_batch_bytes.observe(size_bytes)
            if sync_s:
                self._instruments.log_fsync_seconds.observe(sync_s)

        self._measurements.append(measure)

    def applied(self, entries: int, duration_s: float) -> None:
        """Note that entries were applied."""
        self._measurements.append(lambda: self._instruments.apply_seconds.observe(duration_s))

    def stalled(self, full: bool) -> None:
        """Note that the disk became full, or has space again."""
        self.stalls = full
        _log.warning("disk.full" if full else "disk.recovered")

    def sync_s(self) -> float:
        """Return what a sync of the log takes lately, in seconds: the median; 0 if there were too few."""
        since_s = monotonic() - _LATELY_S
        lately = sorted(took_s for at_s, took_s in list(self._syncs) if at_s >= since_s)
        return lately[len(lately) // 2] if len(lately) >= _SYNCS_MIN else 0.0

    def take(self) -> None:
        """Put what was noted into the metrics; on the event loop."""
        measurements = self._measurements
        while measurements:
            measurements.popleft()()
