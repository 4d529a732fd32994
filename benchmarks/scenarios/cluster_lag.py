"""How far followers are behind under the mixed load: what they prove, what a reader sees, what is not applied yet."""

from __future__ import annotations

import contextlib
import http.client
import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence

from benchmarks import clusters, rounds
from benchmarks.bench import Bench
from benchmarks.figures import Bar, Figure, Series
from benchmarks.load import documents, mixed, requests
from benchmarks.load.filling import fill
from benchmarks.load.paced import Plan, quantile
from benchmarks.scenarios.cluster_mixed import checked
from benchmarks.servers import ServerError
from tools.cluster import process as nodes
from tools.cluster.state import NodeState

BAR = Bar(100, at_least=False)
_RATE_PER_S = 2_000.0
_RATE_QUICK_PER_S = 500.0
_SHARES = {mixed.READ: 0.8, mixed.WRITE: 0.1, mixed.EVENTUAL: 0.05, mixed.BOUNDED: 0.05}
_WARM_UP_S = 1.0
_LOOK_S = 0.1
_PROBE_S = 0.02
_SEEN_TIMEOUT_S = 10.0


def run(bench: Bench) -> list[Figure]:
    """Send the mixed load round by round, with lagging reads at followers in it, and look on."""
    rate = _RATE_QUICK_PER_S if bench.effort is rounds.QUICK else _RATE_PER_S
    keys = documents.uuids(min(bench.stored, 20_000))
    lags: dict[str, list[float]] = {"eventual": [], "bounded": [], "seen": [], "entries": []}
    bounded_p99: list[float] = []
    with clusters.running(bench.scratch / "cluster") as cluster:
        fill(cluster.port, keys)
        streams = mixed.streams(cluster, bench.scratch, keys, _SHARES)
        bench.say(f"90/10 at {rate:,.0f} requests/s, a tenth of it read at followers")
        for seed in range(1, bench.effort.rounds + 1):
            seen: list[float] = []
            entries: list[float] = []
            plan = Plan(rate, bench.effort.round_s, seed, streams, _WARM_UP_S)
            with mixed.begun(plan) as load:
                time.sleep(_WARM_UP_S)
                with (
                    _repeated(_LOOK_S, lambda: entries.extend(_entries_behind(cluster))),  # noqa: B023
                    _visibility(cluster, keys, seen),
                ):
                    time.sleep(bench.effort.round_s)
                account = checked(load.ended())
            lags["eventual"].append(quantile(account.stream(mixed.EVENTUAL).lags_ms, 0.99))
            lags["bounded"].append(quantile(account.stream(mixed.BOUNDED).lags_ms, 0.99))
            lags["seen"].append(quantile(sorted(seen), 0.99))
            lags["entries"].append(quantile(sorted(entries), 0.99))
            bounded_p99.append(quantile(account.stream(mixed.BOUNDED).latencies_ms, 0.99))
    return [
        _figure("a write is seen by an eventual read at a follower, p99 after its answer", lags["seen"], "ms", BAR),
        _figure("lag that followers prove, eventual reads (Themis-Lag-Ms), p99", lags["eventual"], "ms", BAR),
        _figure("lag that followers prove, bounded reads (Themis-Lag-Ms), p99", lags["bounded"], "ms", BAR),
        _figure("latency of bounded reads at followers, p99", bounded_p99, "ms", None),
        _figure("entries that a follower has still to apply, p99", lags["entries"], "entries", None),
    ]


def _figure(name: str, taken: list[float], unit: str, bar: Bar | None) -> Figure:
    series = Series(name, unit, tuple(taken))
    return Figure(name, series.median, unit, bar, (series,))


def _entries_behind(cluster: clusters.Cluster) -> Iterator[float]:
    """Tell for each follower of each shard how many entries its leader had applied that it had not."""
    listing = nodes.ask_json(cluster.nodes[0], "/api/admin/shards") or {"items": []}
    for shard in listing["items"]:
        applied = {replica["node_id"]: replica.get("applied", 0) for replica in shard["replicas"]}
        led = applied.pop(shard["leader"], None)
        if led is not None:
            yield from (float(max(0, led - other)) for other in applied.values())


@contextlib.contextmanager
def _repeated(pause_s: float, action: Callable[[], None]) -> Iterator[None]:
    """Do something over and over in a thread; raises `ServerError` at the end if it failed."""
    stopped = threading.Event()
    failures: list[Exception] = []

    def work() -> None:
        try:
            while not stopped.wait(pause_s):
                action()
        except (OSError, http.client.HTTPException, ServerError) as error:
            failures.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        stopped.set()
        thread.join()
    if failures:
        raise ServerError(f"looking on failed: {failures[0]!r}")


@contextlib.contextmanager
def _visibility(cluster: clusters.Cluster, keys: Sequence[str], seen: list[float]) -> Iterator[None]:
    """Write now and then at a leader, and read at a follower until it has that: adds milliseconds to `seen`."""
    leaders = cluster.leaders()
    picked = list(leaders.key_of_each_shard(keys).items())
    lines = {node.id: http.client.HTTPConnection(node.client_host, node.client_port) for node in cluster.nodes}
    turn = 0

    def probe() -> None:
        nonlocal turn
        shard, key = picked[turn % len(picked)]
        leader = leaders.of_shard[shard]
        follower = [node for node in cluster.nodes if node.id != leader][turn // len(picked) % 2]
        turn += 1
        seen.append(_until_seen(lines[leader], lines[follower.id], key, follower))

    try:
        with _repeated(_PROBE_S, probe):
            yield
    finally:
        for line in lines.values():
            line.close()


def _until_seen(
    leader: http.client.HTTPConnection, follower: http.client.HTTPConnection, key: str, node: NodeState
) -> float:
    path = requests.entity_path(key)
    version = _ask(leader, "PUT", path, documents.document(1))
    acknowledged_s = time.monotonic()
    while _ask(follower, "GET", f"{path}?consistency=eventual") < version:
        if time.monotonic() - acknowledged_s > _SEEN_TIMEOUT_S:
            raise ServerError(f"{node.id} did not have a write after {_SEEN_TIMEOUT_S:.0f} s")
    return (time.monotonic() - acknowledged_s) * 1000


def _ask(line: http.client.HTTPConnection, method: str, path: str, body: bytes | None = None) -> int:
    """Send a request for an entity; returns the version that was answered, 0 if it is not there."""
    line.request(method, path, body, {"Content-Type": "application/json"} if body else {})
    answer = line.getresponse()
    text = answer.read()
    if answer.status == http.client.NOT_FOUND:
        return 0
    if answer.status >= http.client.BAD_REQUEST:
        raise ServerError(f"{method} was answered {answer.status}: {text[:200]!r}")
    return int(json.loads(answer.headers["ETag"]))
