"""`python -m tools.cluster`: what `./themis cluster` becomes once the tree is ready."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from tools import tree
from tools.cluster import acting, etcd, forming, process, report, state
from tools.cluster.state import ClusterError, ClusterState, EtcdState, NodeState

DEFAULT = tree.CACHE / "cluster"
_ACTIONS = {
    "stop": "stop a node cleanly: it hands its shards over first",
    "start": "start a node (or etcd) that was stopped or killed",
    "kill": "end a node at once, as a crash would (SIGKILL)",
    "pause": "let a node stand still (SIGSTOP)",
    "resume": "let a paused node go on (SIGCONT)",
}


def main(arguments: list[str] | None = None) -> int:
    """Run one action on the cluster; returns the exit status."""
    options = parser().parse_args(arguments)
    action: Callable[[argparse.Namespace], int] = options.action
    try:
        return action(options)
    except ClusterError as error:
        print(error, file=sys.stderr)
        return 1


def parser() -> argparse.ArgumentParser:
    """Return the parser of the actions and their flags."""
    top = argparse.ArgumentParser(prog="./themis cluster", description="A cluster of real nodes on this machine.")
    actions = top.add_subparsers(title="actions", metavar="ACTION", required=True)

    def add(name: str, about: str, action: Callable[[argparse.Namespace], int]) -> argparse.ArgumentParser:
        made = actions.add_parser(name, help=about, description=about)
        made.add_argument(
            "--data", metavar="DIR", type=_absolute, default=DEFAULT, help="where the cluster lives (.cache/cluster)"
        )
        made.set_defaults(action=action, name=name)
        return made

    up = add("up", "make a cluster, or start the nodes of one again, and wait until it is whole", _up)
    up.add_argument("--nodes", metavar="N", type=int, default=3, help="nodes that hold data and vote (default: 3)")
    up.add_argument("--read-replicas", metavar="N", type=int, default=0, help="further nodes that only serve reads")
    up.add_argument("--base-port", metavar="N", type=int, default=8080, help="client port of the first (default: 8080)")
    up.add_argument("--shards", metavar="N", type=int, default=8, help="shards of a new cluster (default: 8)")
    up.add_argument("--metadata", choices=("embedded", "etcd"), default="embedded", help="where the metadata is kept")
    up.add_argument(
        "--etcd-members", metavar="N", type=int, default=1, help="members of that etcd, started beside it (default: 1)"
    )
    up.add_argument("--hosts", choices=("one", "each"), default="one", help="one address for all, or one for each")
    up.add_argument(
        "--set",
        dest="settings",
        metavar="SECTION.KEY=VALUE",
        action="append",
        default=[],
        help="a setting of all nodes",
    )
    status = add("status", "show the nodes and the shards", _status)
    status.add_argument("-o", "--output", choices=("table", "json"), default="table", help="how to show it")
    for name, about in _ACTIONS.items():
        add(name, about, _on_node).add_argument(
            "node", metavar="NODE", help="a node, by number or id; etcd, or a member of it"
        )
    act = add("act", "do one thing for a program, and answer in JSON", _act)
    act.add_argument("words", metavar="WORD", nargs="+", help="nodes | settle | kill N | ... | lead SHARD NODE_ID")
    down = add("down", "stop all nodes, and etcd", _down)
    down.add_argument("--delete", action="store_true", help="and remove the cluster's data")
    return top


def _absolute(text: str) -> Path:
    return Path(text).expanduser().absolute()


def _up(options: argparse.Namespace) -> int:
    if (options.data / state.FILE).exists():
        cluster = state.load(options.data)
        forming.start_again(cluster, _say)
    else:
        settings = dict(_setting(text) for text in options.settings)
        plan = forming.Plan(
            directory=options.data,
            nodes=options.nodes,
            read_replicas=options.read_replicas,
            base_port=options.base_port,
            shards=options.shards,
            hosts=options.hosts,
            metadata=options.metadata,
            etcd_members=options.etcd_members,
            settings=settings,
        )
        if plan.nodes < 1 or plan.read_replicas < 0:
            raise ClusterError("A cluster has at least one node.")
        if plan.etcd_members < 1:
            raise ClusterError("An etcd has at least one member.")
        cluster = forming.form(plan, _say)
    print("\n" + report.table(report.collect(cluster)))
    return 0


def _setting(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or "." not in name:
        raise ClusterError(f"{text!r} is not SECTION.KEY=VALUE")
    return name, value


def _say(line: str) -> None:
    print(line, flush=True)


def _status(options: argparse.Namespace) -> int:
    document = report.collect(state.load(options.data))
    print(json.dumps(document, indent=2) if options.output == "json" else report.table(document))
    return 0


def _on_node(options: argparse.Namespace) -> int:
    cluster = state.load(options.data)
    program = cluster.program(options.node)
    if options.name == "start":
        print(f"{program.id} is ready at {_started(cluster, program)}")
        return 0
    numbers = {
        "stop": signal.SIGTERM,
        "kill": signal.SIGKILL,
        "pause": signal.SIGSTOP,
        "resume": signal.SIGCONT,
    }
    process.send(program, numbers[options.name])
    if options.name in ("stop", "kill"):
        gone = process.wait_gone(program)
        cluster.save()
        if not gone:
            raise ClusterError(
                f"{program.id} has not stopped after {process.STOP_TIMEOUT_S:.0f} s; its log is {program.log}"
            )
    print(f"{program.id}: {options.name} done")
    return 0


def _started(cluster: ClusterState, program: NodeState | EtcdState) -> str:
    """Start a program, wait until it is ready, and return its address."""
    if isinstance(program, EtcdState):
        etcd.spawn(program, cluster.etcd)
        cluster.save()
        etcd.wait_ready(program)
        return program.client
    process.spawn(program)
    cluster.save()
    process.wait_ready(program)
    return program.endpoint


def _act(options: argparse.Namespace) -> int:
    print(json.dumps(acting.act(state.load(options.data), options.words)))
    return 0


def _down(options: argparse.Namespace) -> int:
    cluster = state.load(options.data)
    forming.stop_all(cluster)
    print(f"All of {cluster.dir} is stopped.")
    if options.delete:
        forming.delete(cluster)
        print("Its data is removed.")
    return 0


if __name__ == "__main__":
    os.chdir(tree.ROOT)
    sys.exit(main())
