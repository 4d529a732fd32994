"""`--wait`: until what was asked for is so, or the time has passed."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from urllib.parse import quote

from themis_server.cli.admin.client import AdminError, Client, NotFound, Unreachable

_POLL_S = 0.5


def settled(client: Client, options: argparse.Namespace, shard: str) -> None:
    """Wait until the replicas of a shard are where the topology wants them."""

    def left() -> str:
        found = client.get(f"/api/admin/shards/{quote(shard)}")
        return "" if found.get("settled") else f"{shard} is still being changed"

    _until(options, left)


def all_settled(client: Client, options: argparse.Namespace) -> None:
    """Wait until all replicas are where the topology wants them."""

    def left() -> str:
        found = client.get("/api/admin/shards")["items"]
        moving = [shard["shard_id"] for shard in found if not shard.get("settled")]
        return f"{len(moving)} shards are still being changed" if moving else ""

    _until(options, left)


def drained(client: Client, options: argparse.Namespace, node: str) -> None:
    """Wait until a node holds no replica of a shard any more, and has no vote on the metadata.

    Where the metadata is in the cluster itself, every node keeps a copy of it until it is removed.
    """

    def left() -> str:
        shards = client.get("/api/admin/shards")["items"]
        held = sum(any(replica["node_id"] == node for replica in shard["replicas"]) for shard in shards)
        found = client.get(f"/api/admin/nodes/{quote(node)}")
        replicas = found["node"]["replicas"]
        if held:
            return f"{node} still holds {held} replicas and leads {replicas['leaders']}"
        # Counted are replicas of shards; the votes are those that it names itself, if it answers at all.
        own = found.get("details", {}).get("groups", [])
        votes = replicas["voters"] or any(group["role"] == "voter" for group in own)
        return f"{node} still has a vote on the metadata" if votes else ""

    _until(options, left)


def up(client: Client, options: argparse.Namespace, node: str) -> None:
    """Wait until a node has joined and is up."""

    def left() -> str:
        try:
            found = client.get(f"/api/admin/nodes/{quote(node)}")["node"]
        except NotFound:
            return f"{node} has not joined yet"
        well = found["state"] == "up" and found["health"] == "healthy"
        return "" if well else f"{node} is {found['state']}, {found['health']}"

    _until(options, left)


def _until(options: argparse.Namespace, left: Callable[[], str]) -> None:
    """Poll until `left` returns nothing; its last word is shown as it changes. Does nothing without --wait.

    Raises:
        AdminError: the time has passed; what was asked for goes on.
    """
    if not options.wait:
        return
    deadline_s = time.monotonic() + options.timeout
    shown = ""
    while True:
        try:
            why = left()
        except Unreachable as error:  # the node that was asked may be the one that restarts
            why = str(error).splitlines()[0]
        if not why:
            return
        if why != shown:
            print(why, file=sys.stderr, flush=True)
            shown = why
        if time.monotonic() >= deadline_s:
            raise AdminError(f"not done after {options.timeout:g} s, and it goes on: {why}")
        time.sleep(_POLL_S)
