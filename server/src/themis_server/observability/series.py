"""The last fifteen minutes of latency and throughput, for the dashboard of /api/admin/metrics.

Prometheus keeps history for those who run it; this ring is for everybody else.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Final

from msgspec import Struct

from themis_server.clock import Clock
from themis_server.observability.metrics import Distribution

__all__ = ["Sample", "SeriesRing", "SeriesSampler"]

INTERVAL_S: Final = 5.0
SPAN_S: Final = 15 * 60
_P95: Final = 0.95


class Sample(Struct, frozen=True):
    """What happened in one interval; `p95_s` is None when nothing was answered in it."""

    unix_ms: int
    requests_per_s: float
    p95_s: float | None


class SeriesRing:
    """The newest samples, oldest first; memory is bounded by `capacity`."""

    __slots__ = ("_samples",)

    def __init__(self, capacity: int = int(SPAN_S / INTERVAL_S)) -> None:
        self._samples: deque[Sample] = deque(maxlen=capacity)

    def push(self, sample: Sample) -> None:
        """Add the newest sample; the oldest falls out when the ring is full."""
        self._samples.append(sample)

    def samples(self) -> tuple[Sample, ...]:
        """Return all samples, oldest first."""
        return tuple(self._samples)


class SeriesSampler:
    """Turns a growing distribution of durations into one sample per call of `sample`."""

    def __init__(self, durations: Callable[[], Distribution], clock: Clock, ring: SeriesRing) -> None:
        """Start from now.

        Args:
            durations: reads all request durations so far, in seconds.
            clock: measures the time between two samples, so a late call does not show as a peak.
            ring: takes the samples.
        """
        self._durations = durations
        self._clock = clock
        self._ring = ring
        self._before = durations()
        self._before_s = clock.monotonic_s()

    def sample(self) -> None:
        """Push what happened since the last call; does nothing when no time has passed."""
        now_s = self._clock.monotonic_s()
        elapsed_s = now_s - self._before_s
        if elapsed_s <= 0:
            return
        now = self._durations()
        since = now - self._before
        self._ring.push(Sample(self._clock.unix_ms(), since.count / elapsed_s, since.quantile(_P95)))
        self._before, self._before_s = now, now_s
