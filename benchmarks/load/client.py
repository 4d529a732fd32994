"""A client under measurement, in a process of its own: `python -m benchmarks.load.client KIND PORT SECONDS STORED`.

All kinds do the same: read documents, one after another on each of their lines, and decode them. CPU time is the whole
process's, taken after the imports, the connections and a short warm-up.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import httpx

from benchmarks.load.documents import uuids
from benchmarks.load.requests import entity_path
from themis import AsyncThemisClient, ThemisClient

_LINES = 16
_WARM_UP_S = 0.3
_CHECK_EVERY = 16

_NAMESPACE = "bench"
_COLLECTION = "people"


class _Meter:
    """Counts requests in the time that is measured."""

    def __init__(self, duration_s: float) -> None:
        now_s = time.monotonic()
        self.warm_until_s = now_s + _WARM_UP_S
        self.end_s = self.warm_until_s + duration_s
        self.requests = 0
        self.cpu_since_s = 0.0

    def goes_on(self) -> bool:
        """Whether there is time left; starts to count when the warm-up is over."""
        now_s = time.monotonic()
        if not self.cpu_since_s and now_s >= self.warm_until_s:
            self.requests, self.cpu_since_s = 0, time.process_time()
        return now_s < self.end_s

    def told(self) -> str:
        """The result as JSON."""
        return json.dumps({"requests": self.requests, "cpu_s": time.process_time() - self.cpu_since_s})


def _check(document: Any) -> None:
    if document["tags"] != ["alpha", "beta"]:
        raise ValueError(f"not the document that was stored: {document}")


def _measure_sync(meter: _Meter, keys: Iterator[str], get: Callable[[str], Any]) -> None:
    while meter.goes_on():
        for key in itertools.islice(keys, _CHECK_EVERY):
            _check(get(key))
        meter.requests += _CHECK_EVERY


async def _measure_async(meter: _Meter, keys: Iterator[str], get: Callable[[str], Awaitable[Any]]) -> None:
    async def line() -> None:
        while meter.goes_on():
            for key in itertools.islice(keys, _CHECK_EVERY):
                _check(await get(key))
                meter.requests += 1

    async with asyncio.TaskGroup() as lines:
        for _ in range(_LINES):
            lines.create_task(line())


def _themis(meter: _Meter, keys: Iterator[str], url: str) -> None:
    with ThemisClient([url], namespace=_NAMESPACE) as client:
        _measure_sync(meter, keys, lambda key: client.get("document", _COLLECTION, key))


def _httpx(meter: _Meter, keys: Iterator[str], url: str) -> None:
    with httpx.Client(base_url=url) as client:
        _measure_sync(meter, keys, lambda key: client.get(entity_path(key)).raise_for_status().json())


async def _themis_async(meter: _Meter, keys: Iterator[str], url: str) -> None:
    async with AsyncThemisClient([url], namespace=_NAMESPACE) as client:
        await _measure_async(meter, keys, lambda key: client.get("document", _COLLECTION, key))


async def _httpx_async(meter: _Meter, keys: Iterator[str], url: str) -> None:
    async with httpx.AsyncClient(base_url=url) as client:

        async def get(key: str) -> Any:
            return (await client.get(entity_path(key))).raise_for_status().json()

        await _measure_async(meter, keys, get)


def main(kind: str, port: str, duration_s: str, stored: str) -> None:
    """Run one kind of client and print what it came to."""
    keys = itertools.cycle(uuids(int(stored)))
    meter = _Meter(float(duration_s))
    url = f"http://127.0.0.1:{port}"
    if kind == "themis":
        _themis(meter, keys, url)
    elif kind == "httpx":
        _httpx(meter, keys, url)
    elif kind == "themis-async":
        asyncio.run(_themis_async(meter, keys, url))
    elif kind == "httpx-async":
        asyncio.run(_httpx_async(meter, keys, url))
    else:
        raise SystemExit(f"no client is called {kind}")
    print(meter.told())


if __name__ == "__main__":
    main(*sys.argv[1:])
