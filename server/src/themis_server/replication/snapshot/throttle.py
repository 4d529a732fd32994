"""How fast snapshots may leave a node, all of them together."""

from __future__ import annotations

from themis_server.clock import Clock


class Throttle:
    """A token bucket that lends: whoever takes more than there is waits until it is earned.

    First come, first served: what one has taken the next one waits behind. Belongs to one thread.
    """

    def __init__(self, bytes_per_s: int, clock: Clock, burst_s: float = 0.05) -> None:
        """Begin full.

        Args:
            bytes_per_s: what is earned in a second.
            clock: the time.
            burst_s: how long earnings are saved up while nobody takes any.
        """
        self._bytes_per_s = bytes_per_s
        self._clock = clock
        self._burst_s = burst_s
        self._paid_until_s = clock.monotonic_s() - burst_s

    def take(self, size_bytes: int) -> float:
        """Take bytes; return how many seconds to wait before using them."""
        now_s = self._clock.monotonic_s()
        self._paid_until_s = max(self._paid_until_s, now_s - self._burst_s) + size_bytes / self._bytes_per_s
        return max(0.0, self._paid_until_s - now_s)
