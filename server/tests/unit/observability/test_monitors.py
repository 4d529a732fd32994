from __future__ import annotations

import asyncio
import gc

from themis_server.clock import SystemClock
from themis_server.observability.instruments import Instruments
from themis_server.observability.monitors import Monitors


async def test_monitors_start_and_stop_as_one() -> None:
    instruments = Instruments("0.1.0")
    monitors = Monitors(instruments, SystemClock())
    tasks, callbacks = asyncio.all_tasks(), list(gc.callbacks)

    monitors.start()
    assert len(asyncio.all_tasks() - tasks) == 2
    gc.collect()
    await monitors.stop()

    assert asyncio.all_tasks() == tasks
    assert gc.callbacks == callbacks
    assert instruments.gc_pause_seconds.snapshot().count >= 1
    assert monitors.series.samples() == ()


async def test_monitors_that_never_started_stop_too() -> None:
    await Monitors(Instruments("0.1.0"), SystemClock()).stop()
