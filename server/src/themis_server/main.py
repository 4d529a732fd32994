"""Run a node in the foreground until it is told to stop."""

from __future__ import annotations

import asyncio
import gc
import signal

import uvloop

from themis_server.config import Config, warnings
from themis_server.node import Node
from themis_server.observability import log

_log = log.get_logger(__name__)

# A request makes few objects that refer to one another; the default of 700 would run the collector every 20 requests.
_GC_THRESHOLDS = (20_000, 20, 50)


def run(config: Config) -> int:
    """Serve until SIGTERM or SIGINT, then stop cleanly and return 0.

    Raises `StartRefusedError` if the node cannot start.
    """
    handler = log.configure(format=config.log.format, level=config.log.level)
    for warning in warnings(config):
        _log.warning("config.warning", warning=warning)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(config, handler))
    log.write_suppressed()
    return 0


async def _serve(config: Config, handler: log.LogHandler) -> None:
    told_to_stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told_to_stop.set)
    node = Node(config)
    node.watch_log(handler)
    await node.start()
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_GC_THRESHOLDS)
    await told_to_stop.wait()
    await node.stop()
