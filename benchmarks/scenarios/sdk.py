"""themis-python against plain httpx: GETs of a live server, in requests per CPU-second of the client."""

from __future__ import annotations

import importlib.util
import json
import subprocess
from collections.abc import Callable

from benchmarks import rounds, servers
from benchmarks.bench import Bench
from benchmarks.figures import Bar, Figure, Series, paired_ratio
from benchmarks.load import documents
from benchmarks.load.filling import fill
from tools import tree

ASYNC_BAR = Bar(5)
SYNC_BAR = Bar(2)
_STORED = 2_000
_GRACE_S = 60.0


def run(bench: Bench) -> list[Figure]:
    """Run each client in a process of its own, in turn, first the asynchronous ones, then the others."""
    with servers.themis(bench.scratch / "node") as node:
        fill(node.port, documents.uuids(_STORED))
        bench.say("themis-python and httpx, asyncio, c=16, in turn")
        ours_async, httpx_async = rounds.alternate(
            bench.effort, [_client(node.port, "themis-async"), _client(node.port, "httpx-async")]
        )
        bench.say("themis-python and httpx, synchronous, in turn")
        ours, httpx = rounds.alternate(bench.effort, [_client(node.port, "themis"), _client(node.port, "httpx")])
    return [
        _figure("AsyncThemisClient.get, c=16, of httpx.AsyncClient", ASYNC_BAR, ours_async, httpx_async),
        _figure("ThemisClient.get, one thread, of httpx.Client", SYNC_BAR, ours, httpx),
    ]


def _figure(name: str, bar: Bar, ours: list[float], theirs: list[float]) -> Figure:
    first, _, second = name.partition(", of ")
    return Figure(
        name,
        paired_ratio(ours, theirs),
        "ratio per client CPU-s",
        bar,
        (Series(first, "requests/CPU-s", tuple(ours)), Series(second, "requests/CPU-s", tuple(theirs))),
        # httpcore tries to import it at every asynchronous request, which costs a search of the path where it fails.
        f"httpx {'with' if importlib.util.find_spec('sniffio') else 'without'} sniffio",
    )


def _client(port: int, kind: str) -> Callable[[float, int], float]:
    """Make the contender that runs one client for a while and says how many requests a CPU-second of it made."""

    def measure(duration_s: float, _number: int) -> float:
        command = [str(tree.PYTHON), "-m", "benchmarks.load.client", kind, str(port), str(duration_s), str(_STORED)]
        ended = subprocess.run(
            command, cwd=tree.ROOT, capture_output=True, text=True, timeout=duration_s + _GRACE_S, check=False
        )
        if ended.returncode:
            raise servers.ServerError(f"the client {kind} failed:\n{ended.stderr.strip()[-2000:]}")
        told = json.loads(ended.stdout)
        return float(told["requests"] / told["cpu_s"])

    return measure
