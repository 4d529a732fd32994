"""`act`: one thing done to the cluster for a program, answered in JSON; what `themis-conformance --cluster` asks for.

nodes                              {"nodes": [{"node_id": ..., "endpoint": ...}, ...]}
kill | stop | start | pause | resume N     of these nodes, from 0
lead SHARD NODE_ID                 the shard is led by that node when the command ends
settle                             all nodes run, every shard has a leader and all its replicas
"""

from __future__ import annotations

import http.client
import signal
from collections.abc import Sequence
from typing import Any

from tools.cluster import forming, process
from tools.cluster.state import ClusterError, ClusterState, NodeState

_SIGNALS = {
    "kill": signal.SIGKILL,
    "stop": signal.SIGTERM,
    "pause": signal.SIGSTOP,
    "resume": signal.SIGCONT,
}
_TRANSFER_S = 20.0


def act(cluster: ClusterState, words: Sequence[str]) -> dict[str, Any]:
    """Do what the words say, and return the answer; raises `ClusterError`."""
    match list(words):
        case ["nodes"]:
            return {"nodes": [{"node_id": node.id, "endpoint": node.endpoint} for node in cluster.nodes]}
        case ["settle"]:
            for node in cluster.nodes:
                if process.paused(node):
                    process.send(node, signal.SIGCONT)
            forming.start_again(cluster, lambda line: None)
        case ["start", number]:
            node = _node(cluster, number)
            process.spawn(node)
            cluster.save()
            process.wait_ready(node)
        case [("kill" | "stop" | "pause" | "resume") as action, number]:
            node = _node(cluster, number)
            process.send(node, _SIGNALS[action])
            if action in ("kill", "stop"):
                gone = process.wait_gone(node)
                cluster.save()
                if not gone:
                    raise ClusterError(f"{node.id} has not stopped")
        case ["lead", shard, node_id]:
            _lead(cluster, shard, node_id)
        case _:
            raise ClusterError(f"{' '.join(words)!r} is nothing that can be done")
    return {}


def _node(cluster: ClusterState, number: str) -> NodeState:
    if not number.isdecimal() or int(number) >= len(cluster.nodes):
        raise ClusterError(f"there is no node {number}; they are numbered from 0 to {len(cluster.nodes) - 1}")
    return cluster.nodes[int(number)]


def _lead(cluster: ClusterState, shard: str, node_id: str) -> None:
    asked = next((node for node in cluster.nodes if process.alive(node) and not process.paused(node)), None)
    if asked is None:
        raise ClusterError("no node runs")
    path = f"/api/admin/shards/{shard}/transfer-leader"
    why = ""

    def led() -> bool:
        nonlocal why
        try:
            status, body = process.ask(asked, "POST", path, {"target": node_id}, timeout_s=_TRANSFER_S)
        except (OSError, http.client.HTTPException) as error:
            why = str(error)
            return False
        why = body.decode(errors="replace")
        return status == http.client.OK

    process.wait_for(led, f"{shard} was not led by {node_id}", _TRANSFER_S, lambda: why)
