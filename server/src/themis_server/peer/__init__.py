"""What nodes say to each other, as far as it is not what it means: connections, who is at the other end, calls.

Its one job is to carry opaque payloads between nodes that have proved who they are. Invariant: nothing arrives twice,
out of order within a stream, or from anybody but a node with a certificate of the cluster's CA; whatever a peer sends
or fails to read costs this node a bounded amount of memory and at most that connection. Must not know: Raft, shards,
the topology (it is handed a function that looks a node up).

    frames, hello, messages   what is on the wire: bytes in, values out; pure
    outbox                    what waits to be written; pure
    identity, roster          who a node is, and that there is one of each name
    link                      one connection: TLS, greeting, frames, signs of life
    listener, gate, sockets   the port; how many may stand at the door
    streams                   Raft's envelopes, on the Raft loop
    calls, service            calls and their handlers, on the main loop
    watch, backoff            silence, and when to try again
    errors, counters, limits
"""

from themis_server.peer.calls import Lane, PeerCalls
from themis_server.peer.counters import Counters
from themis_server.peer.errors import PeerBusy, PeerFailed, PeerLost, PeerRefused, PeerUnreachable
from themis_server.peer.frames import MalformedFrame
from themis_server.peer.hello import SPOKEN, Admit, Refusal, RefusalCode, Versions
from themis_server.peer.identity import Identity, PeerAddress
from themis_server.peer.limits import PeerLimits
from themis_server.peer.link import Peering
from themis_server.peer.listener import PeerListener, Route
from themis_server.peer.roster import Roster
from themis_server.peer.service import Handler, PeerService
from themis_server.peer.sockets import KIND_BULK, KIND_CALLS, KIND_RAFT
from themis_server.peer.streams import RaftStreams

__all__ = [
    "KIND_BULK",
    "KIND_CALLS",
    "KIND_RAFT",
    "SPOKEN",
    "Admit",
    "Counters",
    "Handler",
    "Identity",
    "Lane",
    "MalformedFrame",
    "PeerAddress",
    "PeerBusy",
    "PeerCalls",
    "PeerFailed",
    "PeerLimits",
    "PeerListener",
    "PeerLost",
    "PeerRefused",
    "PeerService",
    "PeerUnreachable",
    "Peering",
    "RaftStreams",
    "Refusal",
    "RefusalCode",
    "Roster",
    "Route",
    "Versions",
]
