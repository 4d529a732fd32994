"""How many may stand at the door: connections that have not been greeted yet."""

from __future__ import annotations

import threading
from collections import Counter

from themis_server.peer.limits import PeerLimits

__all__ = ["Gate", "Permit"]


class Gate:
    """Counts connections from their acceptance to their greeting, in all and by address. Thread-safe."""

    __slots__ = ("_by_address", "_limits", "_lock", "_total")

    def __init__(self, limits: PeerLimits) -> None:
        self._limits = limits
        self._lock = threading.Lock()
        self._total = 0
        self._by_address: Counter[str] = Counter()

    @property
    def waiting(self) -> int:
        """How many connections are not greeted yet."""
        return self._total

    def enter(self, address: str) -> Permit | None:
        """Let a new connection of `address` stay, or return None: it is one too many and is to be closed."""
        with self._lock:
            crowded = self._total >= self._limits.unauthenticated_max
            if crowded or self._by_address[address] >= self._limits.unauthenticated_per_address_max:
                return None
            self._total += 1
            self._by_address[address] += 1
            return Permit(self, address)

    def _leave(self, address: str) -> None:
        with self._lock:
            self._total -= 1
            self._by_address[address] -= 1
            if not self._by_address[address]:
                del self._by_address[address]


class Permit:
    """One connection's place; given back when the connection is greeted or closed."""

    __slots__ = ("_address", "_gate")

    def __init__(self, gate: Gate, address: str) -> None:
        self._gate: Gate | None = gate
        self._address = address

    def leave(self) -> None:
        """Give the place back; harmless the second time. One thread at a time has a connection."""
        gate, self._gate = self._gate, None
        if gate is not None:
            gate._leave(self._address)
