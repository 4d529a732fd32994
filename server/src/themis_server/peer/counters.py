"""What the peer port counts: plain numbers, for metrics and tests."""

from __future__ import annotations

from msgspec import Struct, field

__all__ = ["Counters"]


class Counters(Struct):
    """Numbers that one loop writes and anybody reads.

    Every counter but `connections` and `unauthenticated` only grows.
    """

    connections: int = 0
    """Connections that are greeted and open."""
    connected: int = 0
    """Connections that were ever greeted."""
    connect_failed: int = 0
    """Outgoing connections that came to nothing: no answer, TLS failed, no greeting in time."""
    tls_failed: int = 0
    """Connections whose TLS handshake failed: no certificate, one of another CA, or no TLS at all."""
    refused: dict[str, int] = field(default_factory=dict)
    """Greetings that this node refused, by code."""
    refused_by_peers: dict[str, int] = field(default_factory=dict)
    """Greetings of this node that others refused, by code."""
    crowded_out: int = 0
    """Connections closed at once because too many were not greeted yet."""
    too_fast: int = 0
    """Connections closed at once because an address, or all strangers together, made too many a second."""
    greeting_late: int = 0
    """Connections closed because the preamble, TLS or the greeting did not come in time."""
    bad_preambles: int = 0
    """Connections that began with something else than the preamble."""
    bad_frames: int = 0
    """Connections closed over a frame that breaks the protocol."""
    silent: int = 0
    """Connections closed because nothing was heard for too long."""
    frames_in: int = 0
    frames_out: int = 0
    bytes_in: int = 0
    """Bytes that arrived, without what TLS adds."""
    bytes_out: int = 0
    envelopes_dropped: int = 0
    """Raft envelopes not sent: no stream, or its queue is full."""
    envelope_bytes_dropped: int = 0
    calls: int = 0
    """Calls made to other nodes."""
    calls_busy: int = 0
    """Calls that were not sent because too many or too much was under way."""
    calls_unreachable: int = 0
    calls_lost: int = 0
    """Calls whose outcome is unknown."""
    calls_served: int = 0
    """Calls of other nodes that were answered, errors included."""
    handlers_crashed: int = 0
    """Calls of other nodes whose handler failed with something else than a proper error."""

    def refuse(self, code: str) -> None:
        """Count a greeting that this node refused."""
        self.refused[code] = self.refused.get(code, 0) + 1

    def refused_by_peer(self, code: str) -> None:
        """Count a greeting of this node that was refused."""
        self.refused_by_peers[code] = self.refused_by_peers.get(code, 0) + 1
