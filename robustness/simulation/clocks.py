"""The two clocks of a simulated node.

The monotonic one runs a little too fast or too slow, as real ones do, and never jumps: leases and lags are measured on
it. The wall clock may be set to anything at any moment, and must therefore decide nothing but how versions look.
"""

from __future__ import annotations

_US_PER_S = 1_000_000
_US_PER_MS = 1000
_START_UNIX_US = 1_767_225_600_000_000
"""2026-01-01T00:00:00Z."""


class NodeClock:
    """A node's clocks (`themis_server.clock.Clock`), driven by the simulated time.

    Inside a turn time passes too: a sync takes as long as the disk is slow. `inside_us` says how far the turn that is
    being computed has come, beyond the time at which it began.
    """

    def __init__(self, drift: float, offset_us: int) -> None:
        """Make the clocks.

        Args:
            drift: how much faster than true time the monotonic clock runs; 0.01 is one second in a hundred.
            offset_us: what the monotonic clock shows at the start of the run.
        """
        self._rate = 1.0 + drift
        self._offset_us = offset_us
        self._wall_offset_us = 0
        self.now_us = 0
        self.inside_us = 0

    def monotonic_s(self) -> float:
        """Return the node's monotonic clock in seconds."""
        return ((self.now_us + self.inside_us) * self._rate + self._offset_us) / _US_PER_S

    def unix_ms(self) -> int:
        """Return the node's wall clock in milliseconds."""
        return (_START_UNIX_US + self.now_us + self.inside_us + self._wall_offset_us) // _US_PER_MS

    def set_wall(self, offset_us: int) -> None:
        """Set the wall clock to `offset_us` beside true time."""
        self._wall_offset_us = offset_us

    def true_us(self, monotonic_s: float) -> float:
        """Return the simulated time at which this node's monotonic clock showed `monotonic_s`."""
        return (monotonic_s * _US_PER_S - self._offset_us) / self._rate

    def interval_us(self, seconds: float) -> int:
        """Return how much simulated time passes while this node's clock measures `seconds`."""
        return max(1, round(seconds * _US_PER_S / self._rate))
