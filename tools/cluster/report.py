"""What `./themis cluster status` shows: each node's process, what the cluster says of it, and the etcd beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tools.cluster import etcd, process
from tools.cluster.state import ClusterState, EtcdState, NodeState, Program


def collect(state: ClusterState) -> dict[str, Any]:
    """Return the cluster as a document: every node with its process, and its share of the shards.

    The topology is asked of the first node that answers; without one, `epoch` is None and shards are not known.
    """
    topology = next(filter(None, (process.ask_json(node, "/topology") for node in state.nodes if _runs(node))), None)
    known = {node["node_id"]: node for node in topology["nodes"]} if topology else {}
    shards = topology["shards"] if topology else []
    wanted = min(state.replicas, sum(node.get("kind", "data") == "data" for node in known.values()))
    return {
        "dir": state.dir,
        "metadata": state.metadata,
        "epoch": topology["epoch"] if topology else None,
        "nodes": [_node(node, known.get(node.id, {}), shards) for node in state.nodes],
        "etcd": [_member(member) for member in state.etcd],
        "shards": {
            "count": len(shards),
            "without_leader": [shard["shard_id"] for shard in shards if shard["leader"] is None],
            "under_replicated": [
                shard["shard_id"]
                for shard in shards
                if sum(replica["role"] == "voter" for replica in shard["replicas"]) < wanted
            ],
        },
    }


def _runs(node: NodeState) -> bool:
    return process.alive(node) and not process.paused(node)


def _member(member: EtcdState) -> dict[str, Any]:
    running = _running(member)
    return {
        "id": member.id,
        "client": member.client,
        "pid": member.pid if running != "stopped" else None,
        "process": running,
        "healthy": running == "running" and etcd.healthy(member),
        "log": member.log,
    }


def _running(program: Program) -> str:
    return "paused" if process.paused(program) else "running" if process.alive(program) else "stopped"


def _node(node: NodeState, known: Mapping[str, Any], shards: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    running = _running(node)
    roles = [r["role"] for shard in shards for r in shard["replicas"] if r["node_id"] == node.id]
    return {
        "id": node.id,
        "endpoint": node.endpoint,
        "peer": node.peer,
        "pid": node.pid if running != "stopped" else None,
        "process": running,
        "state": known.get("state"),
        "health": known.get("health"),
        "leads": sum(shard["leader"] == node.id for shard in shards),
        "votes_in": roles.count("voter"),
        "learns": roles.count("learner"),
        "log": node.log,
    }


def table(document: Mapping[str, Any]) -> str:
    """Draw the document for people."""
    head = ("node", "process", "pid", "health", "endpoint", "leads", "replicas", "read replicas")
    rows = [
        (
            node["id"],
            node["process"],
            str(node["pid"] or "-"),
            node["health"] or node["state"] or "-",
            node["endpoint"],
            str(node["leads"]),
            str(node["votes_in"]),
            str(node["learns"]),
        )
        for node in document["nodes"]
    ]
    rows += [
        (
            member["id"],
            member["process"],
            str(member["pid"] or "-"),
            "healthy" if member["healthy"] else "-",
            member["client"],
            *("", "", ""),
        )
        for member in document["etcd"]
    ]
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in (head, *rows)
    ]
    lines.append("")
    shards = document["shards"]
    if document["epoch"] is None:
        lines.append("No node answers.")
        return "\n".join(lines)
    lines.append(f"{shards['count']} shards, topology epoch {document['epoch']}, metadata {document['metadata']}")
    for name, what in (("without_leader", "without a leader"), ("under_replicated", "with replicas missing")):
        if shards[name]:
            lines.append(f"{what}: {', '.join(shards[name])}")
    return "\n".join(lines)
