"""Durable PUT of a small document: what fsync costs many writers, and how near one writer comes to the disk."""

from __future__ import annotations

from benchmarks import disk, rounds, servers
from benchmarks.bench import Bench
from benchmarks.figures import Bar, Figure, Series, paired_ratio
from benchmarks.load import documents, requests
from benchmarks.load.wrk import Load

MANY_BAR = Bar(0.50)
ONE_BAR = Bar(0.50)
_MANY = 64
_KEYS = 100_000


def run(bench: Bench) -> list[Figure]:
    """Measure two nodes that differ in `raft.fsync` only, then one writer against bare appends."""
    sent = (
        requests.send("PUT", requests.entity_path(key), documents.document(index))
        for index, key in enumerate(documents.uuids(_KEYS))
    )
    file = requests.write_file(bench.scratch / "put.requests", sent)
    with servers.themis(bench.scratch / "durable") as durable:
        with servers.themis(bench.scratch / "unsynced", raft__fsync="false") as unsynced:
            bench.say(f"PUT c={_MANY}, with and without fsync in turn")
            load = Load(file, _MANY)
            synced, free = rounds.alternate(
                bench.effort, [rounds.contender(durable, load), rounds.contender(unsynced, load)]
            )
        bench.say("PUT c=1, and appends with fdatasync, in turn")
        one, appends = rounds.alternate(
            bench.effort,
            [
                lambda duration_s, number: (
                    rounds.sample(durable, Load(file, 1), duration_s, number).report.requests_per_s
                ),
                lambda duration_s, _number: disk.syncs_per_s(bench.scratch, duration_s),
            ],
        )
    mine, other = rounds.per_cpu_s("fsync on", synced), rounds.per_cpu_s("fsync off", free)
    return [
        Figure(
            "durable PUT 200 B, c=64, of the same without fsync",
            paired_ratio(mine.rounds, other.rounds),
            "ratio per CPU-s",
            MANY_BAR,
            (
                mine,
                other,
                rounds.per_s("fsync on", synced),
                rounds.per_s("fsync off", free),
                rounds.p99_ms("fsync on", synced),
                rounds.p99_ms("fsync off", free),
            ),
        ),
        Figure(
            "durable PUT 200 B, c=1, of bare append + fdatasync",
            paired_ratio(one, appends),
            "ratio per s",
            ONE_BAR,
            (Series("PUT c=1", "requests/s", tuple(one)), Series("append + fdatasync", "1/s", tuple(appends))),
        ),
    ]
