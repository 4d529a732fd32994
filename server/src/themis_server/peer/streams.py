"""Raft's streams: one connection to each peer for what is sent, one from each for what is received.

Everything here belongs to the Raft loop. Sending never waits: an envelope that finds no stream, or a queue that is
full, is dropped and counted, and Raft sends its messages again. Envelopes of one stream arrive in the order they were
sent.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping
from typing import Final

from themis_server.observability import log
from themis_server.peer.backoff import Backoff
from themis_server.peer.counters import Counters
from themis_server.peer.frames import HEADER_BYTES
from themis_server.peer.hello import Greeted, Refusal
from themis_server.peer.identity import PeerAddress
from themis_server.peer.link import Closed, Link, Peering
from themis_server.peer.listener import Accepted
from themis_server.peer.sockets import KIND_RAFT, connect
from themis_server.peer.watch import Watch

__all__ = ["RaftStreams"]

_log = log.get_logger(__name__).limited()

_RETRY_FIRST_S: Final = 0.05
_RETRY_MOST_S: Final = 1.0
_HELD_S: Final = 1.0
"""A stream that held for less counts as a failed try: otherwise one that is closed at once would be retried at once."""


class RaftStreams:
    """Sends and receives opaque envelopes.

    Args:
        peering: what this node's connections share.
        counters: of the Raft loop.
        on_envelope: takes an envelope and the raft id of its sender. Raises MalformedFrame (or a subclass) if it is not
            one; the stream is then closed and the case counted.
        on_connected: what is sent to this peer from now on can arrive; what was sent before may be lost. Told with the
            raft id the version of the protocol that both speak, which holds until this is called again.
        on_disconnected: a stream to or from this peer broke. Both usually break together, so this may come twice, and
            it is not paired with `on_connected`.
        jitter: returns numbers in [0, 1) that spread retries.
    """

    def __init__(
        self,
        peering: Peering,
        counters: Counters,
        *,
        on_envelope: Callable[[int, bytes], None],
        on_connected: Callable[[int, int], None],
        on_disconnected: Callable[[int], None],
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self.counters = counters
        self._peering = peering
        self._on_envelope = on_envelope
        self._on_connected = on_connected
        self._on_disconnected = on_disconnected
        self._jitter = jitter
        self._loop: asyncio.AbstractEventLoop | None = None
        self._watch = Watch(peering.limits)
        self._outgoing: dict[int, _Outgoing] = {}
        self._incoming: dict[int, Link] = {}
        self._accepting: set[Link] = set()
        self._running = False

    def start(self) -> None:
        """Begin; called on the Raft loop before anything else here."""
        self._loop = asyncio.get_running_loop()
        self._running = True
        self._watch.start(self._loop)

    def stop(self) -> None:
        """Close all streams; nobody is told of these ends any more."""
        self._running = False
        self._watch.stop()
        for outgoing in self._outgoing.values():
            outgoing.stop()
        self._outgoing.clear()
        for link in [*self._accepting, *self._incoming.values()]:
            link.close("this node stops")

    def set_peers(self, peers: Mapping[int, PeerAddress]) -> None:
        """Keep streams to these peers (by raft id) and to no others; streams of nodes no longer admitted are closed."""
        assert self._loop is not None, "started"
        for raft_id, outgoing in list(self._outgoing.items()):
            if peers.get(raft_id) != outgoing.address:
                del self._outgoing[raft_id]
                outgoing.stop()
        for raft_id, address in peers.items():
            if raft_id not in self._outgoing:
                outgoing = self._outgoing[raft_id] = _Outgoing(self, self._loop, address)
                outgoing.dial()
        for link in list(self._incoming.values()):
            if link.identity is not None:
                refusal = self._peering.admit(link.identity)
                if refusal is not None:
                    link.close(refusal.detail, refusal)

    def send(self, to: int, envelope: bytes) -> None:
        """Send an envelope (at least one byte) to a peer, or drop it.

        What the socket takes is on its way when this returns, even if the caller then blocks the loop.
        """
        outgoing = self._outgoing.get(to)
        link = None if outgoing is None else outgoing.link
        limits = self._peering.limits
        size = len(envelope)
        if (
            link is None
            or not link.open
            or not 0 < size <= limits.frame_bytes_max
            or (link.outbox.queued_bytes and link.outbox.queued_bytes + size + HEADER_BYTES > limits.queue_bytes_max)
        ):
            self.counters.envelopes_dropped += 1
            self.counters.envelope_bytes_dropped += size
            return
        link.send(envelope)

    def reject(self, frm: int, why: str) -> None:
        """Close the stream from a peer that sent something malformed, which was only found out later."""
        link = self._incoming.get(frm)
        if link is not None:
            link.malformed(why)

    def connected(self, to: int) -> bool:
        """Tell whether there is a stream to a peer."""
        outgoing = self._outgoing.get(to)
        return outgoing is not None and outgoing.link is not None and outgoing.link.open

    def accept(self, accepted: Accepted) -> None:
        """Take a connection of kind R from the listener."""
        if not self._running or self._loop is None:
            accepted.close()
            return
        link = Link(
            self._loop,
            accepted.sock,
            _Incoming(self),
            self._peering,
            self.counters,
            where=accepted.where,
            permit=accepted.permit,
        )
        self._accepting.add(link)
        link.start()

    # --- what the links tell

    def incoming_opened(self, link: Link, raft_id: int) -> None:
        """Take a greeted stream; an older one of the same node is over."""
        self._accepting.discard(link)
        old = self._incoming.get(raft_id)
        self._incoming[raft_id] = link
        self._watch.links.add(link)
        if old is not None:
            old.close("replaced by a newer connection of the same node")

    def incoming_closed(self, link: Link, why: Closed) -> None:
        """Forget a stream that was accepted, and say so unless a newer one took its place."""
        self._accepting.discard(link)
        self._watch.links.discard(link)
        if link.identity is None:
            return
        raft_id = link.identity.raft_id
        if self._incoming.get(raft_id) is link:
            del self._incoming[raft_id]
            self._say_disconnected(raft_id, link.identity.node_id, why)

    def deliver(self, raft_id: int, payload: bytes) -> None:
        """Hand on what a stream received."""
        self._on_envelope(raft_id, payload)

    def outgoing_opened(self, outgoing: _Outgoing, link: Link) -> None:
        """Tell that a peer can be sent to."""
        self._watch.links.add(link)
        release = link.identity.release if link.identity else ""
        _log.info(
            "peer.connected",
            peer=outgoing.address.node_id,
            address=outgoing.address.where,
            version=link.version,
            release=release,
        )
        self._on_connected(outgoing.address.raft_id, link.version)

    def outgoing_closed(self, outgoing: _Outgoing, link: Link, why: Closed, *, was_open: bool) -> None:
        """Tell that a peer cannot be sent to any more."""
        self._watch.links.discard(link)
        if was_open:
            self._say_disconnected(outgoing.address.raft_id, outgoing.address.node_id, why)

    def new_backoff(self) -> Backoff:
        """Return how retries to one peer are spread."""
        return Backoff(_RETRY_FIRST_S, _RETRY_MOST_S, self._jitter)

    @property
    def peering(self) -> Peering:
        """What this node's connections share."""
        return self._peering

    def _say_disconnected(self, raft_id: int, node_id: str, why: Closed) -> None:
        if self._running:
            _log.info("peer.disconnected", peer=node_id, reason=why.detail)
            self._on_disconnected(raft_id)


class _Incoming:
    """Owns one accepted link."""

    __slots__ = ("_raft_id", "_streams")

    def __init__(self, streams: RaftStreams) -> None:
        self._streams = streams
        self._raft_id = 0

    def greeted(self, link: Link, greeted: Greeted) -> Refusal | None:
        self._raft_id = greeted.identity.raft_id
        return None

    def opened(self, link: Link) -> None:
        self._streams.incoming_opened(link, self._raft_id)

    def received(self, link: Link, payload: bytes) -> None:
        self._streams.deliver(self._raft_id, payload)

    def closed(self, link: Link, why: Closed) -> None:
        self._streams.incoming_closed(link, why)


class _Outgoing:
    """Keeps one peer dialled."""

    def __init__(self, streams: RaftStreams, loop: asyncio.AbstractEventLoop, address: PeerAddress) -> None:
        self.address = address
        self.link: Link | None = None
        self._streams = streams
        self._loop = loop
        self._backoff = streams.new_backoff()
        self._dialling: asyncio.Task[None] | None = None
        self._retry: asyncio.TimerHandle | None = None
        self._opened_s: float | None = None
        self._stopped = False

    def dial(self) -> None:
        self._retry = None
        self._dialling = self._loop.create_task(self._dial())

    def stop(self) -> None:
        self._stopped = True
        if self._retry is not None:
            self._retry.cancel()
        if self._dialling is not None:
            self._dialling.cancel()
        if self.link is not None:
            self.link.close("not a peer any more")

    async def _dial(self) -> None:
        peering = self._streams.peering
        try:
            async with asyncio.timeout(peering.limits.connect_timeout_s):
                sock = await connect(self._loop, self.address, KIND_RAFT)
        except OSError as error:  # TimeoutError is one
            self._failed(str(error) or "no answer in time")
            return
        finally:
            self._dialling = None
        self.link = Link(
            self._loop,
            sock,
            self,
            peering,
            self._streams.counters,
            where=self.address.where,
            dialled=self.address.node_id,
        )
        self.link.start()

    def _failed(self, reason: str) -> None:
        self._streams.counters.connect_failed += 1
        _log.info("peer.unreachable", peer=self.address.node_id, address=self.address.where, reason=reason)
        self._dial_later(self._backoff.failed)

    def _dial_later(self, wait_s: Callable[[], float]) -> None:
        if not self._stopped:
            self._retry = self._loop.call_later(wait_s(), self.dial)

    def greeted(self, link: Link, greeted: Greeted) -> Refusal | None:
        return None

    def opened(self, link: Link) -> None:
        self._opened_s = self._loop.time()
        self._streams.outgoing_opened(self, link)

    def received(self, link: Link, payload: bytes) -> None:
        """Ignore what an accepting side sends: this release sends nothing, and a newer one may say more."""

    def closed(self, link: Link, why: Closed) -> None:
        opened_s, self._opened_s = self._opened_s, None
        self.link = None
        if opened_s is None:
            if not self._stopped:
                self._failed(why.detail)
        else:
            if self._loop.time() - opened_s >= _HELD_S:
                self._backoff.succeeded()
            self._dial_later(self._backoff.broke)
        self._streams.outgoing_closed(self, link, why, was_open=opened_s is not None)
