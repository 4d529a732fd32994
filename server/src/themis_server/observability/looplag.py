"""Tasks that look at the node from inside the event loop: how late is it, and what did the last seconds bring."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from themis_server.observability.log import get_logger
from themis_server.observability.metrics import Histogram

__all__ = ["LoopLagMonitor", "Periodic"]

_log = get_logger(__name__).limited(burst=3, interval_s=60.0)

LAG_INTERVAL_S: Final = 0.25


class Periodic:
    """Calls a function on the event loop every `interval_s` seconds until stopped.

    A call that raises is logged and counted as done: a broken figure must not end the others. Late calls are not made
    up for.
    """

    def __init__(self, name: str, interval_s: float, call: Callable[[], None]) -> None:
        self._name = name
        self._interval_s = interval_s
        self._call = call
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin, on the running loop."""
        if self._task is not None:
            raise RuntimeError(f"{self._name} runs already")
        self._task = asyncio.get_running_loop().create_task(self._run(), name=self._name)

    async def stop(self) -> None:
        """End and wait for the end; harmless when it does not run."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait([task])

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(self._interval_s)
            try:
                self._call()
            except Exception as failed:
                _log.error("periodic.failed", task=self._name, exc=failed)


class LoopLagMonitor:
    """Measures how late the loop wakes a timer; whoever blocks the loop shows up here."""

    def __init__(self, lag_seconds: Histogram, *, interval_s: float = LAG_INTERVAL_S) -> None:
        self._lag_seconds = lag_seconds
        self._interval_s = interval_s
        self._due_s = 0.0
        self._periodic = Periodic("loop-lag", interval_s, self._measure)

    def start(self) -> None:
        """Begin, on the running loop."""
        self._due_s = asyncio.get_running_loop().time() + self._interval_s
        self._periodic.start()

    async def stop(self) -> None:
        """End and wait for the end."""
        await self._periodic.stop()

    def _measure(self) -> None:
        now_s = asyncio.get_running_loop().time()
        self._lag_seconds.observe(max(0.0, now_s - self._due_s))
        self._due_s = now_s + self._interval_s
