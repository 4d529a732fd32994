"""How many requests a client gets out of one second of its own CPU: this SDK beside plain httpx, in one run.

    python clients/python/bench/requests_per_cpu_second.py [--seconds 3] [--json]

A plain aiohttp server in a process of its own answers a document of 200 bytes with the headers that a node sends. What
is measured is `time.process_time()` of the client: the server's speed does not matter as long as it keeps up.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import platform
import time
from collections.abc import Awaitable, Callable
from multiprocessing.connection import Connection
from typing import Any
from uuid import uuid4

import httpx
from aiohttp import web

from themis import AsyncThemisClient, ThemisClient, Urn

_BODY = json.dumps({"name": "x" * 187}).encode()
_HEADERS = {
    "Content-Type": "application/json",
    "ETag": '"347839217664000"',
    "Cache-Control": "private, no-cache",
    "Themis-Role": "leader",
    "Themis-Lag-Ms": "0",
    "Themis-Topology-Epoch": "1",
}


def serve(pipe: Connection) -> None:
    """The server's process."""

    async def main() -> None:
        async def topology(_: web.BaseRequest) -> dict[str, Any]:
            node = {"node_id": "n", "endpoint": url, "datacenter": "d", "rack": "r", "state": "up", "version": "0"}
            shard = {"shard_id": "shard_001", "leader": "n", "replicas": [{"node_id": "n", "role": "voter"}]}
            return {"epoch": 1, "nodes": [node], "shards": [shard], "tokens": [["0" * 16, "shard_001"]]}

        async def answer(request: web.BaseRequest) -> web.Response:
            if request.path == "/topology":
                return web.json_response(await topology(request))
            if request.method == "PUT":
                await request.read()
                return web.Response(body=b'{"urn":"u","version":347839217664000}', headers=_HEADERS)
            request_id = request.headers.get("X-Request-Id", "1")
            return web.Response(body=_BODY, headers={**_HEADERS, "X-Request-Id": request_id})

        server = await asyncio.get_running_loop().create_server(web.Server(answer), "127.0.0.1", 0)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        pipe.send(url)
        await server.serve_forever()

    asyncio.run(main())


def measure(one: Callable[[], Any], seconds: float) -> float:
    """Requests per CPU-second of a sync call."""
    for _ in range(50):
        one()
    count, end, cpu = 0, time.monotonic() + seconds, time.process_time()
    while time.monotonic() < end:
        one()
        count += 1
    return count / (time.process_time() - cpu)


async def measure_async(one: Callable[[], Awaitable[Any]], concurrency: int, seconds: float) -> float:
    """Requests per CPU-second of an async call in `concurrency` tasks."""
    for _ in range(50):
        await one()
    end = time.monotonic() + seconds
    cpu = time.process_time()

    async def work() -> int:
        count = 0
        while time.monotonic() < end:
            await one()
            count += 1
        return count

    counts = await asyncio.gather(*(work() for _ in range(concurrency)))
    return sum(counts) / (time.process_time() - cpu)


def run(url: str, seconds: float) -> dict[str, float]:
    """All measurements."""
    uuid = str(uuid4())
    target = f"{url}/entity/{Urn('document', 'default', 'users', uuid).quoted()}"
    results: dict[str, float] = {}
    with httpx.Client() as plain:
        results["sync GET httpx.Client"] = measure(lambda: plain.get(target).json(), seconds)
    with ThemisClient([url]) as client:
        results["sync GET themis"] = measure(lambda: client.get("document", "users", uuid), seconds)
        results["sync PUT themis"] = measure(lambda: client.put("document", "users", uuid, {"a": 1}), seconds)
    with ThemisClient([url], transport=httpx.HTTPTransport()) as client:
        results["sync GET themis over httpx.HTTPTransport"] = measure(
            lambda: client.get("document", "users", uuid), seconds
        )

    async def concurrent() -> None:
        for concurrency in (1, 16, 64):
            async with httpx.AsyncClient() as plain:

                async def get(session: httpx.AsyncClient = plain) -> Any:
                    return (await session.get(target)).json()

                results[f"async c={concurrency} GET httpx.AsyncClient"] = await measure_async(get, concurrency, seconds)
            async with AsyncThemisClient([url]) as client:

                async def read(client: AsyncThemisClient = client) -> Any:
                    return await client.get("document", "users", uuid)

                results[f"async c={concurrency} GET themis"] = await measure_async(read, concurrency, seconds)

    asyncio.run(concurrent())
    return results


def main() -> None:
    """Start the server, measure, print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=float, default=3.0, help="per measurement")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    arguments = parser.parse_args()
    here, there = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(target=serve, args=(there,), daemon=True)
    server.start()
    try:
        results = run(here.recv(), arguments.seconds)
    finally:
        server.terminate()
        server.join()
    ratios = {
        "sync": results["sync GET themis"] / results["sync GET httpx.Client"],
        **{
            f"async c={c}": results[f"async c={c} GET themis"] / results[f"async c={c} GET httpx.AsyncClient"]
            for c in (1, 16, 64)
        },
    }
    if arguments.json:
        print(json.dumps({"python": platform.python_version(), "requests_per_cpu_second": results, "ratios": ratios}))
        return
    for name, value in results.items():
        print(f"{name:50} {value:10,.0f} requests per CPU-second")
    for name, value in ratios.items():
        print(f"{name:50} {value:10.1f} times plain httpx")


if __name__ == "__main__":
    main()
