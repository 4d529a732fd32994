"""`python -m benchmarks [NAME...] [--quick] [--peers]`: run scenarios, write figures, exit 1 if a bar is missed."""

from __future__ import annotations

import argparse
import datetime
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks import report, rounds
from benchmarks.bench import Bench, Scenario
from benchmarks.load import wrk
from benchmarks.machine import examine
from benchmarks.report import Outcome
from benchmarks.scenarios import (
    batch,
    cluster_failover,
    cluster_get,
    cluster_lag,
    cluster_mixed,
    cluster_put,
    cluster_shards,
    cluster_snapshot,
    get,
    peers,
    put,
    sdk,
    sdks,
    start,
)
from benchmarks.servers import ServerError
from tools import tree
from tools.cluster.state import ClusterError

_SCENARIOS: dict[str, Scenario] = {
    "get": get.run,
    "put": put.run,
    "batch": batch.run,
    "sdk": sdk.run,
    "sdks": sdks.run,
    "start": start.run,
}
_CLUSTER: dict[str, Scenario] = {
    "cluster-put": cluster_put.run,
    "cluster-get": cluster_get.run,
    "cluster-mixed": cluster_mixed.run,
    "cluster-lag": cluster_lag.run,
    "cluster-failover": cluster_failover.run,
    "cluster-shards": cluster_shards.run,
    "cluster-snapshot": cluster_snapshot.run,
}
_ALL: dict[str, Scenario] = {**_SCENARIOS, "peers": peers.run, **_CLUSTER}
_GROUPS = {"cluster": tuple(_CLUSTER)}
_STORED = 100_000
_STORED_QUICK = 20_000


def main(arguments: Sequence[str]) -> int:
    """Run the scenarios that are named, or all."""
    parser = _parser()
    options = parser.parse_args(arguments)
    names: list[str] = [part for name in options.names for part in _GROUPS.get(name, (name,))] or list(_SCENARIOS)
    if unknown := [name for name in names if name not in _ALL]:
        parser.error(f"no scenario is called {', '.join(unknown)}; there are {', '.join((*_ALL, *_GROUPS))}")
    if options.peers and "peers" not in names:
        names = [*names, "peers"]
    try:
        wrk.require()
    except wrk.WrkError as error:
        print(error, file=sys.stderr)
        return 2
    scratch_root = tree.CACHE / "bench"
    scratch_root.mkdir(parents=True, exist_ok=True)
    machine = examine(scratch_root)
    folder = scratch_root if options.quick else tree.ROOT / "benchmarks" / "results"
    outcomes: list[Outcome] = []
    for name in names:
        outcomes.append(_run(name, options.quick, scratch_root))
        written = report.write(machine, outcomes, folder)  # each time: a later scenario may be interrupted
    print(report.markdown(report.Record(machine, {outcome.scenario: outcome for outcome in outcomes})))
    print(f"written: {', '.join(str(path.relative_to(tree.ROOT)) for path in written)}", file=sys.stderr)
    return 1 if any(outcome.missed for outcome in outcomes) else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="./themis bench --",
        description="Measure speed against real server processes, and write benchmarks/results.",
    )
    parser.add_argument(
        "names",
        metavar="NAME",
        nargs="*",
        help=f"{', '.join(_ALL)}; {', '.join(_GROUPS)} for all so named (default: no peers, no cluster)",
    )
    parser.add_argument("--peers", action="store_true", help="compare with other databases too; installs them")
    parser.add_argument(
        "--quick", action="store_true", help="short rounds, for trying out; results stay in .cache/bench"
    )
    return parser


def _run(name: str, quick: bool, scratch_root: Path) -> Outcome:
    print(f"{name}:", file=sys.stderr, flush=True)
    scratch = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=scratch_root))
    bench = Bench(
        rounds.QUICK if quick else rounds.FULL, scratch, scratch_root / "programs", _STORED_QUICK if quick else _STORED
    )
    begun_at, begun_s = datetime.datetime.now(datetime.UTC), time.monotonic()
    try:
        figures = _ALL[name](bench)
        failure = ""
    except (ServerError, ClusterError, wrk.WrkError) as error:
        figures, failure = [], str(error)
        print(f"    failed: {failure}", file=sys.stderr)
    finally:
        shutil.rmtree(scratch)
    return Outcome(name, begun_at, time.monotonic() - begun_s, bench.effort, tuple(figures), failure)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
