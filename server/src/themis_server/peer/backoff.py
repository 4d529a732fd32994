"""How long to wait before the next try to connect. Pure but for the dice, which are handed in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

__all__ = ["Backoff"]

_DOUBLINGS_MAX: Final = 30
_BROKEN_MOST: Final = 3


class Backoff:
    """The first retry comes at once, then the wait doubles from `first_s` to `most_s`, less up to half by chance."""

    __slots__ = ("_failures", "_first_s", "_most_s", "_random")

    def __init__(self, first_s: float, most_s: float, random: Callable[[], float]) -> None:
        """Start without a failure; `random` returns numbers in [0, 1)."""
        self._first_s = first_s
        self._most_s = most_s
        self._random = random
        self._failures = 0

    def succeeded(self) -> None:
        """Begin anew: the connection has held for a while."""
        self._failures = 0

    def failed(self) -> float:
        """Note a failure, and return the seconds to wait before the next try."""
        return self._wait_s(min(self._failures + 1, _DOUBLINGS_MAX))

    def broke(self) -> float:
        """Note that a connection which stood has ended soon; return the seconds to wait before the next try.

        The other side is there, so the wait stays short: twice `first_s` at most. Where a network resets what it
        carries again and again, nothing but the time between two resets gets messages through.
        """
        return self._wait_s(min(self._failures + 1, _BROKEN_MOST))

    def _wait_s(self, failures: int) -> float:
        self._failures = failures
        if failures == 1:
            return 0.0
        wait_s = min(self._first_s * 2.0 ** (failures - 2), self._most_s)
        return wait_s * (1 - self._random() / 2)
