from __future__ import annotations

import asyncio
import io
import time

import pytest

from themis_server.observability.log import configure
from themis_server.observability.looplag import LoopLagMonitor, Periodic
from themis_server.observability.metrics import Histogram, Kind, MetricSpec

LAG = MetricSpec("lag_seconds", Kind.HISTOGRAM, "Lag.", (), (0.01, 0.05, 1.0))


async def test_a_periodic_call_repeats_until_stopped() -> None:
    calls = 0
    thrice = asyncio.Event()

    def call() -> None:
        nonlocal calls
        calls += 1
        if calls == 3:
            thrice.set()

    periodic = Periodic("test", 0.001, call)
    periodic.start()
    await asyncio.wait_for(thrice.wait(), 10)
    await periodic.stop()
    await periodic.stop()

    assert calls >= 3
    assert not [task for task in asyncio.all_tasks() if task.get_name() == "test"]


async def test_a_call_that_fails_is_logged_and_the_next_one_comes(stream: io.StringIO) -> None:
    configure(format="json", stream=stream)
    calls = 0
    again = asyncio.Event()

    def call() -> None:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise RuntimeError("figure is broken")
        again.set()

    periodic = Periodic("test", 0.001, call)
    periodic.start()
    await asyncio.wait_for(again.wait(), 10)
    await periodic.stop()

    assert stream.getvalue().count('"event":"periodic.failed"') == 1
    assert "figure is broken" in stream.getvalue()


async def test_it_starts_once() -> None:
    periodic = Periodic("test", 60, lambda: None)
    periodic.start()

    with pytest.raises(RuntimeError, match="runs already"):
        periodic.start()

    await periodic.stop()


async def test_a_blocked_loop_shows_as_lag() -> None:
    histogram = Histogram(LAG)
    monitor = LoopLagMonitor(histogram, interval_s=0.001)
    monitor.start()

    # The one place where blocking the loop is the subject: until the monitor has seen 50 ms of it.
    deadline_s = time.monotonic() + 10
    while histogram.snapshot().counts[2] == 0 and time.monotonic() < deadline_s:
        busy_until_s = time.monotonic() + 0.1
        while time.monotonic() < busy_until_s:
            pass
        await asyncio.sleep(0)
    await monitor.stop()

    assert histogram.snapshot().counts[2] >= 1
