"""A large shard moves to another node: how long its snapshot takes, and what the others' requests notice."""

from __future__ import annotations

import json
import random
import time
from base64 import b64encode
from collections.abc import Iterator, Sequence
from typing import Any

from benchmarks import clusters, process, rounds, servers
from benchmarks.bench import Bench
from benchmarks.figures import Figure, Series
from benchmarks.load import documents, mixed
from benchmarks.load.filling import check_batch, fill
from benchmarks.load.paced import Account, Plan
from benchmarks.scenarios.cluster_mixed import checked
from benchmarks.servers import ServerError
from tools.cluster import process as nodes

_NODES = 4
_DOCUMENT_BYTES = 100_000
_BATCH = 40
_BYTES = 1_000_000_000
_BYTES_QUICK = 100_000_000
_RATE_PER_S = 500.0
_SHARES = {mixed.READ: 0.9, mixed.WRITE: 0.1}
_ROUND_S = 2.0
_BEFORE_ROUNDS = 5
_BEFORE_ROUNDS_QUICK = 2
_TIMEOUT_S = 600.0
_QUIET_TIMEOUT_S = 60.0


def run(bench: Bench) -> list[Figure]:
    """Fill one shard, send the mixed load to the others, and move a replica to the node that has none, meanwhile."""
    quick = bench.effort is rounds.QUICK
    size = _BYTES_QUICK if quick else _BYTES
    keys = documents.uuids(max(bench.stored, size // _DOCUMENT_BYTES * 12))
    with clusters.running(bench.scratch / "cluster", _NODES) as cluster:
        shard, source, target = _move(cluster)
        leaders = cluster.leaders()
        own = [key for key in keys if leaders.shard_of(key) == shard][: size // _DOCUMENT_BYTES]
        if len(own) < size // _DOCUMENT_BYTES:
            raise ServerError(f"only {len(own):,} keys fall into {shard}")
        others = [key for key in keys if leaders.shard_of(key) != shard][:10_000]
        bench.say(f"storing {len(own) * _DOCUMENT_BYTES / 1e6:,.0f} MB in {shard}")
        fill(cluster.port, others)
        for body in _large(own):
            check_batch(*servers.ask(cluster.port, "POST", "/batch/put", body))
        _wait_quiet(cluster)
        streams = mixed.streams(cluster, bench.scratch, others, _SHARES)

        def load(seed: int) -> Account:
            return checked(mixed.run(Plan(_RATE_PER_S, _ROUND_S, seed, streams)))

        bench.say(f"90/10 at {_RATE_PER_S:,.0f} requests/s of the other shards, before and while it moves")
        before = [load(seed) for seed in range(_BEFORE_ROUNDS_QUICK if quick else _BEFORE_ROUNDS)]
        begun_s = time.monotonic()
        path = f"/api/admin/shards/{shard}/replace-replica"
        status, body = nodes.ask(cluster.nodes[0], "POST", path, {"source": source, "target": target})
        if status != 200:
            raise ServerError(f"the replica was not moved: {status} {body[:300]!r}")
        during: list[Account] = []
        while not _moved(cluster, shard, source, target):
            if time.monotonic() - begun_s > _TIMEOUT_S:
                raise ServerError(f"{shard} had not moved after {_TIMEOUT_S:.0f} s")
            during.append(load(100 + len(during)))
        took_s = time.monotonic() - begun_s
    return _figures(len(own) * _DOCUMENT_BYTES, took_s, before, during)


def _figures(size: int, took_s: float, before: Sequence[Account], during: Sequence[Account]) -> list[Figure]:
    calm = Series("before", "ms", tuple(account.latency_ms(0.99) for account in before))
    moving = Series("while it moves", "ms", tuple(account.latency_ms(0.99) for account in during))
    return [
        Figure(
            f"a replica of {size / 1e6:,.0f} MB moves to another node",
            took_s,
            "s",
            note=f"looked at every {_ROUND_S:.0f} s; snapshots are held to raft.snapshot_bytes_per_s, 64 MiB",
        ),
        Figure(
            "90/10 of the other shards meanwhile, p99, of before",
            moving.median / calm.median,
            "ratio",
            None,
            (moving, calm),
        ),
    ]


def _move(cluster: clusters.Cluster) -> tuple[str, str, str]:
    """Choose a shard, a follower of it, and a node without a replica of it."""
    for shard in nodes.ask_json(cluster.nodes[0], "/topology")["shards"]:
        held = [replica["node_id"] for replica in shard["replicas"]]
        free = [node.id for node in cluster.nodes if node.id not in held]
        followers = [node_id for node_id in held if node_id != shard["leader"]]
        if free and followers and shard["leader"]:
            return shard["shard_id"], followers[0], free[0]
    raise ServerError("no shard has a node without a replica of it")


def _moved(cluster: clusters.Cluster, shard: str, source: str, target: str) -> bool:
    """Whether the replica is where it should be, votes there, and is gone from where it was."""
    answer: dict[str, Any] = nodes.ask_json(cluster.nodes[0], f"/api/admin/shards/{shard}") or {}
    roles = {replica["node_id"]: replica["role"] for replica in answer.get("replicas", ())}
    return bool(answer.get("settled")) and roles.get(target) == "voter" and source not in roles


def _wait_quiet(cluster: clusters.Cluster) -> None:
    process.wait_until_quiet(*cluster.pids, timeout_s=_QUIET_TIMEOUT_S)
    cluster.wait_balanced()


def _large(keys: Sequence[str]) -> Iterator[bytes]:
    """Make the bodies of batch_put requests with large documents that cannot be compressed well."""
    source = random.Random(1)
    for start in range(0, len(keys), _BATCH):
        items = [
            {"urn": documents.urn(key), "doc": {"blob": b64encode(source.randbytes(_DOCUMENT_BYTES * 3 // 4)).decode()}}
            for key in keys[start : start + _BATCH]
        ]
        yield json.dumps({"items": items}, separators=(",", ":")).encode()
