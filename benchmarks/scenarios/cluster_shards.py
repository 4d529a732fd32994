"""Many shards on three nodes that have nothing to do: CPU, memory, and how long it takes to start."""

from __future__ import annotations

import time

from benchmarks import clusters, process, rounds
from benchmarks.bench import Bench
from benchmarks.figures import Bar, Figure, Series
from tools.cluster import forming

IDLE_BAR = Bar(3, at_least=False)
_BARRED = 64
_MANY = 200
_IDLE_S = 20.0
_IDLE_QUICK_S = 3.0
_SETTLE_S = 3.0


def run(bench: Bench) -> list[Figure]:
    """Form a cluster with as many groups as the bar speaks of, and one with many; let both idle, restart the second."""
    quick = bench.effort is rounds.QUICK
    idle_s = _IDLE_QUICK_S if quick else _IDLE_S
    # With the group of the metadata it is one more, which every node has.
    barred = _BARRED - 1
    many = barred if quick else _MANY
    figures = []
    for shards, bar in {barred: IDLE_BAR, many: IDLE_BAR if quick else None}.items():
        bench.say(f"a cluster of three nodes with {shards} shards")
        with clusters.running(bench.scratch / f"of-{shards}", shards=shards) as cluster:
            bench.say(f"formed in {cluster.formed_s:.1f} s; it idles for {idle_s:.0f} s")
            time.sleep(_SETTLE_S)
            figures += _idle(cluster, shards, bar, idle_s)
            if shards == many:
                bench.say("killing all nodes and starting them again")
                figures += _start(cluster, shards)
    return figures


def _idle(cluster: clusters.Cluster, shards: int, bar: Bar | None, idle_s: float) -> list[Figure]:
    """Look at what every node uses that has nothing to do."""
    pids = cluster.pids
    before_s, begun_s = [process.cpu_s(pid) for pid in pids], time.monotonic()
    time.sleep(idle_s)
    took_s = time.monotonic() - begun_s
    shares = [(process.cpu_s(pid) - before) / took_s * 100 for pid, before in zip(pids, before_s, strict=True)]
    memory = [process.rss_bytes(pid) / 2**20 for pid in pids]
    cpu_name, memory_name = f"{shards} idle shards on 3 nodes: CPU of a node", f"{shards} idle shards: memory of a node"
    note = "the busiest node counts; each has a replica of every shard, and of the metadata's group"
    return [
        Figure(cpu_name, max(shares), "% of a core", bar, (Series(cpu_name, "% of a core", tuple(shares)),), note),
        Figure(memory_name, max(memory), "MiB", None, (Series(memory_name, "MiB", tuple(memory)),)),
    ]


def _start(cluster: clusters.Cluster, shards: int) -> list[Figure]:
    """Kill all nodes, and take the time until every shard has a leader and all its replicas again."""
    for node in cluster.nodes:
        clusters.kill(node)
    begun_s = time.monotonic()
    forming.start_again(cluster.state, lambda _said: None)
    again_s = time.monotonic() - begun_s
    return [
        Figure(f"{shards} shards on 3 nodes: formed from nothing, to the last replica", cluster.formed_s, "s"),
        Figure(f"{shards} shards on 3 nodes: started again after kill -9, to the last leader", again_s, "s"),
    ]
