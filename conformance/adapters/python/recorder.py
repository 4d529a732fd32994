"""Hooks that remember what they were told, and hooks that fail."""

from __future__ import annotations

import threading
from typing import Any

import wire

import themis
from themis import Hooks

JSON = dict[str, Any]


class Recorder(Hooks):
    """What hooks were told since somebody asked."""

    def __init__(self) -> None:
        self._events: list[JSON] = []
        self._lock = threading.Lock()

    def take(self) -> list[JSON]:
        """All events since the last time."""
        with self._lock:
            taken, self._events = self._events, []
        return taken

    def _add(self, event: JSON) -> None:
        with self._lock:
            self._events.append(event)

    def on_request_start(self, start: themis.RequestStart) -> None:
        """Record."""
        self._add({"event": "start", "operation": start.operation, "method": start.method, "target": start.target,
                   "request_id": start.request_id})  # fmt: skip

    def on_request_retry(self, retry: themis.RequestRetry) -> None:
        """Record."""
        self._add({"event": "retry", "operation": retry.operation, "request_id": retry.request_id,
                   "endpoint": retry.endpoint, "attempt": retry.attempt, "reason": retry.reason,
                   "status": retry.status, "wait_ms": round(retry.wait_s * 1000)})  # fmt: skip

    def on_request_end(self, end: themis.RequestEnd) -> None:
        """Record."""
        self._add({"event": "end", "operation": end.operation, "request_id": end.request_id, "endpoint": end.endpoint,
                   "attempts": end.attempts, "status": end.status, "duration_ms": round(end.duration_s * 1000),
                   "error": None if end.error is None else wire.canonical_name(end.error)})  # fmt: skip


class FailingHooks(Hooks):
    """Hooks with a mistake in them."""

    def on_request_start(self, start: themis.RequestStart) -> None:
        """Fail."""
        raise RuntimeError("a hook that fails")

    def on_request_retry(self, retry: themis.RequestRetry) -> None:
        """Fail."""
        raise RuntimeError("a hook that fails")

    def on_request_end(self, end: themis.RequestEnd) -> None:
        """Fail."""
        raise RuntimeError("a hook that fails")
