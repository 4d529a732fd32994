"""A real cluster that cases may harm: nodes are killed, paused and moved by a command that somebody else provides.

The command of `--cluster` is run once an action, with the action as its arguments, and answers a JSON object on stdout:

    COMMAND nodes                 {"nodes": [{"node_id": "node-1", "endpoint": "http://..."}, ...]}
    COMMAND kill|stop|start|pause|resume N       of the nodes above, from 0
    COMMAND lead SHARD NODE_ID    the shard is led by that node when the command ends
    COMMAND settle                all nodes run, every shard has a leader

Exit status 0 says that it is done; anything else fails the case, with what is on stderr. `settle` is run before and
after each case, so that one case does not inherit the harm of another.
"""

from __future__ import annotations

import asyncio
import json
import shlex
from typing import Any, Final

from themis_conformance.live.http import Address, NoAnswer
from themis_conformance.live.state import LiveServer
from themis_conformance.names import parse_urn
from themis_conformance.outcome import CaseFailed
from themis_conformance.ring import Ring

__all__ = ["LiveCluster"]

_ACTION_S: Final = 120.0
_SHOWN_CHARS: Final = 500


class LiveCluster:
    """The cluster behind a command. Make it with `open`."""

    def __init__(self, command: list[str], nodes: list[tuple[str, str]]) -> None:
        self._command = command
        self._nodes = nodes

    @classmethod
    async def open(cls, command: str) -> LiveCluster:
        """Ask the command for the nodes; raises ValueError when that makes no sense."""
        words = shlex.split(command)
        try:
            answer = await _run([*words, "nodes"])
            nodes = [(str(node["node_id"]), str(node["endpoint"])) for node in answer["nodes"]]
        except (CaseFailed, KeyError, TypeError, IndexError) as error:
            raise ValueError(f"the command of the cluster says no nodes: {error}") from error
        if not nodes:
            raise ValueError("the cluster has no nodes")
        return cls(words, nodes)

    @property
    def urls(self) -> list[str]:
        """Where the nodes are."""
        return [endpoint for _, endpoint in self._nodes]

    def server(self) -> LiveServer:
        """The first node, for what is made before a case and cleaned up behind it."""
        return LiveServer(Address.parse(self.urls[0]))

    async def settle(self) -> None:
        """See to it that all nodes run and every shard has a leader; raises CaseFailed."""
        await _run([*self._command, "settle"])

    async def act(self, action: str, node: int) -> None:
        """Do something to a node; raises CaseFailed."""
        if not 0 <= node < len(self._nodes):
            raise CaseFailed(f"the cluster has no node {node}")
        await _run([*self._command, action, str(node)])

    async def lead(self, shard: str, node: int) -> None:
        """Move the leader of a shard to a node; raises CaseFailed."""
        await _run([*self._command, "lead", shard, self._nodes[node][0]])

    async def leader_of(self, urn: str) -> int:
        """The node that leads the shard of an entity, by the latest word of all nodes; raises CaseFailed."""
        best: tuple[int, str] | None = None
        for url in self.urls:
            try:
                content = (await LiveServer(Address.parse(url)).call("GET", "/topology")).content()
            except (NoAnswer, OSError):
                continue
            shard = Ring.from_wire(content["tokens"]).shard_of(parse_urn(urn).uuid)
            told = next(one for one in content["shards"] if one["shard_id"] == shard)
            if told["leader"] is not None:
                best = max(best or (-1, ""), (told.get("leader_term", 0), told["leader"]))
        for number, (node_id, _) in enumerate(self._nodes):
            if best is not None and node_id == best[1]:
                return number
        raise CaseFailed(f"nobody knows who leads the shard of {urn}")


async def _run(words: list[str]) -> Any:
    try:
        process = await asyncio.create_subprocess_exec(
            *words, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
    except OSError as error:
        raise CaseFailed(f"{shlex.join(words)}: {error}") from error
    try:
        async with asyncio.timeout(_ACTION_S):
            out, err = await process.communicate()
    except TimeoutError:
        process.kill()
        await process.wait()
        raise CaseFailed(f"{shlex.join(words)} was not over after {_ACTION_S:g} s") from None
    if process.returncode != 0:
        said = err.decode("utf-8", "replace").strip()[-_SHOWN_CHARS:]
        raise CaseFailed(f"{shlex.join(words)} ended with {process.returncode}: {said}")
    try:
        return json.loads(out) if out.strip() else {}
    except ValueError:
        raise CaseFailed(f"{shlex.join(words)} answered no JSON: {out[:_SHOWN_CHARS]!r}") from None
