"""Strong reads of three nodes, by lease and by ReadIndex: single ones against one node alone, and a hundred at once."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

from benchmarks import clusters, rounds, servers
from benchmarks.bench import Bench
from benchmarks.figures import Bar, Figure, paired_ratio
from benchmarks.load import documents, requests, wrk
from benchmarks.load.filling import check_reads, fill
from benchmarks.rounds import Sample

LEASE_BAR = Bar(0.8)
READ_INDEX_BAR = Bar(0.6)
BATCH_BAR = Bar(100_000)
CONNECTIONS = 64
_ASKED = 10_000
_BATCH = 100
_BODIES = 300
_NODES = 3
_PART = _BATCH // _NODES
_UNIT = "ratio per CPU-s"
_ENTITIES = "entities/CPU-s"


def run(bench: Bench) -> list[Figure]:
    """Measure GET on a node alone and on both kinds of cluster in turn, then batch_get on the clusters in turn."""
    keys = documents.uuids(bench.stored)
    asked = keys[:: max(1, len(keys) // _ASKED)]
    bench.say("a cluster of one node, one of three nodes, one of three with leases")
    with (
        clusters.running(bench.scratch / "alone", 1) as alone,
        clusters.running(bench.scratch / "index", _NODES) as index,
        clusters.running(bench.scratch / "lease", _NODES, raft__lease_reads="true") as lease,
    ):
        bench.say(f"storing {len(keys):,} documents in each")
        for cluster in (alone, index, lease):
            fill(cluster.port, keys)
            check_reads(cluster.port, keys, _BATCH)
            cluster.wait_balanced()
        bench.say(f"GET c={CONNECTIONS}, all three in turn")
        got_alone, got_index, got_lease = rounds.alternate(
            bench.effort,
            [
                cluster.contender(cluster.spread(bench.scratch, name, asked), CONNECTIONS)
                for name, cluster in (("alone", alone), ("index", index), ("lease", lease))
            ],
        )
        bench.say(f"batch_get of {_BATCH}, with and without leases, and scattered by any node, in turn")
        batches = rounds.alternate(
            bench.effort,
            [
                index.contender(_parts(bench, index, "batch-index", keys), CONNECTIONS),
                lease.contender(_parts(bench, lease, "batch-lease", keys), CONNECTIONS),
                index.contender(_whole(bench, index, keys), CONNECTIONS),
            ],
        )
    for taken, items in zip(batches, (_PART, _PART, _BATCH), strict=True):
        if any(each.report.answer_bytes < items * documents.DOCUMENT_BYTES for each in taken):
            raise servers.ServerError("batch_get answered fewer bytes than the documents have")
    return [
        _compare("by lease", LEASE_BAR, got_lease, got_alone),
        _compare("by ReadIndex", READ_INDEX_BAR, got_index, got_alone),
        *_batches(*batches),
    ]


def _compare(how: str, bar: Bar, ours: Sequence[Sample], theirs: Sequence[Sample]) -> Figure:
    mine, other = rounds.per_cpu_s(f"3 nodes, {how}", ours), rounds.per_cpu_s("one node alone", theirs)
    return Figure(
        f"strong GET 200 B at the leaders of 3 nodes, {how}, c={CONNECTIONS}, of one node alone",
        paired_ratio(mine.rounds, other.rounds),
        _UNIT,
        bar,
        (
            mine,
            other,
            rounds.per_s(mine.name, ours),
            rounds.per_s(other.name, theirs),
            rounds.p99_ms(mine.name, ours),
            rounds.p99_ms(other.name, theirs),
        ),
    )


def _batches(index: Sequence[Sample], lease: Sequence[Sample], whole: Sequence[Sample]) -> list[Figure]:
    how = f"c={CONNECTIONS}, {_BATCH} ids as an SDK sends them: {_PART} to each of {_NODES} leaders"
    named = (
        (f"batch_get of {_BATCH} on 3 nodes, by ReadIndex", BATCH_BAR, index, _PART, how),
        (f"batch_get of {_BATCH} on 3 nodes, by lease", BATCH_BAR, lease, _PART, how),
        (f"batch_get of {_BATCH} on 3 nodes, by ReadIndex, scattered by any node", None, whole, _BATCH, ""),
    )
    return [
        Figure(
            name,
            (series := rounds.per_cpu_s(name, taken, times=items, unit=_ENTITIES)).median,
            _ENTITIES,
            bar,
            (series, rounds.per_s(name, taken, times=items, unit="entities/s"), rounds.p99_ms(name, taken)),
            note,
        )
        for name, bar, taken, items, note in named
    ]


def _parts(bench: Bench, cluster: clusters.Cluster, name: str, keys: Sequence[str]) -> clusters.Spread:
    """Write batches of keys that one node leads, for each node."""
    source = random.Random(0)
    addresses = {node.id: node for node in cluster.nodes}
    targets = []
    for node_id, indexes in sorted(cluster.leaders().by_node(keys).items()):
        node, led = addresses[node_id], [keys[index] for index in indexes]
        bodies = documents.batch_get_bodies(led, _PART, _BODIES, source)
        file = requests.write_file(bench.scratch / f"{name}-{node_id}.requests", _posts(bodies))
        targets.append(wrk.Target(node.client_host, node.client_port, file))
    return clusters.Spread(targets)


def _whole(bench: Bench, cluster: clusters.Cluster, keys: Sequence[str]) -> clusters.Spread:
    """Write batches of any keys, to be sent to every node."""
    bodies = documents.batch_get_bodies(keys, _BATCH, _BODIES)
    file = requests.write_file(bench.scratch / "batch-whole.requests", _posts(bodies))
    return clusters.Spread([wrk.Target(node.client_host, node.client_port, file) for node in cluster.nodes])


def _posts(bodies: Iterator[bytes]) -> Iterator[bytes]:
    return (requests.send("POST", "/batch/get", body) for body in bodies)
