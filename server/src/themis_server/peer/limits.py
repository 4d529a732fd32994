"""The limits of the peer port: what `[peer]` sets, and what nobody needs to set."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from themis_server.config import Peer

__all__ = ["PeerLimits"]

_MIB: Final = 1 << 20


class PeerLimits(Struct, frozen=True, kw_only=True):
    """Bounds on what other nodes, and those who only claim to be nodes, can cost this one."""

    frame_bytes_max: int = 64 * _MIB
    """Largest frame accepted."""
    queue_bytes_max: int = 64 * _MIB
    """Most bytes that wait to be sent on one connection."""
    connect_timeout_s: float = 2.0
    """Time for a connection to be greeted, from its first packet."""
    call_timeout_s: float = 10.0
    """Time for a call whose caller grants none."""
    serve_s_max: float = 600.0
    """Longest time a call of another node is worked on, whatever its caller grants."""
    greeting_bytes_max: int = 4096
    """Largest frame of somebody who has not been greeted."""
    ping_s: float = 1.0
    """A connection on which nothing was sent for so long sends a ping."""
    silence_s: float = 5.0
    """A connection on which nothing was heard for so long is closed."""
    calls_in_flight_max: int = 1024
    """Most calls under way on one connection."""
    lane_idle_s: float = 300.0
    """A connection for calls is closed when none was made for so long."""
    unauthenticated_max: int = 256
    """Most connections that are not greeted yet."""
    unauthenticated_per_address_max: int = 64
    """Most of them from one address."""
    newcomers_per_address_per_s: float = 50.0
    """How many connections a second one address may make, in the long run; a node makes a handful."""
    newcomers_per_address_burst: int = 200
    """How many at once, after it made none for a while."""
    strangers_per_s: float = 100.0
    """How many a second all addresses together may make from which no node was greeted."""
    strangers_burst: int = 400
    """How many of these at once."""

    @classmethod
    def of(cls, peer: Peer) -> PeerLimits:
        """Take the limits from the configuration."""
        return cls(
            frame_bytes_max=peer.frame_bytes_max,
            queue_bytes_max=peer.queue_bytes_max,
            connect_timeout_s=peer.connect_timeout_s,
            call_timeout_s=peer.call_timeout_s,
        )
