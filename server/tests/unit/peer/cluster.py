"""Nodes that talk to each other inside a test: certificates, and one node's whole peer port on the test's loop."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from themis_server import ids
from themis_server.peer import (
    KIND_BULK,
    KIND_CALLS,
    KIND_RAFT,
    SPOKEN,
    Counters,
    Identity,
    PeerAddress,
    PeerCalls,
    Peering,
    PeerLimits,
    PeerListener,
    PeerService,
    RaftStreams,
    Refusal,
    Roster,
    Route,
    Versions,
)
from themis_server.security import certificates
from themis_server.security.tls import PeerTls

WAIT_S = 20.0


async def until(condition: Callable[[], bool], what: str = "the condition") -> None:
    """Wait until `condition` holds, and fail if it takes too long."""
    deadline = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not come to hold in {WAIT_S} s"
        await asyncio.sleep(0.002)


class Certificates:
    """The certificates of one cluster."""

    def __init__(self, directory: Path, cluster: str = "prod") -> None:
        self.directory = directory
        self.now = datetime.now(UTC)
        self.authority = certificates.make_ca(directory / "ca", cluster, now=self.now)

    def issue(self, node_id: str, where: str = "nodes") -> certificates.Issued:
        directory = self.directory / where
        file = directory / f"{node_id}.pem"
        if file.exists():
            return certificates.Issued(file, directory / f"{node_id}-key.pem", directory / "ca.pem")
        return certificates.issue_node(self.authority, node_id, ["127.0.0.1"], directory, now=self.now)

    def tls(self, node_id: str) -> PeerTls:
        return PeerTls(*self.issue(node_id))


def instance_of(number: int) -> str:
    return f"{number:032x}"


@dataclass
class PeerNode:
    """A node as far as other nodes see it. Everything that reaches it is kept in lists."""

    node_id: str
    tls: PeerTls | None
    limits: PeerLimits = field(default_factory=PeerLimits)
    cluster: str = "prod"
    cluster_id: str = ""
    instance: str = instance_of(1)
    epoch: int = 1
    refusals: dict[str, Refusal] = field(default_factory=dict)
    """By node id: whom `admit` refuses."""
    versions: Versions = SPOKEN

    def __post_init__(self) -> None:
        self.events: list[tuple[str, str]] = []
        self.envelopes: list[tuple[str, bytes]] = []
        self.names: dict[int, str] = {}
        self.counters, self.call_counters = Counters(), Counters()
        self.handlers: dict[str, Callable[[Identity, bytes], Awaitable[bytes]]] = {}
        self.roster = Roster()
        self.spoken: dict[str, int] = {}
        """By node id: the version of the protocol that was agreed on last."""
        peering = Peering(self.identity, self.admit, self.tls, self.limits, self.roster, self.versions)
        self.peering = peering
        self.streams = RaftStreams(
            peering,
            self.counters,
            on_envelope=self.on_envelope,
            on_connected=self.on_connected,
            on_disconnected=lambda peer: self.events.append(("disconnected", self.names.get(peer, str(peer)))),
        )
        self.calls = PeerCalls(peering, self.call_counters)
        self.service = PeerService(peering, self.call_counters, self.handlers)
        self.listener: PeerListener | None = None

    def identity(self) -> Identity:
        return Identity(
            self.cluster,
            self.node_id,
            ids.raft_id(self.node_id),
            self.instance,
            self.epoch,
            "0.0.0",
            self.cluster_id,
        )

    def admit(self, other: Identity) -> Refusal | None:
        return self.refusals.get(other.node_id)

    def on_connected(self, peer: int, version: int) -> None:
        name = self.names.get(peer, str(peer))
        self.events.append(("connected", name))
        self.spoken[name] = version

    def on_envelope(self, frm: int, payload: bytes) -> None:
        self.envelopes.append((self.names.get(frm, str(frm)), payload))

    @property
    def raft_id(self) -> int:
        return ids.raft_id(self.node_id)

    @property
    def port(self) -> int:
        assert self.listener is not None
        return self.listener.port

    @property
    def address(self) -> PeerAddress:
        return PeerAddress(self.node_id, self.raft_id, "127.0.0.1", self.port)

    async def start(self, port: int = 0) -> PeerNode:
        loop = asyncio.get_running_loop()
        self.streams.start()
        self.calls.start()
        self.service.start()
        routes = {
            KIND_RAFT: Route(loop, self.streams.accept),
            KIND_CALLS: Route(loop, self.service.accept_calls),
            KIND_BULK: Route(loop, self.service.accept_bulk),
        }
        self.listener = PeerListener("127.0.0.1", port, routes, self.limits, self.counters)
        await self.listener.start()
        return self

    async def stop(self) -> None:
        if self.listener is not None:
            self.listener.stop()
            self.listener = None
        self.streams.stop()
        self.calls.stop()
        await self.service.stop(0)

    async def __aenter__(self) -> PeerNode:
        return await self.start()

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    def knows(self, *others: PeerNode) -> None:
        """Make others this node's peers."""
        self.names.update({other.raft_id: other.node_id for other in others})
        self.streams.set_peers({other.raft_id: other.address for other in others})


async def connected(*nodes: PeerNode) -> None:
    """Let every node know all others, and wait until all streams are there."""
    for node in nodes:
        node.knows(*(other for other in nodes if other is not node))
    for node in nodes:
        for other in nodes:
            if other is not node:
                await until(lambda node=node, other=other: node.streams.connected(other.raft_id), "a stream")  # type: ignore[misc]
