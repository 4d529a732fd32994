"""The least an aiohttp server can do: answer every request with the same bytes.

Run as a program it is the server: `python -m benchmarks.peers.bare_aiohttp PORT BODY_FILE`.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path

import uvloop
from aiohttp import web

from benchmarks import servers
from tools import tree


@contextlib.contextmanager
def bare_aiohttp(body: bytes, scratch: Path) -> Iterator[servers.Running]:
    """Run it in a process of its own, with the interpreter and event loop that ThemisDB uses."""
    port = servers.free_port()
    file = scratch / "body.json"
    file.write_bytes(body)
    command = [str(tree.PYTHON), "-m", __name__, str(port), str(file)]
    with servers.running(command, port, servers.answers("/"), log=scratch / "bare.log") as server:
        yield server


async def _serve(port: int, body: bytes) -> None:
    async def handle(_request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(body=body, content_type="application/json")

    listener = await asyncio.get_running_loop().create_server(web.Server(handle), servers.HOST, port)
    await listener.serve_forever()


if __name__ == "__main__":
    with contextlib.suppress(asyncio.CancelledError), asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(int(sys.argv[1]), Path(sys.argv[2]).read_bytes()))
