"""Who a node says it is, and where one is found."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from msgspec import Struct

from themis_server import ids
from themis_server.config.addresses import format_host_port, parse_host_port

__all__ = ["Identity", "PeerAddress"]

_INSTANCE: Final = re.compile(r"[0-9a-f]{32}", re.ASCII)
_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,62}", re.ASCII)
_TEXT_MAX: Final = 64
_EPOCH_MAX: Final = 1 << 63


class Identity(Struct, frozen=True, array_like=True):
    """What a node says of itself when it greets another.

    Fields may be added at the end, with defaults: older nodes skip what they do not know.
    """

    cluster: str
    """Name of its cluster (`node.cluster`), which its certificate names too."""
    node_id: str
    """Its name, unique in the cluster; its certificate names it."""
    raft_id: int
    """`ids.raft_id(node_id)`."""
    instance: str
    """32 hex digits, drawn once for a data directory: two of one name are two nodes."""
    epoch: int
    """Newest topology it knows, 0 for none."""
    release: str
    """Version of its program, for a person."""
    cluster_id: str = ""
    """What the cluster drew when it was founded; empty while the node does not know it."""

    def sound(self) -> bool:
        """Tell whether every field is of the form that it must have."""
        return (
            _NAME.fullmatch(self.cluster) is not None
            and _NAME.fullmatch(self.node_id) is not None
            and self.raft_id == ids.raft_id(self.node_id)
            and _INSTANCE.fullmatch(self.instance) is not None
            and 0 <= self.epoch < _EPOCH_MAX
            and len(self.release) <= _TEXT_MAX
            and len(self.cluster_id) <= _TEXT_MAX
        )


class PeerAddress(NamedTuple):
    """Where a node's peer port is.

    With an empty `node_id` (and raft id 0) it means whichever node of the cluster answers there: the address of a seed.
    """

    node_id: str
    raft_id: int
    host: str
    port: int

    @classmethod
    def of(cls, node_id: str, peer: str) -> PeerAddress:
        """Make the address of a node from its `HOST:PORT`; raises ValueError if it is none."""
        host, port = parse_host_port(peer)
        return cls(node_id, ids.raft_id(node_id) if node_id else 0, host, port)

    @property
    def where(self) -> str:
        """`HOST:PORT`, for logs and errors."""
        return format_host_port(self.host, self.port)
