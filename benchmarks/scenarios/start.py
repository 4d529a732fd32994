"""Starting, with nothing and after a crash with the demo's data; what a node uses that has nothing to do; loading."""

from __future__ import annotations

import asyncio
import time

from benchmarks import process, servers
from benchmarks.bench import Bench
from benchmarks.figures import Bar, Figure, Series
from themis import AsyncThemisClient
from tools.demo import load
from tools.demo.entities import NAMESPACE, TABLES, Ends, airport_codes

EMPTY_BAR = Bar(2, at_least=False)
CRASHED_BAR = Bar(10, at_least=False)
MEMORY_BAR = Bar(150, at_least=False)
IDLE_BAR = Bar(1, at_least=False)
LOAD_BAR = Bar(20_000)
_IDLE_S = 10.0
_TIMES = 5


def run(bench: Bench) -> list[Figure]:
    """Start on empty directories, look at one that idles, load the demo's data, kill the node, start it again."""
    bench.say(f"{_TIMES} starts on an empty directory")
    empty = []
    for number in range(_TIMES):
        with servers.themis(bench.scratch / f"empty-{number}") as node:
            empty.append(node.ready_after_s)

    data = bench.scratch / "node"
    with servers.themis(data) as node:
        bench.say(f"a node that idles for {_IDLE_S:.0f} s")
        fresh = _idle(node)
        bench.say("loading the demo's data through the SDK")
        begun_s, server_s, client_s = time.monotonic(), process.cpu_s(node.pid), time.process_time()
        count = asyncio.run(_load(node.port))
        load_s = time.monotonic() - begun_s
        server_s, client_s = process.cpu_s(node.pid) - server_s, time.process_time() - client_s
        servers.kill(node.process)  # while flushes and compactions of the last writes are still to be done

    bench.say("starting again after kill -9")
    crashed = []
    for number in range(_TIMES):
        with servers.themis(data) as node:
            crashed.append(node.ready_after_s)
            if number < _TIMES - 1:
                servers.kill(node.process)
                continue
            asyncio.run(_verify(node.port))
            bench.say(f"the node with data idles for {_IDLE_S:.0f} s")
            process.wait_until_quiet(node.pid, timeout_s=30)
            full = _idle(node)
    used = f"{count:,} entities in {load_s:.1f} s; CPU: server {server_s:.1f} s, client {client_s:.1f} s"
    return [
        _figure("start to ready, empty directory", max(empty), "s", EMPTY_BAR, empty),
        _figure("start to ready, demo's data, after kill -9", max(crashed), "s", CRASHED_BAR, crashed),
        Figure("memory of an idle node", fresh[0], "MiB", MEMORY_BAR),
        Figure("memory of an idle node with the demo's data", full[0], "MiB", note="after reading all counts once"),
        Figure("CPU of an idle node", fresh[1], "% of a core", IDLE_BAR),
        Figure("CPU of an idle node with the demo's data", full[1], "% of a core", IDLE_BAR),
        Figure("the demo's load through the SDK", count / load_s, "entities/s", LOAD_BAR, note=used),
    ]


def _figure(name: str, value: float, unit: str, bar: Bar, rounds: list[float]) -> Figure:
    return Figure(name, value, unit, bar, (Series(name, unit, tuple(rounds)),), "the slowest counts")


def _idle(node: servers.Running) -> tuple[float, float]:
    """Let a node idle; returns its memory in MiB and the share of a core it used in percent."""
    before_s, begun_s = process.cpu_s(node.pid), time.monotonic()
    time.sleep(_IDLE_S)
    used_s = process.cpu_s(node.pid) - before_s
    return process.rss_bytes(node.pid) / 2**20, used_s / (time.monotonic() - begun_s) * 100


async def _load(port: int) -> int:
    ends = Ends(airport_codes())
    async with AsyncThemisClient([f"http://{servers.HOST}:{port}"], namespace=NAMESPACE, timeout=60) as db:
        return sum([(await load.load(db, table, ends)).count for table in TABLES])


async def _verify(port: int) -> None:
    """Make sure that what was acknowledged is there; a quick start with half the data would be none."""
    async with AsyncThemisClient([f"http://{servers.HOST}:{port}"], namespace=NAMESPACE, timeout=60) as db:
        for table in TABLES:
            held = await load.count(db, table)
            if held != table.count:
                raise servers.ServerError(f"after kill -9, {table.collection} holds {held:,} of {table.count:,}")
