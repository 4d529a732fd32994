"""A log record as one line: JSON for machines, key=value for people."""

from __future__ import annotations

import json
import logging
import time
from typing import Final

import orjson

from themis_server.observability.redaction import redact_fields, redact_text

__all__ = ["ConsoleFormatter", "JsonFormatter"]

_LEVELS: Final = {
    logging.DEBUG: "debug",
    logging.INFO: "info",
    logging.WARNING: "warning",
    logging.ERROR: "error",
    logging.CRITICAL: "critical",
}
_COLOURS: Final = {"debug": "\x1b[2m", "info": "\x1b[32m", "warning": "\x1b[33m", "error": "\x1b[31m"}
_RESET: Final = "\x1b[0m"
_OWN_PREFIX: Final = "themis_server."
_TAKEN: Final = frozenset({"time", "level", "logger", "event", "exception"})
_TRACEBACK_LENGTH_MAX: Final = 65_536
_NEEDS_QUOTES: Final = frozenset(' "=\\')


class _EventFormatter(logging.Formatter):
    """What both formats share: the parts of a record, without secrets."""

    def _message(self, record: logging.LogRecord) -> str:
        """Return the event; a foreign record's message is formatted and searched for secrets."""
        return record.msg if hasattr(record, "fields") else redact_text(record.getMessage())

    def _fields(self, record: logging.LogRecord) -> dict[str, object]:
        return redact_fields(getattr(record, "fields", {}))

    def _exception(self, record: logging.LogRecord) -> str | None:
        if record.exc_info is None or record.exc_info[0] is None:
            return None
        return redact_text(self.formatException(record.exc_info), _TRACEBACK_LENGTH_MAX)

    def _time(self, record: logging.LogRecord, pattern: str) -> str:
        whole, milliseconds = divmod(round(record.created * 1000), 1000)
        return f"{time.strftime(pattern, time.gmtime(whole))}.{milliseconds:03d}Z"


class JsonFormatter(_EventFormatter):
    """One JSON object a line: time (RFC 3339, UTC), level, logger, event, the fields, exception."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line without its end."""
        line: dict[str, object] = {
            "time": self._time(record, "%Y-%m-%dT%H:%M:%S"),
            "level": _LEVELS.get(record.levelno, "info"),
            "logger": record.name,
            "event": self._message(record),
        }
        for name, value in self._fields(record).items():
            line[f"{name}_" if name in _TAKEN else name] = value
        exception = self._exception(record)
        if exception is not None:
            line["exception"] = exception
        try:
            return orjson.dumps(line).decode()
        except TypeError:
            # Integers beyond 64 bits and lone surrogates: rare, so the slower encoder that takes them may do it.
            return json.dumps(line)


class ConsoleFormatter(_EventFormatter):
    """`time level event key=value ... (logger)`, tracebacks below, coloured on a terminal."""

    def __init__(self, *, colours: bool = False) -> None:
        super().__init__()
        self._colours = colours

    def format(self, record: logging.LogRecord) -> str:
        """Return the line without its end; more than one line only for a traceback."""
        level = _LEVELS.get(record.levelno, "info")
        shown = f"{level.upper():<7}"
        if self._colours:
            shown = f"{_COLOURS.get(level, '')}{shown}{_RESET}"
        parts = [self._time(record, "%H:%M:%S"), shown, _plain(self._message(record))]
        parts += [f"{name}={_quoted(value)}" for name, value in self._fields(record).items()]
        parts.append(f"({record.name.removeprefix(_OWN_PREFIX)})")
        line = " ".join(parts)
        exception = self._exception(record)
        if exception is None:
            return line
        return line + "\n" + "\n".join(f"    {_plain(part)}" for part in exception.split("\n"))


def _plain(text: str) -> str:
    # A line break or an escape sequence in a message could forge a line or drive the reader's terminal.
    return text if text.isprintable() else json.dumps(text)[1:-1]


def _quoted(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return "null"
    text = value if isinstance(value, str) else json.dumps(value) if isinstance(value, dict | list) else str(value)
    if isinstance(value, str) and (not text or not _NEEDS_QUOTES.isdisjoint(text) or not text.isprintable()):
        return json.dumps(text, ensure_ascii=not text.isprintable())
    return text
