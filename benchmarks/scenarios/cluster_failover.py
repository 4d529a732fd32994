"""Kill -9 of a node that leads, under load, again and again: how long until what it led takes writes once more."""

from __future__ import annotations

import asyncio
import http.client
import itertools
import signal
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from benchmarks import clusters, rounds
from benchmarks.bench import Bench
from benchmarks.figures import Bar, Figure, Series
from benchmarks.load import documents, mixed, requests
from benchmarks.load.filling import fill
from benchmarks.load.paced import Plan, quantile
from benchmarks.servers import ServerError
from themis import AsyncThemisClient, ThemisError
from tools.cluster import forming
from tools.cluster import process as nodes
from tools.cluster.state import NodeState

BAR = Bar(1.5, at_least=False)
_KILLS = 30
_KILLS_QUICK = 3
_RATE_PER_S = 500.0
_SHARES = {mixed.READ: 0.9, mixed.WRITE: 0.1}
_BEFORE_S = 1.5
_AFTER_S = 3.0
_TIMEOUT_S = 20.0
_ASK_TIMEOUT_S = 2.0
_PAUSE_S = 0.01
_DOCUMENT = {"name": "after the kill"}


@dataclass(slots=True)
class _Taken:
    """Seconds from a kill to the first write, for every shard of every kill; and what went wrong meanwhile."""

    plain_s: list[float] = field(default_factory=list)
    sdk_s: list[float] = field(default_factory=list)
    slowest_s: list[float] = field(default_factory=list)
    """Of each kill, the last shard."""
    sdk_calls: int = 0
    sdk_failed: dict[str, int] = field(default_factory=dict)


def run(bench: Bench) -> list[Figure]:
    """Kill each node in turn while requests come in, wait for the writes, start it again, wait until all is whole."""
    kills = _KILLS_QUICK if bench.effort is rounds.QUICK else _KILLS
    keys = documents.uuids(min(bench.stored, 20_000))
    taken = _Taken()
    with clusters.running(bench.scratch / "cluster") as cluster:
        fill(cluster.port, keys)
        victims = itertools.cycle(cluster.nodes)
        for number in range(1, kills + 1):
            _kill_one(bench, cluster, next(victims), keys, number, taken)
            bench.say(f"kill {number} of {kills}: all shards take writes after {taken.slowest_s[-1]:.2f} s")
    failed = ", ".join(f"{count} x {what}" for what, count in sorted(taken.sdk_failed.items())) or "none"
    note = f"{kills} kills, {len(taken.plain_s)} shards that had to find a new leader"
    sdk_note = f"of {taken.sdk_calls:,} calls around the kills raised an error: {failed}"
    return [
        *_figures("kill -9 of a leader: first write in each shard it led", taken.plain_s, note),
        *_figures("the same for callers of AsyncThemisClient", taken.sdk_s, sdk_note),
    ]


def _figures(name: str, taken_s: Sequence[float], note: str) -> list[Figure]:
    ascending = sorted(taken_s)
    series = Series(name, "s", tuple(taken_s))
    return [
        Figure(f"{name}, p50", quantile(ascending, 0.5), "s", None, (series,), note),
        Figure(f"{name}, p99", quantile(ascending, 0.99), "s", BAR),
    ]


def _kill_one(
    bench: Bench, cluster: clusters.Cluster, victim: NodeState, keys: Sequence[str], number: int, taken: _Taken
) -> None:
    """Kill a node under load, take the times, and bring the cluster back to where it was."""
    leaders = cluster.leaders()
    led = leaders.led_by(victim.id)
    if not led:
        raise ServerError(f"{victim.id} leads no shard")
    key_of = leaders.key_of_each_shard(keys)
    asked = {shard: key_of[shard] for shard in led}
    streams = mixed.streams(cluster, bench.scratch, keys, _SHARES)
    with mixed.begun(Plan(_RATE_PER_S, _BEFORE_S + _AFTER_S, number, streams)) as load:
        plain_s = asyncio.run(_watch(cluster, victim, asked, taken))
        load.ended()  # what failed of it went to the node that is gone
    taken.plain_s += plain_s
    taken.slowest_s.append(max(plain_s))
    nodes.spawn(victim)
    cluster.state.save()
    nodes.wait_ready(victim)
    forming.wait_whole(cluster.state)
    cluster.wait_balanced()


async def _watch(cluster: clusters.Cluster, victim: NodeState, asked: Mapping[str, str], taken: _Taken) -> list[float]:
    """Let callers of the SDK write all the time, kill the node, write at the others; returns the seconds it took."""
    others = [node for node in cluster.nodes if node is not victim]
    killed = asyncio.Event()
    async with AsyncThemisClient([node.endpoint for node in cluster.nodes], namespace="bench") as client:
        callers = [asyncio.create_task(_call(client, key, killed, taken)) for key in asked.values()]
        await asyncio.sleep(_BEFORE_S)
        at_s = time.monotonic()
        nodes.send(victim, signal.SIGKILL)
        killed.set()
        writes = [
            asyncio.to_thread(_write, others[index % len(others)], key) for index, key in enumerate(asked.values())
        ]
        try:
            plain = await asyncio.gather(*writes)
            async with asyncio.timeout(_TIMEOUT_S):
                called = await asyncio.gather(*callers)
        except TimeoutError as error:
            raise ServerError(f"callers of the SDK had written nothing {_TIMEOUT_S:.0f} s after the kill") from error
        finally:
            for caller in callers:
                caller.cancel()
    nodes.wait_gone(victim)
    taken.sdk_s += [done_s - at_s for done_s in called]
    return [done_s - at_s for done_s in plain]


async def _call(client: AsyncThemisClient, key: str, killed: asyncio.Event, taken: _Taken) -> float:
    """Write with the SDK over and over; returns when the first call was done that began after the kill."""
    while True:
        counts = killed.is_set()
        taken.sdk_calls += 1
        try:
            await client.put("document", "people", key, _DOCUMENT)
        except ThemisError as error:
            taken.sdk_failed[type(error).__name__] = taken.sdk_failed.get(type(error).__name__, 0) + 1
        else:
            if counts:
                return time.monotonic()
        await asyncio.sleep(_PAUSE_S)


def _write(node: NodeState, key: str) -> float:
    """Write at a node until it says that it is done; returns when that was. The time limit is the cluster's."""
    end_s = time.monotonic() + _TIMEOUT_S
    while time.monotonic() < end_s:
        line = http.client.HTTPConnection(node.client_host, node.client_port, timeout=_ASK_TIMEOUT_S)
        try:
            line.request("PUT", requests.entity_path(key), documents.document(0), {"Content-Type": "application/json"})
            answer = line.getresponse()
            answer.read()
            if answer.status < http.client.BAD_REQUEST:
                return time.monotonic()
        except (OSError, http.client.HTTPException):
            pass
        finally:
            line.close()
        time.sleep(_PAUSE_S)
    raise ServerError(f"{node.id} took no write within {_TIMEOUT_S:.0f} s of the kill")
