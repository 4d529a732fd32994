"""A paced load sends what is due whatever the server does, and charges the server for making it wait."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from benchmarks import servers
from benchmarks.load import mixed, paced, requests
from benchmarks.load.paced import Aim, Plan, Stream, quantile

_OK = b"HTTP/1.1 200 OK\r\nThemis-Lag-Ms: 7\r\nContent-Length: 2\r\n\r\n{}"
_BUSY = b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"

_Reply = Callable[[int], Awaitable[bytes]]


@asynccontextmanager
async def serving(reply: _Reply) -> AsyncIterator[int]:
    """Answer each request with what `reply` makes of its number."""
    count = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal count
        try:
            while True:
                await reader.readuntil(b"\r\n\r\n")
                count += 1
                answer = await reply(count)
                writer.write(answer[:20])  # in two pieces, as a network may bring it
                await writer.drain()
                writer.write(answer[20:])
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, servers.HOST, 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


async def always(answer: bytes) -> bytes:
    return answer


def plan(tmp_path: Path, port: int, rate: float = 200.0, duration_s: float = 0.5) -> Plan:
    file = requests.write_file(tmp_path / "get.requests", [requests.get("/a"), requests.get("/b")])
    return Plan(rate, duration_s, 1, [Stream("read", 1.0, [Aim(servers.HOST, port, str(file))])])


async def test_every_request_that_is_due_is_sent_and_its_answer_read(tmp_path: Path) -> None:
    async with serving(lambda _number: always(_OK)) as port:
        account = await paced.send(plan(tmp_path, port))

    assert account.requests == 100
    assert account.failed == {}
    assert len(account.stream("read").latencies_ms) == 100
    assert account.stream("read").lags_ms == [7.0] * 100


async def test_a_server_that_stands_still_is_charged_for_all_that_waited(tmp_path: Path) -> None:
    still = asyncio.Event()

    async def reply(number: int) -> bytes:
        if number == 1:
            asyncio.get_running_loop().call_later(0.4, still.set)
        await still.wait()
        return _OK

    async with serving(reply) as port:
        account = await paced.send(plan(tmp_path, port))

    assert account.failed == {}
    assert account.latency_ms(0.99) > 350
    assert account.latency_ms(0.5) > 50, "a closed loop would have one slow request, and all others fast"


async def test_an_error_is_no_fast_answer(tmp_path: Path) -> None:
    async with serving(lambda number: always(_BUSY if number % 2 else _OK)) as port:
        account = await paced.send(plan(tmp_path, port))

    assert account.failed == {"503": 50}
    assert len(account.stream("read").latencies_ms) == 50


async def test_nobody_there_is_no_fast_answer_either(tmp_path: Path) -> None:
    account = await paced.send(plan(tmp_path, servers.free_port(), duration_s=0.1))

    assert account.failed == {"connect": 20}
    assert account.latency_ms(0.99) == float("inf")


async def test_an_answer_that_never_comes_is_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paced, "_DRAIN_S", 0.1)

    over = asyncio.Event()

    async def never(_number: int) -> bytes:
        await over.wait()
        return _OK

    async with serving(never) as port:
        account = await paced.send(plan(tmp_path, port, duration_s=0.1))
        over.set()
        await asyncio.sleep(0.05)  # its connections end

    assert account.failed == {"unanswered": 20}


async def test_the_warm_up_is_sent_and_not_counted(tmp_path: Path) -> None:
    seen = 0

    async def reply(number: int) -> bytes:
        nonlocal seen
        seen = number
        return _OK

    async with serving(reply) as port:
        asked = plan(tmp_path, port)
        account = await paced.send(Plan(asked.rate_per_s, asked.duration_s, 1, asked.streams, warm_up_s=0.25))

    assert seen == 150
    assert account.requests == len(account.stream("read").latencies_ms) == 100


async def test_the_load_runs_in_a_process_of_its_own(tmp_path: Path) -> None:
    async with serving(lambda _number: always(_OK)) as port:
        account = await asyncio.to_thread(mixed.run, plan(tmp_path, port))

    assert account.requests == 100
    assert account.failed == {}


async def test_a_load_that_fails_says_why(tmp_path: Path) -> None:
    broken = Plan(10, 0.1, 1, [Stream("read", 1.0, [Aim(servers.HOST, 1, str(tmp_path / "missing"))])])

    with pytest.raises(servers.ServerError, match="missing"):
        await asyncio.to_thread(mixed.run, broken)


def test_a_quantile_is_a_value_that_was_measured() -> None:
    assert quantile([1.0, 2.0, 3.0, 4.0], 0.5) == 3.0
    assert quantile([1.0, 2.0], 0.99) == 2.0
    assert quantile([], 0.99) == float("inf")
