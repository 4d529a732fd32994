"""Showing a person what is going on: steps with their times, and bars.

On a terminal one line is redrawn; anywhere else (a file, CI) whole lines are written, few enough to read later.
"""

from __future__ import annotations

import sys
import time
from typing import TextIO

_SPINNER = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
_ASCII_SPINNER = "|/-\\"
_REDRAW_S = 0.1
_PLAIN_LINE_S = 5.0
_STEP_LINE_S = 15.0
_BAR_CELLS = 28


def seconds(value: float) -> str:
    """Write a duration in seconds the way people read it: `0.4 s`, `12.3 s`, `2 min 05 s`."""
    if value < 60:
        return f"{value:.1f} s"
    minutes, rest = divmod(round(value), 60)
    return f"{minutes} min {rest:02d} s"


def _speaks_unicode(stream: TextIO) -> bool:
    return (getattr(stream, "encoding", None) or "").lower().replace("-", "") == "utf8"


class Step:
    """One named step: `tick` while it runs, then `done` or `failed` once."""

    def __init__(self, name: str, *, number: int, total: int, stream: TextIO | None = None) -> None:
        """Begin the step called `name`, the `number`th of `total`, and show it."""
        self._stream = stream if stream is not None else sys.stderr
        self._live = self._stream.isatty()
        self._spinner = _SPINNER if _speaks_unicode(self._stream) else _ASCII_SPINNER
        self._label = f"[{number}/{total}] {name}"
        self._begun = time.monotonic()
        self._drawn = 0.0 if self._live else self._begun
        self._frame = 0
        if not self._live:
            self._write(f"{self._label} ...\n")

    def tick(self, note: str = "") -> None:
        """Redraw the line; `note` is a few words on what happens inside the step."""
        now = time.monotonic()
        if now - self._drawn < (_REDRAW_S if self._live else _STEP_LINE_S):
            return
        self._drawn = now
        if not self._live:
            self._write(f"{self._label} ... {seconds(now - self._begun)}  {note}".rstrip()[:100] + "\n")
            return
        self._frame = (self._frame + 1) % len(self._spinner)
        tail = f"  {note}"[:60] if note else ""
        self._write(f"\r\x1b[K{self._label} {self._spinner[self._frame]} {seconds(now - self._begun)}{tail}")

    def done(self, note: str = "") -> None:
        """End the step well."""
        self._end("done", note)

    def failed(self, note: str = "") -> None:
        """End the step badly."""
        self._end("FAILED", note)

    def _end(self, word: str, note: str) -> None:
        took = seconds(time.monotonic() - self._begun)
        tail = f" ({note})" if note else ""
        start = "\r\x1b[K" if self._live else ""
        self._write(f"{start}{self._label:<44} {word:<6} {took:>9}{tail}\n")

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()


class Bar:
    """A progress bar over a known number of things, with the rate so far and the time that is left."""

    def __init__(self, name: str, total: int, *, unit: str, stream: TextIO | None = None) -> None:
        """Show a bar called `name` that ends at `total` things called `unit`."""
        self._stream = stream if stream is not None else sys.stderr
        self._live = self._stream.isatty()
        full, empty = ("█", "░") if _speaks_unicode(self._stream) else ("#", ".")
        self._full, self._empty = full, empty
        self._name, self._total, self._unit = name, total, unit
        self._begun = time.monotonic()
        self._shown = self._begun
        self._count = 0

    def advance(self, count: int) -> None:
        """Count `count` more things as done, and redraw if it is time to."""
        self._count += count
        now = time.monotonic()
        if now - self._shown < (_REDRAW_S if self._live else _PLAIN_LINE_S):
            return
        self._shown = now
        start, end = ("\r\x1b[K", "") if self._live else ("", "\n")
        self._stream.write(f"{start}{self._line(now)}{end}")
        self._stream.flush()

    def finish(self) -> float:
        """End the bar with its last line, and return the seconds since it began."""
        now = time.monotonic()
        start = "\r\x1b[K" if self._live else ""
        self._stream.write(f"{start}{self._line(now)}\n")
        self._stream.flush()
        return now - self._begun

    def _line(self, now: float) -> str:
        took = max(now - self._begun, 1e-9)
        rate = self._count / took
        share = min(self._count / self._total, 1.0) if self._total else 1.0
        cells = int(share * _BAR_CELLS)
        bar = self._full * cells + self._empty * (_BAR_CELLS - cells)
        counts = f"{self._count:>9,} / {self._total:,} {self._unit}"
        left = f"{seconds((self._total - self._count) / rate)} left" if rate and share < 1.0 else f"in {seconds(took)}"
        return f"{self._name:<10} {bar} {share:>4.0%} {counts}  {rate:,.0f}/s  {left}"
