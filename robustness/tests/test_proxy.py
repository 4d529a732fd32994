"""The proxy does to a connection what a network would, and never changes or reorders a byte."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import random
import socket
import socketserver
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from robustness.proxy.control import LinkProxy
from robustness.proxy.rules import Rule
from robustness.undo import Undo

HOST = "127.77.4.1"
"""An address of its own: nobody else takes the port between its choice and its use."""


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


class _Echo(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        with contextlib.suppress(OSError):
            while data := self.request.recv(1 << 16):
                self.request.sendall(data)


async def _close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()


@pytest.fixture(scope="module")
def undo() -> Iterator[Undo]:
    with Undo() as made:
        yield made


@pytest.fixture
def link(undo: Undo) -> Iterator[tuple[LinkProxy, int]]:
    """A proxy in front of an echo, and its port."""
    port = _free_port()
    with (
        tempfile.TemporaryDirectory() as directory,
        socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Echo) as echo,
    ):
        threading.Thread(target=echo.serve_forever, args=(0.05,)).start()
        proxy = LinkProxy(f"{HOST}:{port}", f"127.0.0.1:{echo.server_address[1]}", Path(directory) / "c", undo)
        proxy.start()
        yield proxy, port
        proxy.stop()
        echo.shutdown()


async def _round_trip(port: int, data: bytes = b"x") -> float:
    reader, writer = await asyncio.open_connection(HOST, port)
    begun_s = time.monotonic()
    writer.write(data)
    assert await reader.readexactly(len(data)) == data
    took_s = time.monotonic() - begun_s
    await _close(writer)
    return took_s


async def test_bytes_pass_unchanged_and_in_order(link: tuple[LinkProxy, int]) -> None:
    proxy, port = link
    proxy.set(Rule(delay_ms=5, jitter_ms=20, loss=0.05))
    data = random.Random(1).randbytes(3_000_000)
    reader, writer = await asyncio.open_connection(HOST, port)

    async def send() -> None:
        for start in range(0, len(data), 10_000):
            writer.write(data[start : start + 10_000])
            await writer.drain()
        writer.write_eof()

    async with asyncio.timeout(40):
        _, received = await asyncio.gather(send(), reader.read())
    assert hashlib.sha256(received).digest() == hashlib.sha256(data).digest()
    await _close(writer)


async def test_a_delay_is_paid_both_ways(link: tuple[LinkProxy, int]) -> None:
    proxy, port = link
    assert await _round_trip(port) < 0.1
    proxy.set(Rule(delay_ms=150))
    assert 0.3 <= await _round_trip(port) < 0.6


async def test_bandwidth_is_limited(link: tuple[LinkProxy, int]) -> None:
    proxy, port = link
    proxy.set(Rule(bytes_per_s=200_000))
    assert 0.45 <= await _round_trip(port, b"x" * 50_000) < 1.5


async def test_a_stall_passes_nothing_until_it_ends(link: tuple[LinkProxy, int]) -> None:
    proxy, port = link
    reader, writer = await asyncio.open_connection(HOST, port)
    writer.write(b"a")
    assert await reader.readexactly(1) == b"a"
    proxy.set(Rule(stalled=True))
    writer.write(b"b")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.3):
            await reader.read(1)
    proxy.clear()
    async with asyncio.timeout(2):
        assert await reader.readexactly(1) == b"b"
    await _close(writer)


async def test_a_reset_ends_open_connections_and_lets_new_ones_in(link: tuple[LinkProxy, int]) -> None:
    proxy, port = link
    reader, writer = await asyncio.open_connection(HOST, port)
    writer.write(b"a")
    assert await reader.readexactly(1) == b"a"
    assert proxy.reset() == 1
    with pytest.raises(ConnectionResetError):
        async with asyncio.timeout(2):
            await reader.readexactly(1)
    await _close(writer)
    assert await _round_trip(port) < 0.2


async def test_a_refusal_hits_new_connections_of_that_source_only(link: tuple[LinkProxy, int]) -> None:
    proxy, port = link
    proxy.set(Rule(refused=True), source="127.0.0.1")
    reader, writer = await asyncio.open_connection(HOST, port)
    with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
        await reader.readexactly(1)
    await _close(writer)
    proxy.clear()
    proxy.set(Rule(refused=True), source="127.77.0.9")
    await _round_trip(port)


async def test_an_end_is_passed_on(link: tuple[LinkProxy, int]) -> None:
    proxy, port = link
    reader, writer = await asyncio.open_connection(HOST, port)
    writer.write(b"last words")
    writer.write_eof()
    assert await reader.read() == b"last words"
    await _close(writer)
    async with asyncio.timeout(2):
        while (await asyncio.to_thread(proxy.figures))["open"]:
            await asyncio.sleep(0.01)


async def test_a_reset_in_a_stall_leaves_nothing_open(link: tuple[LinkProxy, int]) -> None:
    proxy, port = link
    reader, writer = await asyncio.open_connection(HOST, port)
    writer.write(b"a")
    assert await reader.readexactly(1) == b"a"
    proxy.set(Rule(stalled=True))
    writer.write(b"b")
    waiting, waiting_writer = await asyncio.open_connection(HOST, port)
    async with asyncio.timeout(5):
        while (await asyncio.to_thread(proxy.figures))["open"] < 2:
            await asyncio.sleep(0.01)
        assert await asyncio.to_thread(proxy.reset) == 2
        while (await asyncio.to_thread(proxy.figures))["open"]:
            await asyncio.sleep(0.01)
    await _close(writer)
    await _close(waiting_writer)
    assert waiting.at_eof() or waiting.exception() is not None
