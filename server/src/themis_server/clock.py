"""Time, handed in: whoever needs a clock is given one.

Two readings, never mixed: `monotonic_s` measures how long something took and never goes back; `unix_ms` says what
the calendar shows and may jump either way. The layers that must be deterministic (state machine, simulator) get a
`ManualClock` or plain numbers and never read the machine's time themselves.

`monotonic_s` goes on while the machine is suspended, as CLOCK_MONOTONIC does not: a leader that wakes up must find
that its lease has run out, and a replica that what it has is as old as it is.
"""

from __future__ import annotations

import time
from typing import Final, Protocol

__all__ = ["Clock", "ManualClock", "SystemClock"]

_NS_PER_MS = 1_000_000
_NS_PER_S = 1_000_000_000
_PASSING: Final = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
"""Where the system has no such clock, as macOS has not, the one that stands still has to do."""


class Clock(Protocol):
    """Reads the time."""

    def monotonic_s(self) -> float:
        """Return seconds since an arbitrary start; never decreases."""
        ...

    def unix_ms(self) -> int:
        """Return milliseconds since 1970-01-01T00:00:00Z; may jump when the machine's clock is set."""
        ...


class SystemClock:
    """The machine's own clocks."""

    __slots__ = ()

    def monotonic_s(self) -> float:
        """Return the seconds since the machine was started, those of its sleep included."""
        return time.clock_gettime(_PASSING)

    def unix_ms(self) -> int:
        """Return the machine's wall clock in whole milliseconds."""
        return time.time_ns() // _NS_PER_MS


class ManualClock:
    """A clock that moves only when told to; both readings are kept in whole nanoseconds, so no rounding creeps in."""

    __slots__ = ("_monotonic_ns", "_unix_ns")

    def __init__(self, *, unix_ms: int = 1_735_689_600_000, monotonic_s: float = 0.0) -> None:
        self._unix_ns = unix_ms * _NS_PER_MS
        self._monotonic_ns = round(monotonic_s * _NS_PER_S)

    def monotonic_s(self) -> float:
        """Return the monotonic reading in seconds."""
        return self._monotonic_ns / _NS_PER_S

    def unix_ms(self) -> int:
        """Return the wall clock reading in whole milliseconds."""
        return self._unix_ns // _NS_PER_MS

    def advance(self, seconds: float) -> None:
        """Let `seconds` pass on both readings.

        Raises ValueError when `seconds` is negative: time passes forwards; `set_unix_ms` is how a wall clock jumps.
        """
        if seconds < 0:
            raise ValueError(f"time cannot pass backwards: {seconds}")
        passed_ns = round(seconds * _NS_PER_S)
        self._monotonic_ns += passed_ns
        self._unix_ns += passed_ns

    def set_unix_ms(self, unix_ms: int) -> None:
        """Set the wall clock alone, as an operator or NTP would; it may go back."""
        self._unix_ns = unix_ms * _NS_PER_MS
