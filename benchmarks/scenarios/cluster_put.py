"""Durable PUT on three nodes, against three etcd servers with the same durability, per CPU-second of all servers."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

from benchmarks import clusters, rounds
from benchmarks.bench import Bench
from benchmarks.figures import Bar, Figure, paired_ratio
from benchmarks.load import documents, requests
from benchmarks.peers.etcd_cluster import GRPC_CONNECTIONS, etcd_cluster
from benchmarks.peers.peer import PeerMissingError
from benchmarks.rounds import Sample

BAR = Bar(1.5)
CONNECTIONS = 64
_KEYS = 20_000
_UNIT = "ratio per CPU-s"
_OURS = "ThemisDB, 3 nodes"
_JSON = "etcd 3.6, 3 servers, JSON"
_GRPC = "etcd 3.6, 3 servers, gRPC"


def run(bench: Bench) -> list[Figure]:
    """Measure all three in turn with the same documents, every client at the leader of what it writes."""
    keys = documents.uuids(_KEYS)
    names = {
        _JSON: f"durable PUT 200 B, 3 nodes, c={CONNECTIONS}, of etcd by its JSON gateway",
        _GRPC: f"durable PUT 200 B, 3 nodes, c={CONNECTIONS}, of etcd by gRPC",
    }
    with contextlib.ExitStack() as stack:
        try:
            bench.say("three etcd servers")
            etcd = stack.enter_context(etcd_cluster(bench.programs, bench.scratch))
            theirs = {
                _JSON: etcd.json_puts(bench.scratch, keys, CONNECTIONS),
                _GRPC: stack.enter_context(etcd.grpc_puts(bench.scratch, bench.programs, keys, CONNECTIONS)),
            }
        except PeerMissingError as error:
            return [Figure(name, None, _UNIT, BAR, note=str(error).splitlines()[0]) for name in names.values()]
        bench.say("a cluster of three nodes")
        cluster = stack.enter_context(clusters.running(bench.scratch / "cluster"))
        ours = cluster.contender(puts(bench, cluster, keys), CONNECTIONS)
        bench.say(f"PUT c={CONNECTIONS}, {', '.join((_OURS, *theirs))} in turn")
        mine, *others = rounds.alternate(bench.effort, [ours, *theirs.values()])
    note = (
        "every client writes at the leader; CPU of all three servers; "
        f"by gRPC {CONNECTIONS} writes in flight on {GRPC_CONNECTIONS} connections of etcd's own Go client"
    )
    return [_figure(names[name], mine, name, other, note) for name, other in zip(theirs, others, strict=True)]


def puts(bench: Bench, cluster: clusters.Cluster, keys: Sequence[str]) -> clusters.Spread:
    """Write a PUT of every key into the file of the node that leads it."""
    made = {
        index: requests.send("PUT", requests.entity_path(key), documents.document(index))
        for index, key in enumerate(keys)
    }
    return cluster.spread(bench.scratch, "put", keys, made)


def _figure(name: str, ours: Sequence[Sample], peer: str, theirs: Sequence[Sample], note: str) -> Figure:
    mine, other = rounds.per_cpu_s(_OURS, ours), rounds.per_cpu_s(peer, theirs)
    return Figure(
        name,
        paired_ratio(mine.rounds, other.rounds),
        _UNIT,
        BAR,
        (
            mine,
            other,
            rounds.per_s(_OURS, ours),
            rounds.per_s(peer, theirs),
            rounds.p99_ms(_OURS, ours),
            rounds.p99_ms(peer, theirs),
        ),
        note,
    )
