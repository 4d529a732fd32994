"""The verbs that look at a cluster and change it."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from themis_server.cli.admin import waiting
from themis_server.cli.admin.client import Client
from themis_server.cli.admin.output import Column, render, table
from themis_server.cli.output import print_text

_MIB = 1 << 20

_NODES = (
    Column("NODE", lambda node: node["node_id"]),
    Column("STATE", lambda node: node["state"]),
    Column("HEALTH", lambda node: node["health"]),
    Column("KIND", lambda node: node["kind"]),
    Column("RACK", lambda node: f"{node['datacenter']}/{node['rack']}"),
    Column("LEADS", lambda node: node["replicas"]["leaders"]),
    Column("VOTES", lambda node: node["replicas"]["voters"]),
    Column("LEARNS", lambda node: node["replicas"]["learners"]),
    Column("LAGGING", lambda node: node["replicas"]["lagging"]),
    Column("DISK FREE", lambda node: _size(node.get("disk", {}).get("free_bytes"))),
    Column("WHY", lambda node: node["reasons"]),
    Column("ENDPOINT", lambda node: node["endpoint"], wide=True),
    Column("PEER", lambda node: node["peer"], wide=True),
    Column("VERSION", lambda node: node["version"], wide=True),
    Column("SILENT SINCE", lambda node: node.get("unreachable_since"), wide=True),
)
_SHARDS = (
    Column("SHARD", lambda shard: shard["shard_id"]),
    Column("HEALTH", lambda shard: shard["health"]),
    Column("LEADER", lambda shard: shard["leader"]),
    Column("SETTLED", lambda shard: shard.get("settled")),
    Column("VOTERS", lambda shard: _members(shard, "voter")),
    Column("LEARNERS", lambda shard: _members(shard, "learner")),
    Column("TERM", lambda shard: shard.get("leader_term"), wide=True),
    Column("COMMIT", lambda shard: shard.get("commit"), wide=True),
    Column("LAG", lambda shard: _lags(shard), wide=True),
)
_REPLICAS = (
    Column("NODE", lambda replica: replica["node_id"]),
    Column("ROLE", lambda replica: replica["role"]),
    Column("WANTED", lambda replica: replica.get("wanted")),
    Column("STATE", lambda replica: replica["state"]),
    Column("LAG", lambda replica: replica.get("lag_entries")),
    Column("APPLIED", lambda replica: replica.get("applied")),
    Column("MATCH", lambda replica: replica.get("match"), wide=True),
)
_TOKENS = (
    Column("TOKEN ID", lambda token: token["token_id"]),
    Column("EXPIRES", lambda token: token["expires_at"]),
    Column("CREATED", lambda token: token["created_at"], wide=True),
    Column("FOR", lambda token: token["description"]),
)


def status(client: Client, options: argparse.Namespace) -> int:
    """Show the whole at one look; 1 if an operator should look at something."""
    found = client.get("/api/admin/status")

    def draw(wide: bool) -> str:
        nodes, shards, metadata = found["nodes"], found["shards"], found["metadata"]
        lines = [
            f"cluster {found['cluster']}, topology epoch {found['epoch']}, as {found['node_id']} sees it",
            f"nodes     {_counts(nodes)}",
            f"shards    {_counts(shards)}, {found['replicas']} replicas each",
            f"metadata  {metadata['store']}, {'available' if metadata['available'] else 'NOT AVAILABLE'}"
            + (f", led by {metadata['leader']}" if metadata.get("leader") else ""),
        ]
        if wide:
            lines.append(f"coordinator  {found['coordinator'] or '-'}")
        if found["unsettled"]:
            lines.append(f"changing  {', '.join(found['unsettled'])}")
        lines += ["", *(f"! {finding}" for finding in found["findings"])] if found["findings"] else ["", "All is well."]
        return "\n".join(lines)

    print_text(render(found, options.output, draw))
    return 1 if found["findings"] else 0


def nodes(client: Client, options: argparse.Namespace) -> int:
    """List the nodes."""
    found = client.get("/api/admin/nodes")
    return print_text(render(found, options.output, lambda wide: table(found["items"], _NODES, wide=wide)))


def node_show(client: Client, options: argparse.Namespace) -> int:
    """Describe one node."""
    found = client.get(f"/api/admin/nodes/{quote(options.node)}")

    def draw(wide: bool) -> str:
        text = table([found["node"]], _NODES, wide=wide)
        details = found.get("details")
        if details is None:
            return f"{text}\n\nIt does not answer."
        columns = (
            Column("SHARD", lambda group: group["shard_id"]),
            Column("ROLE", lambda group: group["role"]),
            Column("STATE", lambda group: group["state"]),
            Column("TERM", lambda group: group["term"]),
            Column("APPLIED", lambda group: group["applied"]),
            Column("COMMIT", lambda group: group["commit"]),
            Column("LOG", lambda group: _size(group["log_bytes"])),
        )
        return f"{text}\n\nup for {details['uptime_s']:.0f} s\n\n{table(details['groups'], columns, wide=wide)}"

    return print_text(render(found, options.output, draw))


def shards(client: Client, options: argparse.Namespace) -> int:
    """List the shards."""
    found = client.get("/api/admin/shards")

    def draw(wide: bool) -> str:
        silent = [node["node_id"] for node in found.get("unreachable") or ()]
        text = table(found["items"], _SHARDS, wide=wide)
        return f"{text}\n\nno answer from {', '.join(silent)}" if silent else text

    return print_text(render(found, options.output, draw))


def shard_show(client: Client, options: argparse.Namespace) -> int:
    """Describe one shard."""
    return _show_shard(client.get(f"/api/admin/shards/{quote(options.shard)}"), options)


def _show_shard(found: Mapping[str, Any], options: argparse.Namespace) -> int:
    def draw(wide: bool) -> str:
        return f"{table([found], _SHARDS, wide=wide)}\n\n{table(found['replicas'], _REPLICAS, wide=wide)}"

    return print_text(render(found, options.output, draw))


def transfer_leader(client: Client, options: argparse.Namespace) -> int:
    """Move the leader of a shard; answered when the new one leads."""
    body = {"target": options.node} if options.node else {}
    found = client.ask("POST", f"/api/admin/shards/{quote(options.shard)}/transfer-leader", body)
    return _said(found, options, f"{found['shard_id']} is led by {found['leader']} (term {found['leader_term']})")


def replace_replica(client: Client, options: argparse.Namespace) -> int:
    """Move a replica to another node."""
    path = f"/api/admin/shards/{quote(options.shard)}"
    body = {"source": options.source} | ({"target": options.target} if options.target else {})
    found = client.ask("POST", f"{path}/replace-replica", body)
    waiting.settled(client, options, options.shard)
    members = ", ".join(place["node_id"] for place in found["replicas"])
    return _said(found, options, f"{found['shard_id']} shall be on {members} (epoch {found['epoch']})")


def set_replicas(client: Client, options: argparse.Namespace) -> int:
    """Set how many replicas each shard shall have."""
    found = client.ask("PUT", "/api/admin/replicas", {"replicas": options.count})
    waiting.all_settled(client, options)
    return _said(found, options, f"each shard shall have {found['replicas']} replicas (epoch {found['epoch']})")


def drain(client: Client, options: argparse.Namespace) -> int:
    """Move everything off a node."""
    found = client.ask("POST", f"/api/admin/nodes/{quote(options.node)}/drain")
    waiting.drained(client, options, options.node)
    return _said(found, options, f"{found['node_id']} is {found['state']} (epoch {found['epoch']})")


def undrain(client: Client, options: argparse.Namespace) -> int:
    """Let a node that is leaving stay."""
    found = client.ask("POST", f"/api/admin/nodes/{quote(options.node)}/undrain")
    return _said(found, options, f"{found['node_id']} is {found['state']} (epoch {found['epoch']})")


def remove_node(client: Client, options: argparse.Namespace) -> int:
    """Take a node out of the cluster for good."""
    if options.wait and not options.force:
        client.ask("POST", f"/api/admin/nodes/{quote(options.node)}/drain")
        waiting.drained(client, options, options.node)
    query = "?force=true" if options.force else ""
    found = client.ask("DELETE", f"/api/admin/nodes/{quote(options.node)}{query}")
    return _said(found, options, f"{found['removed']} is removed (epoch {found['epoch']})")


def add_node(client: Client, options: argparse.Namespace) -> int:
    """Make a join token for a node, say how it is used, and with --wait wait until the node is up."""
    found = client.ask("POST", "/api/admin/join-tokens", {"ttl_s": options.ttl, "description": options.node})
    seeds = [node["peer"] for node in client.get("/api/admin/nodes")["items"] if node["peer"]]
    text = (
        f"Join token for {options.node}, good until {found['expires_at']} and not shown again:\n\n"
        f"  {found['token']}\n\n"
        f"On the new machine, with a certificate of the cluster's CA (themis-admin certs node {options.node}):\n\n"
        f"  themis-server start --set node.id={options.node} --join {','.join(seeds)} --join-token-file FILE \\\n"
        f"    --set peer.tls_cert={options.node}.pem --set peer.tls_key={options.node}-key.pem \\\n"
        "    --set peer.tls_ca=ca.pem\n"
    )
    print_text(render(found | {"join": seeds}, options.output, lambda wide: text))
    waiting.up(client, options, options.node)
    return 0


def create_token(client: Client, options: argparse.Namespace) -> int:
    """Make a join token."""
    body = {"ttl_s": options.ttl, "description": options.description}
    found = client.ask("POST", "/api/admin/join-tokens", body)
    return print_text(render(found, options.output, lambda wide: found["token"]))


def list_tokens(client: Client, options: argparse.Namespace) -> int:
    """List the join tokens."""
    found = client.get("/api/admin/join-tokens")
    return print_text(render(found, options.output, lambda wide: table(found["items"], _TOKENS, wide=wide)))


def revoke_token(client: Client, options: argparse.Namespace) -> int:
    """Revoke a join token."""
    found = client.ask("DELETE", f"/api/admin/join-tokens/{quote(options.token_id)}")
    return _said(found, options, f"join token {found['revoked']} is revoked")


def _said(found: Any, options: argparse.Namespace, sentence: str) -> int:
    return print_text(render(found, options.output, lambda wide: sentence))


def _members(shard: Mapping[str, Any], role: str) -> Sequence[str]:
    return [replica["node_id"] for replica in shard["replicas"] if replica["role"] == role]


def _lags(shard: Mapping[str, Any]) -> Sequence[str]:
    return [
        f"{replica['node_id']}={replica['lag_entries']}" for replica in shard["replicas"] if replica.get("lag_entries")
    ]


def _counts(counts: Mapping[str, int]) -> str:
    told = [f"{counts[name]} {name}" for name in ("healthy", "degraded", "down") if counts[name]]
    return f"{counts['total']}: {', '.join(told)}"


def _size(size_bytes: int | None) -> str | None:
    if size_bytes is None:
        return None
    return f"{size_bytes / (1 << 30):.1f} GiB" if size_bytes >= 1 << 30 else f"{size_bytes / _MIB:.1f} MiB"
