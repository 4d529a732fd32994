"""Batches: 100 entities read at once, 1,000 stored at once and durably."""

from __future__ import annotations

from benchmarks import rounds, servers
from benchmarks.bench import Bench
from benchmarks.figures import Bar, Figure
from benchmarks.load import documents, requests
from benchmarks.load.filling import BATCH, check_batch, check_reads, fill
from benchmarks.load.wrk import Load

GET_BAR = Bar(150_000)
PUT_BAR = Bar(40_000)
_GET_ITEMS = 100
_GET_BODIES = 1_000
_GET_CONNECTIONS = 16
_PUT_CONNECTIONS = 4
_UNIT = "entities/CPU-s"


def run(bench: Bench) -> list[Figure]:
    """Read random keys of a full store, write all of them again and again, and read them again."""
    keys = documents.uuids(bench.stored)
    reads = (
        requests.send("POST", "/batch/get", body) for body in documents.batch_get_bodies(keys, _GET_ITEMS, _GET_BODIES)
    )
    bodies = list(documents.batch_put_bodies(keys, BATCH))
    writes = (requests.send("POST", "/batch/put", body) for body in bodies)
    reading = Load(requests.write_file(bench.scratch / "get.requests", reads), _GET_CONNECTIONS)
    writing = Load(requests.write_file(bench.scratch / "put.requests", writes), _PUT_CONNECTIONS)
    with servers.themis(bench.scratch / "node") as node:
        bench.say(f"storing {len(keys):,} documents")
        fill(node.port, keys)
        check_reads(node.port, keys, _GET_ITEMS)
        bench.say(f"batch_get of {_GET_ITEMS}")
        (got,) = rounds.alternate(bench.effort, [rounds.contender(node, reading)])
        bench.say(f"batch_put of {BATCH}")
        (put,) = rounds.alternate(bench.effort, [rounds.contender(node, writing)])
        bench.say(f"batch_get of {_GET_ITEMS}, of what was written over and over")
        (got_again,) = rounds.alternate(bench.effort, [rounds.contender(node, reading)])
        check_reads(node.port, keys, _GET_ITEMS)
        check_batch(*servers.ask(node.port, "POST", "/batch/put", bodies[0]))
    least = _GET_ITEMS * documents.DOCUMENT_BYTES
    if any(each.report.answer_bytes < least for each in got + got_again):
        raise servers.ServerError("batch_get answered fewer bytes than the documents have")
    read = rounds.per_cpu_s("batch_get", got, times=_GET_ITEMS, unit=_UNIT)
    written = rounds.per_cpu_s("batch_put", put, times=BATCH, unit=_UNIT)
    read_again = rounds.per_cpu_s("batch_get, after the writes", got_again, times=_GET_ITEMS, unit=_UNIT)
    return [
        Figure(
            "batch_get of 100, c=16",
            read.median,
            _UNIT,
            GET_BAR,
            (
                read,
                rounds.per_s("batch_get", got, times=_GET_ITEMS, unit="entities/s"),
                rounds.p99_ms("batch_get", got),
            ),
        ),
        Figure(
            "durable batch_put of 1,000, c=4",
            written.median,
            _UNIT,
            PUT_BAR,
            (written, rounds.per_s("batch_put", put, times=BATCH, unit="entities/s"), rounds.p99_ms("batch_put", put)),
        ),
        Figure("batch_get of 100, c=16, after many writes", read_again.median, _UNIT, series=(read_again,)),
    ]
