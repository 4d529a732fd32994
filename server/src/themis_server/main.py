"""Run a node in the foreground until it is told to stop."""

from __future__ import annotations

import asyncio
import gc
import signal
from contextlib import suppress

import uvloop

from themis_server.config import Config, warnings
from themis_server.node import Node
from themis_server.observability import log

_log = log.get_logger(__name__)

# A request makes few objects that refer to one another; the default of 700 would run the collector every 20 requests.
_GC_THRESHOLDS = (20_000, 20, 50)


def run(config: Config) -> int:
    """Serve until SIGTERM or SIGINT, then stop cleanly and return 0; 1 if the cluster has dismissed the node.

    Raises `StartRefusedError` if the node cannot start.
    """
    handler = log.configure(format=config.log.format, level=config.log.level)
    for warning in warnings(config):
        _log.warning("config.warning", warning=warning)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        dismissed = runner.run(_serve(config, handler))
    log.write_suppressed()
    return 1 if dismissed else 0


async def _serve(config: Config, handler: log.LogHandler) -> bool:
    """Return whether the cluster has dismissed the node."""
    told_to_stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told_to_stop.set)
    node = Node(config)
    node.watch_log(handler)
    if not await _started(node, told_to_stop):
        return False
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_GC_THRESHOLDS)
    ends = [asyncio.ensure_future(event.wait()) for event in (told_to_stop, node.dismissed)]
    await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
    for end in ends:
        end.cancel()
    await node.stop()
    return node.dismissed.is_set()


async def _started(node: Node, told_to_stop: asyncio.Event) -> bool:
    """Start a node; False if it was told to stop before it was there. To join may take as long as a cluster is away."""
    starting = asyncio.ensure_future(node.start())
    told = asyncio.ensure_future(told_to_stop.wait())
    await asyncio.wait({starting, told}, return_when=asyncio.FIRST_COMPLETED)
    told.cancel()
    if not starting.done():
        starting.cancel()
        with suppress(asyncio.CancelledError):
            await starting
        _log.info("node.start.ended", why="the node was told to stop")
        return False
    await starting
    return True
