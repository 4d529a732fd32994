"""`python -m robustness.chaos`: a real cluster under load while things break, one after another, and a verdict on each.

It makes a cluster of its own in a directory of its own and removes both, or (--data) works on one that runs, which it
leaves running. Where it may (root, iproute2, nftables), the nodes stand in networks of their own.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from robustness import report as reports
from robustness import rounds
from robustness.checkers import Verdict, second_opinion
from robustness.cluster import Cluster, Extra
from robustness.faults import Fault, Need, Stage
from robustness.faults.catalogue import all_faults, missing
from robustness.history import Recorder, now
from robustness.network import Network
from robustness.proxy.control import LinkProxy
from robustness.report import Report
from robustness.timeline import Timeline, watch
from robustness.undo import Undo
from tools import tree
from tools.cluster import forming, state
from tools.cluster.state import ClusterError
from tools.progress import Step

RESULTS = tree.CACHE / "chaos"
_ROUND_S = 20.0
_PORT_SHIFT = 2000
_BASE_PORT = 8180


def main(arguments: list[str] | None = None) -> int:
    """Run; returns 0 if every round that was tried passed."""
    options = parser().parse_args(arguments)
    if options.list:
        for fault in all_faults().values():
            print(f"{fault.name:<20} {fault.about}" + (f" [{', '.join(fault.needs)}]" if fault.needs else ""))
        return 0
    unknown = set(options.faults) - set(all_faults())
    if unknown:
        print(f"There is no fault {', '.join(sorted(unknown))}; see --list.", file=sys.stderr)
        return 2
    try:
        with Undo() as undo, _cluster(options, undo) as cluster:
            found = asyncio.run(_chaos(options, cluster, undo))
    except ClusterError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    print(reports.table(found))
    print(f"\nThe history, the report and the timeline are in {options.out}")
    return 0 if found.passed else 1


def parser() -> argparse.ArgumentParser:
    """Return the parser of the flags."""
    made = argparse.ArgumentParser(prog="python -m robustness.chaos", description=__doc__)
    made.add_argument(
        "--minutes", metavar="N", type=float, default=0.0, help="for all faults together (default: 20 s each)"
    )
    made.add_argument(
        "--faults", metavar="LIST", type=_names, default=[], help="names, separated by commas (default: all)"
    )
    made.add_argument(
        "--nodes", metavar="N", type=int, default=3, help="nodes of the cluster that is made (default: 3)"
    )
    made.add_argument("--shards", metavar="N", type=int, default=6, help="its shards (default: 6)")
    made.add_argument("--data", metavar="DIR", type=Path, help="work on the cluster in DIR instead, which must run")
    made.add_argument(
        "--seed", metavar="N", type=int, default=0, help="what chance is drawn from (default: of the time)"
    )
    made.add_argument("--out", metavar="DIR", type=Path, default=RESULTS, help="where the results go (.cache/chaos)")
    made.add_argument(
        "--set", dest="settings", action="append", default=[], metavar="NAME=VALUE", help="a setting of all nodes"
    )
    made.add_argument("--no-porcupine", action="store_true", help="do not ask for a second opinion on the history")
    made.add_argument("--list", action="store_true", help="name the faults, and end")
    return made


def _names(text: str) -> list[str]:
    return [name for name in text.split(",") if name]


@contextlib.contextmanager
def _cluster(options: argparse.Namespace, undo: Undo) -> Iterator[Cluster]:
    """Give the cluster that runs, or make one and remove it."""
    if options.data is not None:
        running = Cluster(state.load(options.data.absolute()), undo)
        yield running
        running.let_go()
        return
    tree.CACHE.mkdir(exist_ok=True)
    directory = Path(tempfile.mkdtemp(prefix="chaos-", dir=tree.CACHE))
    try:
        plan = forming.Plan(
            directory=directory / "cluster",
            nodes=options.nodes,
            shards=options.shards,
            base_port=_BASE_PORT,
            hosts="each",
            settings=dict(setting.split("=", 1) for setting in options.settings),
        )
        step = Step("forming the cluster", number=1, total=2)
        formed = forming.form(plan, step.tick)
        step.done(f"{options.nodes} nodes")
        cluster = Cluster(formed, undo, disposable=True)
        try:
            yield cluster
        finally:
            if cluster.network is not None:
                cluster.network.leave()
            for node in cluster.nodes.values():
                node.kill()
            _keep_logs(cluster, options.out)
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _keep_logs(cluster: Cluster, out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    for node in cluster.nodes.values():
        if node.log.exists():
            shutil.copyfile(node.log, out / f"{node.id}.log")


async def _chaos(options: argparse.Namespace, cluster: Cluster, undo: Undo) -> Report:
    begun_s = time.monotonic()
    seed = options.seed or int(time.time())
    chosen, skipped = choose(all_faults(), options.faults, cluster)
    each_s = options.minutes * 60 / max(len(chosen), 1) if options.minutes else _ROUND_S
    stage = Stage(cluster, undo, random.Random(seed))
    options.out.mkdir(parents=True, exist_ok=True)
    history = options.out / "history.jsonl"
    history.unlink(missing_ok=True)
    timeline = Timeline(now())
    done: list[rounds.Round] = []
    with Recorder(history) as recorder:
        cluster.wait_settled()  # In this thread: a thread that is there already would not enter the network.
        if any(Need.NETWORK in fault.needs or Need.PROXIES in fault.needs for fault in chosen):
            _enter_network(stage)
        watcher = asyncio.create_task(watch(cluster, timeline))
        try:
            for number, fault in enumerate(chosen, start=1):
                if Need.PROXIES in fault.needs and not stage.proxies:
                    await _interpose(stage)
                elif Need.PROXIES not in fault.needs and stage.proxies:
                    await _withdraw(stage)
                done.append(await _round(number, len(chosen), fault, stage, recorder, timeline, each_s))
        finally:
            watcher.cancel()
            await asyncio.wait([watcher])
            await _withdraw(stage)
        overall = [] if options.no_porcupine else [_second_opinion(history, recorder)]
        found = Report(len(cluster.nodes), seed, time.monotonic() - begun_s, done, skipped, overall, reports.machine())
        reports.write(found, timeline, recorder.operations, options.out)
    return found


def choose(faults: dict[str, Fault], wanted: Sequence[str], cluster: Cluster) -> tuple[list[Fault], dict[str, str]]:
    """Return the faults that can be tried here, and why the others cannot."""
    lacking = missing(cluster)
    chosen: list[Fault] = []
    skipped: dict[str, str] = {}
    for name in wanted or list(faults):
        reasons = [f"{need} ({lacking[need]})" for need in faults[name].needs if need in lacking]
        if reasons:
            skipped[name] = ", ".join(reasons)
        else:
            chosen.append(faults[name])
    # Faults that stand behind proxies come together: to put these in, all nodes are started anew.
    return sorted(chosen, key=lambda fault: Need.PROXIES in fault.needs), skipped


async def _round(
    number: int, total: int, fault: Fault, stage: Stage, recorder: Recorder, timeline: Timeline, each_s: float
) -> rounds.Round:
    step = Step(fault.name, number=number, total=total)
    done = await rounds.run(
        fault, stage, recorder, timeline, rounds.Pace.within(each_s), f"{number}-{fault.name}", step.tick
    )
    notes = "; ".join(done.notes)[:80]
    if done.result == "pass":
        step.done(notes)
    else:
        step.failed(f"{done.result}: {notes}")
    return done


def _enter_network(stage: Stage) -> None:
    """Make the namespaces and start the nodes anew within. This thread, and so all load, goes to the clients' one."""
    cluster = stage.cluster
    stage.network = Network({node.id: node.host for node in cluster.nodes.values()}, stage.undo)
    stage.network.create()
    cluster.move_into(stage.network)
    cluster.wait_settled()


async def _interpose(stage: Stage) -> None:
    """Put a proxy in front of each peer port: it takes the node's old port, and the node another."""
    cluster = stage.cluster
    await asyncio.to_thread(cluster.stop_all)
    for node in cluster.nodes.values():
        behind = node.peer_port + _PORT_SHIFT
        settings = {"peer.port": str(behind), "peer.advertise": node.state.peer}
        node.always = node.always.and_also(Extra(settings=settings))
        control = Path(tempfile.gettempdir()) / f"themis-proxy-{node.pid}-{node.id}"
        proxy = LinkProxy(node.state.peer, f"{node.host}:{behind}", control, stage.undo)
        proxy.start(stage.network.command(node.id, ()) if stage.network is not None else ())
        stage.proxies[node.id] = proxy
    await asyncio.to_thread(cluster.start_all)
    await asyncio.to_thread(cluster.wait_settled)


async def _withdraw(stage: Stage) -> None:
    """Take the proxies away again."""
    if not stage.proxies:
        return
    cluster = stage.cluster
    await asyncio.to_thread(cluster.stop_all)
    for node in cluster.nodes.values():
        stage.proxies.pop(node.id).stop()
        settings = {name: value for name, value in node.always.settings.items() if not name.startswith("peer.")}
        node.always = Extra(node.always.wrapper, node.always.environment, settings)
    await asyncio.to_thread(cluster.start_all)
    await asyncio.to_thread(cluster.wait_settled)


def _second_opinion(history: Path, recorder: Recorder) -> Verdict:
    recorder.close()
    try:
        return second_opinion.check(history)
    except second_opinion.NotAvailable as reason:
        return Verdict(second_opinion.NAME, "unknown", (f"not asked: {reason}",), 0)


if __name__ == "__main__":
    sys.exit(main())
