"""GET of a small document by 16 connections, against other databases that hold the same documents."""

from __future__ import annotations

import contextlib

from benchmarks import rounds, servers
from benchmarks.bench import Bench
from benchmarks.figures import Bar, Figure, Series, paired_ratio
from benchmarks.load import documents, requests
from benchmarks.load.filling import fill
from benchmarks.load.wrk import Load
from benchmarks.peers.arcadedb import ArcadeDb
from benchmarks.peers.etcd import Etcd
from benchmarks.peers.peer import Contender, Peer, PeerMissingError, Setting
from benchmarks.peers.postgres import Postgres

_PEERS: tuple[tuple[Peer, Bar | None], ...] = ((Etcd(), Bar(3)), (ArcadeDb(), Bar(4)), (Postgres(), None))
_CONNECTIONS = 16
_ASKED = 10_000
_UNIT = "ratio per CPU-s"


def run(bench: Bench) -> list[Figure]:
    """Measure ThemisDB and every peer that can be had, all in turn."""
    keys = documents.uuids(bench.stored)
    asked = [requests.get(requests.entity_path(key)) for key in keys[:: max(1, len(keys) // _ASKED)]]
    load = Load(requests.write_file(bench.scratch / "get.requests", asked), _CONNECTIONS)
    setting = Setting(bench.programs, bench.scratch, bench.stored)
    missing: dict[str, str] = {}
    with contextlib.ExitStack() as stack:
        node = stack.enter_context(servers.themis(bench.scratch / "node"))
        fill(node.port, keys)
        contenders: dict[str, Contender] = {
            "ThemisDB": lambda duration_s, number: rounds.sample(node, load, duration_s, number).requests_per_cpu_s
        }
        for peer, _ in _PEERS:
            bench.say(f"starting and filling {peer.name}")
            try:
                contenders[peer.name] = stack.enter_context(peer.running(setting))
            except (PeerMissingError, servers.ServerError) as error:
                missing[peer.name] = str(error).splitlines()[0]
                bench.say(f"not measured: {error}")
        bench.say(f"GET, {', '.join(contenders)} in turn")
        measured = dict(zip(contenders, rounds.alternate(bench.effort, list(contenders.values())), strict=True))
    ours = measured["ThemisDB"]
    return [
        Figure(f"GET 200 B, c=16, of {peer.name}", None, _UNIT, bar, note=missing[peer.name])
        if peer.name in missing
        else Figure(
            f"GET 200 B, c=16, of {peer.name}",
            paired_ratio(ours, measured[peer.name]),
            _UNIT,
            bar,
            (_series("ThemisDB", ours), _series(peer.name, measured[peer.name])),
        )
        for peer, bar in _PEERS
    ]


def _series(name: str, rates: list[float]) -> Series:
    return Series(name, "requests/CPU-s", tuple(rates))
