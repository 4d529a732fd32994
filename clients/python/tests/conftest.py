"""Fixtures: the scripted server, and `connect`, which makes a client of either kind behind one blocking surface."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from clients.python.tests.scripted_server import ScriptedServer
from themis import AsyncThemisClient, ThemisClient

Connect = Callable[..., Any]


class Blocking:
    """An AsyncThemisClient on an event loop of its own, with the methods of a ThemisClient."""

    def __init__(self, loop: asyncio.AbstractEventLoop, *args: Any, **options: Any) -> None:
        self._loop = loop
        self.inner = AsyncThemisClient(*args, **options)

    def _await(self, awaitable: Any) -> Any:
        async def wait() -> Any:
            return await awaitable

        return asyncio.run_coroutine_threadsafe(wait(), self._loop).result(60)

    def iterate(self, *args: Any, **options: Any) -> Iterator[Any]:
        iterator = self.inner.iterate(*args, **options)
        while True:
            try:
                yield self._await(iterator.__anext__())
            except StopAsyncIteration:
                return

    def close(self) -> None:
        self._await(self.inner.aclose())

    def __getattr__(self, name: str) -> Any:
        method = getattr(self.inner, name)
        return lambda *args, **options: self._await(method(*args, **options)) if callable(method) else method


@pytest.fixture(scope="session")
def event_loop_thread() -> Iterator[asyncio.AbstractEventLoop]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    yield loop
    loop.call_soon_threadsafe(loop.stop)
    thread.join(10)
    loop.close()


@pytest.fixture(params=["sync", "async"])
def kind(request: pytest.FixtureRequest) -> str:
    """Every test that takes it (or `connect`) runs once with each client."""
    return str(request.param)


@pytest.fixture
def connect(kind: str, event_loop_thread: asyncio.AbstractEventLoop) -> Iterator[Connect]:
    """connect(endpoints, **options) makes a client; all of them are closed at the end."""
    clients: list[Any] = []

    def make(*args: Any, **options: Any) -> Any:
        client = ThemisClient(*args, **options) if kind == "sync" else Blocking(event_loop_thread, *args, **options)
        clients.append(client)
        return client

    yield make
    for client in clients:
        client.close()


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    """One node."""
    with ScriptedServer() as scripted:
        yield scripted


@pytest.fixture
def cluster() -> Iterator[ScriptedServer]:
    """Three nodes, twelve shards."""
    with ScriptedServer(3, shards=12) as scripted:
        yield scripted
