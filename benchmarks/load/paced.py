"""Requests at a fixed rate, whatever the servers do: `python -m benchmarks.load.paced`, a `Plan` as JSON on its input.

An open loop: request number i is due at i / rate, goes out by the first connection that is free, and its latency counts
from when it was due. A server that stands still for a second is charged for every request of that second, which a
closed loop would not have sent.

It is a process of its own, so that nothing else delays what is due; what it prints is an `Account` as JSON.
"""

from __future__ import annotations

import asyncio
import random
import sys
import time
from array import array
from collections import deque
from pathlib import Path
from typing import cast

import msgspec
import uvloop

_CONNECTIONS_MAX = 128
"""To each server: more requests than that at once wait here."""
_DRAIN_S = 5.0
_CONNECT_TIMEOUT_S = 1.0
_NAP_S = 0.001
# Times are of time.monotonic(): that of uvloop stands still during a turn, and counts whole milliseconds.


class Aim(msgspec.Struct, frozen=True):
    """A server and a file of requests for it; `weight` says how often it is drawn among the aims of its stream."""

    host: str
    port: int
    requests: str
    weight: float = 1.0


class Stream(msgspec.Struct, frozen=True):
    """Requests of one kind, and their share of the rate."""

    name: str
    share: float
    aims: list[Aim]


class Plan(msgspec.Struct, frozen=True):
    """What is sent: for how long, how often, what."""

    rate_per_s: float
    duration_s: float
    seed: int
    streams: list[Stream]
    warm_up_s: float = 0.0
    """Sent as well, and not counted."""


class Tally(msgspec.Struct, frozen=True):
    """What became of the requests of one stream; latencies and lags in milliseconds, ascending."""

    name: str
    failed: dict[str, int]
    latencies_ms: list[float]
    lags_ms: list[float]
    """What `Themis-Lag-Ms` said, where an answer had it."""


class Account(msgspec.Struct, frozen=True):
    """What became of all requests."""

    requests: int
    """How many were due."""
    held_up_ms: float
    """How late this program itself was, 99 % of the time: beyond a few milliseconds the latencies are its own."""
    streams: list[Tally]

    @property
    def failed(self) -> dict[str, int]:
        """How many requests failed, by what was answered instead."""
        total: dict[str, int] = {}
        for stream in self.streams:
            for what, count in stream.failed.items():
                total[what] = total.get(what, 0) + count
        return total

    def latency_ms(self, share: float) -> float:
        """The latency that this share of all answered requests stayed below; infinite if none was answered."""
        return quantile(sorted(latency for stream in self.streams for latency in stream.latencies_ms), share)

    def stream(self, name: str) -> Tally:
        """Return what became of one stream."""
        return next(stream for stream in self.streams if stream.name == name)


def quantile(ascending: list[float], share: float) -> float:
    """Return the value that `share` of the values do not exceed; infinite if there are none."""
    return ascending[min(int(len(ascending) * share), len(ascending) - 1)] if ascending else float("inf")


class _Books:
    """What became of the requests of one stream so far."""

    def __init__(self, stream: Stream) -> None:
        self.name = stream.name
        self.failed: dict[str, int] = {}
        self.latencies_ms = array("d")
        self.lags_ms = array("d")

    def fail(self, what: str) -> None:
        self.failed[what] = self.failed.get(what, 0) + 1

    def closed(self) -> Tally:
        return Tally(self.name, self.failed, sorted(self.latencies_ms), sorted(self.lags_ms))


class _Sent:
    """A request that is due."""

    __slots__ = ("books", "counts", "due_s", "request")

    def __init__(self, due_s: float, request: bytes, books: _Books, counts: bool) -> None:
        self.due_s = due_s
        self.request = request
        self.books = books
        self.counts = counts


class _Server:
    """One server: its connections, those that are free, and what waits for one."""

    def __init__(self, host: str, port: int, loop: asyncio.AbstractEventLoop) -> None:
        self._host, self._port, self._loop = host, port, loop
        self._count = 0
        self._open_ones: set[_Connection] = set()
        self.free: list[_Connection] = []
        self.waiting: deque[_Sent] = deque()
        self._openings: set[asyncio.Task[None]] = set()

    @property
    def busy(self) -> bool:
        return bool(self.waiting or self._openings) or self._count > len(self.free)

    def send(self, sent: _Sent) -> None:
        if self.free:
            self.free.pop().send(sent)
            return
        self.waiting.append(sent)
        if self._count < _CONNECTIONS_MAX:
            self._count += 1
            task = self._loop.create_task(self._open())
            self._openings.add(task)
            task.add_done_callback(self._openings.discard)

    async def _open(self) -> None:
        try:
            async with asyncio.timeout(_CONNECT_TIMEOUT_S):
                await self._loop.create_connection(lambda: _Connection(self), self._host, self._port)
        except OSError:  # a time-out is one, too
            self._count -= 1
            if self.waiting and (sent := self.waiting.popleft()).counts:
                sent.books.fail("connect")

    def close(self) -> None:
        """Close all connections; what is on them or waits was not answered."""
        for sent in self.waiting:
            if sent.counts:
                sent.books.fail("unanswered")
        self.waiting.clear()
        for task in self._openings:
            task.cancel()
        for connection in list(self._open_ones):
            connection.close()

    def rest(self, connection: _Connection) -> None:
        """Take a connection that has nothing to do."""
        self._open_ones.add(connection)
        if self.waiting:
            connection.send(self.waiting.popleft())
        else:
            self.free.append(connection)

    def lose(self, connection: _Connection) -> None:
        """Forget a connection that is closed."""
        self._count -= 1
        self._open_ones.discard(connection)
        if connection in self.free:
            self.free.remove(connection)


class _Connection(asyncio.Protocol):
    """A connection with one request on it at a time."""

    def __init__(self, server: _Server) -> None:
        self._server = server
        self._transport: asyncio.Transport | None = None
        self._sent: _Sent | None = None
        self._received = b""
        self._wanted = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's are not derived from it
        self._server.rest(self)

    def close(self) -> None:
        if self._sent is not None and self._sent.counts:
            self._sent.books.fail("unanswered")
        self._sent = None
        if self._transport is not None:
            self._transport.abort()

    def send(self, sent: _Sent) -> None:
        assert self._transport is not None
        self._sent, self._received, self._wanted = sent, b"", 0
        self._transport.write(sent.request)

    def data_received(self, data: bytes) -> None:
        received = self._received = self._received + data if self._received else data
        if not self._wanted:
            end = received.find(b"\r\n\r\n")
            if end < 0:
                return
            self._wanted = end + 4 + int(_field(received, b"\r\nContent-Length: ", end) or 0)
        if len(received) >= self._wanted and self._sent is not None:
            sent, self._sent = self._sent, None
            self._settle(sent, received)
            self._server.rest(self)

    def _settle(self, sent: _Sent, answer: bytes) -> None:
        if not sent.counts:
            return
        if answer[9:10] != b"2":
            sent.books.fail(answer[9:12].decode())
            return
        sent.books.latencies_ms.append((time.monotonic() - sent.due_s) * 1000)
        lag = _field(answer, b"\r\nThemis-Lag-Ms: ", self._wanted)
        if lag:
            sent.books.lags_ms.append(float(lag))

    def connection_lost(self, _error: Exception | None) -> None:
        if self._sent is not None and self._sent.counts:
            self._sent.books.fail("lost")
        self._server.lose(self)


def _field(answer: bytes, name: bytes, end: int) -> bytes:
    at = answer.find(name, 0, end)
    return answer[at + len(name) : answer.index(b"\r\n", at + len(name))] if at >= 0 else b""


class _Choice:
    """What a stream sends next, drawn at random."""

    def __init__(self, stream: Stream, books: _Books, server: dict[tuple[str, int], _Server]) -> None:
        self.books = books
        self.weights = [aim.weight for aim in stream.aims]
        self.aims = [(server[aim.host, aim.port], read_file(Path(aim.requests))) for aim in stream.aims]


async def send(plan: Plan) -> Account:
    """Send what is planned, and wait a little for the last answers."""
    loop = asyncio.get_running_loop()
    source = random.Random(plan.seed)
    addresses = {(aim.host, aim.port) for stream in plan.streams for aim in stream.aims}
    servers = {address: _Server(*address, loop) for address in addresses}
    choices = [_Choice(stream, _Books(stream), servers) for stream in plan.streams]
    shares = [stream.share for stream in plan.streams]
    held_up_ms = array("d")
    begun_s = time.monotonic() + _NAP_S
    warm = int(plan.warm_up_s * plan.rate_per_s)
    total = warm + int(plan.duration_s * plan.rate_per_s)
    number = 0
    while number < total:
        now_s = time.monotonic()
        held_up_ms.append((now_s - begun_s - number / plan.rate_per_s) * 1000)
        while number < total and (due_s := begun_s + number / plan.rate_per_s) <= now_s:
            (choice,) = source.choices(choices, shares)
            ((server, requests),) = source.choices(choice.aims, choice.weights)
            server.send(_Sent(due_s, source.choice(requests), choice.books, number >= warm))
            number += 1
        await asyncio.sleep(max(_NAP_S, begun_s + number / plan.rate_per_s - time.monotonic()))
    end_s = time.monotonic() + _DRAIN_S
    while any(server.busy for server in servers.values()) and time.monotonic() < end_s:
        await asyncio.sleep(_NAP_S)
    for server in servers.values():
        server.close()
    await asyncio.sleep(_NAP_S)
    tallies = [choice.books.closed() for choice in choices]
    return Account(total - warm, quantile(sorted(held_up_ms), 0.99), tallies)


def read_file(path: Path) -> list[bytes]:
    """Read the requests that `requests.write_file` wrote."""
    found = []
    with path.open("rb") as file:
        while length := file.readline():
            found.append(file.read(int(length)))
    return found


def main() -> None:
    """Read the plan, send it, tell what became of it."""
    plan = msgspec.json.decode(sys.stdin.buffer.read(), type=Plan)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        account = runner.run(send(plan))
    sys.stdout.buffer.write(msgspec.json.encode(account))


if __name__ == "__main__":
    main()
