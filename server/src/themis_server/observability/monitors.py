"""What observes a running node, started and stopped as one."""

from __future__ import annotations

from themis_server.clock import Clock
from themis_server.observability.instruments import Instruments
from themis_server.observability.looplag import LoopLagMonitor, Periodic
from themis_server.observability.process import GcMonitor
from themis_server.observability.series import INTERVAL_S, SeriesRing, SeriesSampler

__all__ = ["Monitors"]


class Monitors:
    """The event loop's lag, the garbage collector's pauses and the series of the last fifteen minutes.

    `series` holds the samples; they begin with `start`.
    """

    def __init__(self, instruments: Instruments, clock: Clock) -> None:
        self.series = SeriesRing()
        self._instruments = instruments
        self._clock = clock
        self._loop_lag = LoopLagMonitor(instruments.event_loop_lag_seconds)
        self._gc = GcMonitor(instruments.gc_collections, instruments.gc_pause_seconds)
        self._sampling: Periodic | None = None

    def start(self) -> None:
        """Begin, on the running loop."""
        sampler = SeriesSampler(self._instruments.all_durations, self._clock, self.series)
        self._sampling = Periodic("series", INTERVAL_S, sampler.sample)
        self._sampling.start()
        self._loop_lag.start()
        self._gc.start()

    async def stop(self) -> None:
        """End and wait for the end."""
        self._gc.stop()
        await self._loop_lag.stop()
        if self._sampling is not None:
            await self._sampling.stop()
