"""Structured logs: an event name and typed fields, `log.info("shard.opened", shard="shard_001", entries=12)`.

Events are constant texts (`noun.verb`) and everything that varies is a field, so events can be counted, searched and
limited. Underneath is the standard logging module, so that foreign libraries end in the same stream. A line is written
by the thread that logs it; that keeps the last lines before a crash, and is why hot paths log nothing and noisy events
go through `limited`.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
import time
import weakref
from collections.abc import Callable, Mapping
from typing import Final, Literal, TextIO, TypeAlias

from themis_server.observability.logformat import ConsoleFormatter, JsonFormatter

__all__ = ["LogHandler", "Logger", "configure", "get_logger", "write_suppressed"]

LogFormat: TypeAlias = Literal["auto", "console", "json"]
LogLevel: TypeAlias = Literal["debug", "info", "warning", "error"]

_OWN: Final = "themis_server"
_LEVELS: Final[dict[LogLevel, int]] = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
}


class _Limiter:
    """Lets `burst` records of an event through per interval and counts the others."""

    def __init__(self, name: str, burst: int, interval_s: float, monotonic_s: Callable[[], float]) -> None:
        if burst < 1 or interval_s <= 0:
            raise ValueError(f"a limit lets something through in some time: {burst} in {interval_s} s")
        self.name = name
        self._burst = burst
        self._interval_s = interval_s
        self._monotonic_s = monotonic_s
        self._lock = threading.Lock()
        # Event -> [end of its interval, records let through in it, records held back since the last one let through].
        self._windows: dict[str, list[float]] = {}

    def admit(self, event: str) -> int | None:
        """Return how many were held back since the last one that passed, or None when this one is held back too."""
        now = self._monotonic_s()
        with self._lock:
            window = self._windows.setdefault(event, [now + self._interval_s, 0, 0])
            if now >= window[0]:
                window[0], window[1] = now + self._interval_s, 0
            if window[1] >= self._burst:
                window[2] += 1
                return None
            window[1] += 1
            held_back, window[2] = int(window[2]), 0
            return held_back

    def take_held_back(self) -> dict[str, int]:
        """Return the number held back by event, and start again from 0."""
        with self._lock:
            held_back = {event: int(window[2]) for event, window in self._windows.items() if window[2]}
            for window in self._windows.values():
                window[2] = 0
            return held_back


_limiters: weakref.WeakSet[_Limiter] = weakref.WeakSet()


class Logger:
    """Logs events of one module; `bind` and `limited` return variations of it."""

    __slots__ = ("_bound", "_limiter", "_target")

    def __init__(
        self, target: logging.Logger, bound: Mapping[str, object] | None = None, limiter: _Limiter | None = None
    ) -> None:
        self._target = target
        self._bound = dict(bound or {})
        self._limiter = limiter

    def debug(self, event: str, /, *, exc: BaseException | None = None, **fields: object) -> None:
        """Log what helps while developing."""
        if self._target.isEnabledFor(logging.DEBUG):
            self._emit(logging.DEBUG, event, exc, fields)

    def info(self, event: str, /, *, exc: BaseException | None = None, **fields: object) -> None:
        """Log a step of normal life that an operator wants to find later."""
        if self._target.isEnabledFor(logging.INFO):
            self._emit(logging.INFO, event, exc, fields)

    def warning(self, event: str, /, *, exc: BaseException | None = None, **fields: object) -> None:
        """Log what works now and should be looked at."""
        if self._target.isEnabledFor(logging.WARNING):
            self._emit(logging.WARNING, event, exc, fields)

    def error(self, event: str, /, *, exc: BaseException | None = None, **fields: object) -> None:
        """Log what does not work."""
        if self._target.isEnabledFor(logging.ERROR):
            self._emit(logging.ERROR, event, exc, fields)

    def bind(self, **fields: object) -> Logger:
        """Return a logger that adds `fields` to every record."""
        return Logger(self._target, {**self._bound, **fields}, self._limiter)

    def limited(
        self, *, burst: int = 5, interval_s: float = 10.0, monotonic_s: Callable[[], float] = time.monotonic
    ) -> Logger:
        """Return a logger that writes at most `burst` records of each event in `interval_s`.

        The next one that is written says in `suppressed` how many were not.
        """
        limiter = _Limiter(self._target.name, burst, interval_s, monotonic_s)
        _limiters.add(limiter)
        return Logger(self._target, self._bound, limiter)

    def _emit(self, level: int, event: str, exc: BaseException | None, fields: dict[str, object]) -> None:
        if self._bound:
            fields = {**self._bound, **fields}
        if self._limiter is not None:
            held_back = self._limiter.admit(event)
            if held_back is None:
                return
            if held_back:
                fields["suppressed"] = held_back
        exc_info = None if exc is None else (type(exc), exc, exc.__traceback__)
        # Made here instead of by logging.Logger.info: that walks the stack for a file and line that no format shows.
        record = logging.LogRecord(self._target.name, level, "", 0, event, None, exc_info)
        record.fields = fields
        self._target.handle(record)


class LogHandler(logging.Handler):
    """Writes lines to a stream; a line that cannot be written is counted in `dropped` and never stops the node."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__()
        self.stream = stream
        self.dropped = 0

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record."""
        try:
            line = self.format(record)
        except Exception as failed:  # a foreign record whose arguments do not fit its message
            line = self.format(_unformattable(record, failed))
        try:
            self.stream.write(line + "\n")
            self.stream.flush()
        except (OSError, ValueError):  # ValueError: the stream is closed
            self.dropped += 1


def _unformattable(record: logging.LogRecord, failed: Exception) -> logging.LogRecord:
    replacement = logging.LogRecord(record.name, record.levelno, "", 0, "log.unformattable", None, None)
    replacement.fields = {"message": str(record.msg), "reason": repr(failed)}
    return replacement


def get_logger(name: str) -> Logger:
    """Return the logger of a module; `name` is its `__name__`."""
    return Logger(logging.getLogger(name))


def configure(*, format: LogFormat = "auto", level: LogLevel = "info", stream: TextIO | None = None) -> LogHandler:
    """Send all logs of the process to `stream` (standard error), replacing what was configured before.

    Args:
        format: `auto` is `console` on a terminal and `json` elsewhere.
        level: least severe level of our own events; foreign libraries never go below info.
        stream: where to write.
    """
    target = sys.stderr if stream is None else stream
    terminal = target.isatty()
    handler = LogHandler(target)
    if format == "json" or (format == "auto" and not terminal):
        handler.setFormatter(JsonFormatter())
    else:
        handler.setFormatter(ConsoleFormatter(colours=terminal and "NO_COLOR" not in os.environ))
    root = logging.getLogger()
    for old in [old for old in root.handlers if isinstance(old, LogHandler)]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(max(_LEVELS[level], logging.INFO))
    logging.getLogger(_OWN).setLevel(_LEVELS[level])
    logging.captureWarnings(True)
    # Process and thread names are in no format; not asking for them saves a third of a record's cost.
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    return handler


def write_suppressed() -> None:
    """Log how many records every limited logger still holds back; called once when the node stops."""
    for limiter in list(_limiters):
        for event, count in limiter.take_held_back().items():
            get_logger(limiter.name).warning("log.suppressed", suppressed_event=event, suppressed=count)
