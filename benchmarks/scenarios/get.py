"""GET of a small document by 16 connections, against an aiohttp handler that does nothing else than answer."""

from __future__ import annotations

from benchmarks import rounds, servers
from benchmarks.bench import Bench
from benchmarks.figures import Bar, Figure, paired_ratio
from benchmarks.load import documents, requests
from benchmarks.load.filling import fill
from benchmarks.load.wrk import Load
from benchmarks.peers.bare_aiohttp import bare_aiohttp
from benchmarks.rounds import Effort

BAR = Bar(0.60)
_CONNECTIONS = 16
_ASKED = 10_000


def run(bench: Bench) -> list[Figure]:
    """Measure both in turn with the same requests, for random keys of a full store."""
    keys = documents.uuids(bench.stored)
    asked = [requests.get(requests.entity_path(key)) for key in keys[:: max(1, len(keys) // _ASKED)]]
    load = Load(requests.write_file(bench.scratch / "get.requests", asked), _CONNECTIONS)
    with (
        servers.themis(bench.scratch / "node") as node,
        bare_aiohttp(documents.document(0), bench.scratch) as bare,
    ):
        bench.say(f"storing {len(keys):,} documents")
        fill(node.port, keys)
        bench.say("GET, ThemisDB and bare aiohttp in turn")
        return [compare(bench.effort, node, bare, load)]


def compare(effort: Effort, server: servers.Running, bare: servers.Running, load: Load) -> Figure:
    """Measure two servers in turn with one load, and hold the first against `BAR`."""
    ours, theirs = rounds.alternate(effort, [rounds.contender(server, load), rounds.contender(bare, load)])
    mine, other = rounds.per_cpu_s("ThemisDB", ours), rounds.per_cpu_s("bare aiohttp", theirs)
    return Figure(
        "GET 200 B, c=16, of bare aiohttp",
        paired_ratio(mine.rounds, other.rounds),
        "ratio per CPU-s",
        BAR,
        (
            mine,
            other,
            rounds.per_s("ThemisDB", ours),
            rounds.per_s("bare aiohttp", theirs),
            rounds.p99_ms("ThemisDB", ours),
            rounds.p99_ms("bare aiohttp", theirs),
        ),
    )
