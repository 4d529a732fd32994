"""Which instance of each node is connected: two nodes of one name are noticed here."""

from __future__ import annotations

import threading

from themis_server.peer.hello import Refusal
from themis_server.peer.identity import Identity

__all__ = ["Roster"]


class Roster:
    """The nodes that have open connections with this one, whichever loop they belong to. Thread-safe."""

    __slots__ = ("_lock", "_present")

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._present: dict[str, tuple[str, set[object]]] = {}
        """Node id -> its instance, and its connections."""

    def enter(self, identity: Identity, connection: object) -> Refusal | None:
        """Note a connection; refused while another instance of the same name has one."""
        with self._lock:
            instance, connections = self._present.setdefault(identity.node_id, (identity.instance, set()))
            if instance != identity.instance:
                return Refusal(
                    "duplicate_node",
                    f"a node that is called {identity.node_id} is connected, and this is another one "
                    f"(instances {instance} and {identity.instance})",
                )
            connections.add(connection)
            return None

    def leave(self, identity: Identity, connection: object) -> None:
        """Forget a connection; harmless if it is not noted."""
        with self._lock:
            present = self._present.get(identity.node_id)
            if present is not None:
                present[1].discard(connection)
                if not present[1]:
                    del self._present[identity.node_id]
