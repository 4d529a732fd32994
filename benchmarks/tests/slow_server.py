"""A server that answers as bare aiohttp does and burns CPU first: `python -m benchmarks.tests.slow_server PORT US`."""

from __future__ import annotations

import asyncio
import sys
import time

import uvloop
from aiohttp import web

from benchmarks import servers


async def serve(port: int, burn_us: int) -> None:
    """Serve until the process is ended."""

    async def handle(_request: web.BaseRequest) -> web.StreamResponse:
        end_s = time.thread_time() + burn_us / 1e6
        while time.thread_time() < end_s:
            pass
        return web.Response(body=b"{}", content_type="application/json")

    listener = await asyncio.get_running_loop().create_server(web.Server(handle), servers.HOST, port)
    await listener.serve_forever()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(int(sys.argv[1]), int(sys.argv[2])))
