"""The peer port of a node: who may speak to it, and the three kinds of connection on their loops.

Raft loop    listener (takes every connection), streams (Raft)
event loop   calls (made to others), service (answered)
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Iterable

from themis_server import __version__
from themis_server.config import Config
from themis_server.config.addresses import format_host_port
from themis_server.errors import StartRefusedError
from themis_server.ids import raft_id
from themis_server.metadata import releases
from themis_server.metadata.topology import Topology
from themis_server.observability.log import get_logger
from themis_server.peer import (
    KIND_BULK,
    KIND_CALLS,
    KIND_RAFT,
    Counters,
    Handler,
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
)
from themis_server.replication.thread import DriverThread
from themis_server.security.tls import PeerTls, TlsFilesError, expiry_warning
from themis_server.storage.directory import Identity as DirectoryIdentity

_log = get_logger(__name__)
JOIN = "cluster.join"


class Doorman:
    """Says who this node is, and decides whom it speaks to, by the newest topology it knows.

    Read by both loops: the topology is one attribute, replaced as a whole.
    """

    def __init__(self, config: Config, directory: DirectoryIdentity, seen: Topology | None) -> None:
        """Begin with the topology that this node has seen last.

        Raises `StartRefusedError` if its cluster has gone on to a release that this is older than.
        """
        self._node = config.node
        self._instance = directory.instance
        self.topology = seen
        why = releases.objection(seen.release, __version__) if seen else ""
        if why:
            raise StartRefusedError(f"node {config.node.id!r} cannot go on with {config.node.data_dir}: {why}")

    def identity(self) -> Identity:
        """Return what this node says of itself."""
        known = self.topology
        return Identity(
            self._node.cluster,
            self._node.id,
            raft_id(self._node.id),
            self._instance,
            known.epoch if known else 0,
            __version__,
            known.cluster if known else "",
        )

    def admit(self, other: Identity) -> Refusal | None:
        """Return why `other` is not spoken to; None if it is."""
        known = self.topology
        if known is None:
            return None  # this node is about to join: it knows nobody, and its certificate tells the cluster
        if other.instance in known.removed:
            return Refusal("removed_node", f"node {other.node_id!r} was removed from the cluster")
        why = releases.objection(known.release, other.release)
        if why:
            return Refusal("version_unsupported", f"node {other.node_id!r} is not spoken to: {why}")
        entry = known.node(other.node_id)
        if entry is None:
            if other.epoch > known.epoch:
                return None  # it knows a newer topology, in which it may well be
            return Refusal("unknown_node", f"epoch {known.epoch} has no node {other.node_id!r}; it must join first")
        if entry.instance and entry.instance != other.instance:
            return Refusal(
                "duplicate_node",
                f"node {other.node_id!r} has another data directory (instance {entry.instance[:8]}..., not "
                f"{other.instance[:8]}...): give the new node a name of its own",
            )
        return None


class PeerPort:
    """The opened peer port."""

    def __init__(self, config: Config, doorman: Doorman) -> None:
        """Load the certificates; raises `StartRefusedError`."""
        peer = config.peer
        self._peer = peer
        self._doorman = doorman
        self.counters = Counters()
        """Of the event loop: calls, made and answered."""
        self.stream_counters = Counters()
        """Of the Raft loop: connections taken, and streams."""
        self.tls: PeerTls | None = None
        if not peer.allow_insecure or peer.tls_cert:
            try:
                self.tls = PeerTls(peer.tls_cert, peer.tls_key, peer.tls_ca)
            except TlsFilesError as error:
                raise StartRefusedError(str(error)) from error
            name = self.tls.own.name
            if (name.cluster, name.name) != (config.node.cluster, config.node.id):
                raise StartRefusedError(
                    f"peer.tls_cert: {peer.tls_cert} is the certificate of node {name.name!r} of cluster "
                    f"{name.cluster!r}; this is node {config.node.id!r} of cluster {config.node.cluster!r}"
                )
        self._limits = PeerLimits.of(peer)
        self._peering = Peering(doorman.identity, doorman.admit, self.tls, self._limits, Roster())
        self.calls = PeerCalls(self._peering, self.counters)
        self.heard: Callable[[str], None] = lambda node_id: None
        """Told on the event loop that a stream to a node stands."""
        self.lost: Callable[[str], None] = lambda node_id: None
        """Told on the event loop that one broke."""
        self._service: PeerService | None = None
        self._streams: RaftStreams | None = None
        self._listener: PeerListener | None = None
        self.handlers: dict[str, Handler] = {}
        self.address = ""
        """HOST:PORT that the topology publishes."""

    def make_streams(self, thread: Callable[[], DriverThread]) -> RaftStreams:
        """Return the streams, which is what the driver sends through; `thread` takes what comes in."""
        loop = asyncio.get_running_loop()

        def connected(peer: int, version: int) -> None:
            thread().connected(peer, version)
            loop.call_soon_threadsafe(lambda: self._tell(self.heard, peer))

        def disconnected(peer: int) -> None:
            thread().disconnected(peer)
            loop.call_soon_threadsafe(lambda: self._tell(self.lost, peer))

        self._streams = RaftStreams(
            self._peering,
            self.stream_counters,
            on_envelope=lambda sender, payload: thread().envelope(sender, payload),
            on_connected=connected,
            on_disconnected=disconnected,
        )
        return self._streams

    def _tell(self, whom: Callable[[str], None], peer: int) -> None:
        topology = self._doorman.topology
        node = topology.by_raft_id(peer) if topology else None
        if node is not None:
            whom(node.node_id)

    async def open(self, thread: DriverThread) -> None:
        """Listen; `thread` has a running loop. Raises `StartRefusedError`."""
        assert self._streams is not None
        streams = self._streams
        here = asyncio.get_running_loop()
        self._service = PeerService(self._peering, self.counters, self.handlers, open_methods=frozenset({JOIN}))
        self._listener = PeerListener(
            self._peer.host,
            self._peer.port,
            routes={
                KIND_RAFT: Route(thread.loop, streams.accept),
                KIND_CALLS: Route(here, self._service.accept_calls),
                KIND_BULK: Route(here, self._service.accept_bulk),
            },
            limits=self._limits,
            counters=self.stream_counters,
        )
        listener = self._listener

        async def begin() -> None:
            streams.start()
            await listener.start()

        self._service.start()
        await asyncio.wrap_future(thread.run(begin()))
        self.address = self._peer.advertise or format_host_port(self._peer.host, listener.port)

    def take(self, topology: Topology, thread: DriverThread) -> None:
        """Know the nodes of a newer topology: whom to dial, and whom not to speak to any more."""
        self._doorman.topology = topology
        me = self._doorman.identity().node_id
        addresses = addresses_of(topology)
        addresses.pop(raft_id(me), None)
        streams, service = self._streams, self._service
        assert streams is not None
        thread.loop.call_soon_threadsafe(streams.set_peers, addresses)
        if service is not None:
            service.review()

    async def close_calls(self, drain_s: float) -> None:
        """Answer what was asked, make no more calls."""
        if self._service is not None:
            await self._service.stop(drain_s)
        self.calls.stop()

    async def close_streams(self) -> None:
        """Stop listening and sending; on the Raft loop, when the driver has handed its groups over."""
        if self._listener is not None:
            self._listener.stop()
        if self._streams is not None:
            self._streams.stop()

    def streams_to(self, peers: Iterable[int]) -> frozenset[int]:
        """Return to which of these nodes (raft ids) a stream stands; for figures, so read from any loop."""
        streams = self._streams
        return frozenset() if streams is None else frozenset(filter(streams.connected, peers))

    @property
    def certificate_expires_ms(self) -> int | None:
        """When this node's certificate ends, in milliseconds since 1970; None without TLS."""
        return None if self.tls is None else self.tls.own.expires_ms

    def warning(self, now_ms: int) -> str | None:
        """Return what an operator must know of the certificate, if anything."""
        if self.tls is None:
            return None
        own = self.tls.own
        return expiry_warning(own.name.name, own.expires_ms, now_ms)


def addresses_of(topology: Topology) -> dict[int, PeerAddress]:
    """Return where the peer ports of all nodes are, by raft id; a node without one is left out."""
    return {node.raft_id: PeerAddress.of(node.node_id, node.peer) for node in topology.nodes if node.peer}


def bind(host: str, port: int) -> socket.socket:
    """Return a socket bound for clients; raises `StartRefusedError`."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
    except OSError as error:
        raise StartRefusedError(
            f"cannot listen on {host} port {port}: {error.strerror or error}; another port: --port N"
        ) from error
    listener.setblocking(False)
    return listener


def seeds(join: tuple[str, ...]) -> list[PeerAddress]:
    """Return where to ask to join."""
    return [PeerAddress.of("", address) for address in join]


__all__ = ["JOIN", "Doorman", "PeerPort", "addresses_of", "bind", "seeds"]
