"""What a case happens on: its variables, the cluster (scripted or live), the adapter, and the clients made there."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import Any, Final

from themis_conformance.adapter import Adapter
from themis_conformance.certificates import Authority
from themis_conformance.judge.reply import value_of
from themis_conformance.live.cluster import LiveCluster
from themis_conformance.live.state import LiveServer
from themis_conformance.outcome import CaseFailed
from themis_conformance.scripted import ScriptedCluster
from themis_conformance.variables import Variables

__all__ = ["Certificates", "Stage"]

# Names of clients and iterators are unique in their process, whatever a case calls them.
_serials: Final = itertools.count(1)


class Certificates:
    """The made-up authority of a run, which comes into being when the first case needs it."""

    def __init__(self) -> None:
        self._authority: Authority | None = None

    @property
    def authority(self) -> Authority:
        """The one authority of the run."""
        if self._authority is None:
            self._authority = Authority()
        return self._authority

    def close(self) -> None:
        """Remove its files."""
        if self._authority is not None:
            self._authority.close()


@dataclass
class Stage:
    """Made for one run of one case."""

    adapter: Adapter
    mode: str
    variables: Variables
    cluster: ScriptedCluster | None
    live: LiveServer | None
    harmed: LiveCluster | None = None
    clients: dict[str, str] = field(default_factory=dict)
    """Names in the case -> names in the adapter; closed ones, too: what those do may be looked at."""
    left_open: set[str] = field(default_factory=set)
    iterators: dict[str, str] = field(default_factory=dict)
    texts: list[str] = field(default_factory=list)
    """What may show a secret: messages of errors, events."""

    def serial(self) -> int:
        """A number that nothing else in the process has."""
        return next(_serials)

    async def create_client(self, name: str, options: dict[str, Any], path: str) -> dict[str, Any]:
        """Ask the adapter for a client; returns the reply. Only a client that was made is remembered."""
        handle = f"c{self.serial()}"
        whole = {**self._defaults(), **self.variables.resolve(options)}
        whole = {option: value for option, value in whole.items() if value is not None}
        reply = await self.adapter.ask("createClient", client=handle, mode=self.mode, options=whole)
        self.note(reply)
        if "value" in reply:
            self.clients[name] = handle
            self.left_open.add(handle)
        return reply

    def _defaults(self) -> dict[str, Any]:
        if self.harmed is not None:
            endpoints = self.harmed.urls
        elif self.live is not None:
            endpoints = [self.live.url]
        else:
            assert self.cluster is not None
            endpoints = self.cluster.listening
        return {"endpoints": endpoints, "namespace": self.variables.namespace}

    def client(self, name: str | None, path: str) -> str:
        """The adapter's name of a client; None: the only one."""
        handle = self.clients.get(name or "")
        if handle is None:
            raise CaseFailed(f"{path}: the client {name!r} was not made, or is closed")
        return handle

    async def close_client(self, handle: str, path: str) -> None:
        """Close a client, by its name in the adapter."""
        self.left_open.discard(handle)
        reply = await self.adapter.ask("closeClient", client=handle)
        self.note(reply)
        value_of(reply, path)

    async def close_clients(self) -> None:
        """Close all that are still open."""
        for handle in sorted(self.left_open):
            await self.close_client(handle, "closing a client at the end")

    def note(self, reply: dict[str, Any]) -> None:
        """Keep what a program that prints errors would show."""
        error = reply.get("error")
        if error is not None:
            self.texts.append(str(error))
