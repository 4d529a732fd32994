"""How many may stand at the door, and how fast they may come: connections that have not been greeted yet.

A TLS handshake costs this node far more than whoever asks for it, and is worked on by the loop that replicates. So an
address has so many a second, and all strangers together so many; addresses from which a node was greeted are no
strangers, and a flood from elsewhere takes neither their places nor their turns.
"""

from __future__ import annotations

import threading
from collections import Counter
from typing import Final, Literal

from themis_server.peer.limits import PeerLimits

__all__ = ["Gate", "Permit", "TurnedAway"]

TurnedAway = Literal["crowded_out", "too_fast"]
"""Why a connection is closed at once: too many are not greeted yet, or too many came within a second."""

_KNOWN_MAX: Final = 1024
_RATES_MAX: Final = 4096


class _Rate:
    """What is left of a burst, refilled as time passes."""

    __slots__ = ("_at_s", "_left")

    def __init__(self, burst: float, now_s: float) -> None:
        self._left = burst
        self._at_s = now_s

    def left(self, per_s: float, burst: float, now_s: float) -> float:
        """Return how many may come now."""
        self._left = min(burst, self._left + max(0.0, now_s - self._at_s) * per_s)
        self._at_s = now_s
        return self._left

    def take(self) -> None:
        """Let one come."""
        self._left -= 1


class Gate:
    """Counts connections from their acceptance to their greeting, in all and by address. Thread-safe."""

    __slots__ = ("_by_address", "_known", "_limits", "_lock", "_rates", "_strangers", "_total")

    def __init__(self, limits: PeerLimits) -> None:
        self._limits = limits
        self._lock = threading.Lock()
        self._total = 0
        self._by_address: Counter[str] = Counter()
        self._known: dict[str, None] = {}
        self._rates: dict[str, _Rate] = {}
        self._strangers: _Rate | None = None

    @property
    def waiting(self) -> int:
        """How many connections are not greeted yet."""
        return self._total

    def enter(self, address: str, now_s: float) -> Permit | TurnedAway:
        """Let a new connection of `address` stay, or say why it is to be closed; `now_s` is any monotonic clock's."""
        limits = self._limits
        with self._lock:
            known = address in self._known
            if self._by_address[address] >= limits.unauthenticated_per_address_max:
                return "crowded_out"
            if not known and self._total >= limits.unauthenticated_max:
                return "crowded_out"
            rate = self._rate(address, now_s)
            if rate.left(limits.newcomers_per_address_per_s, limits.newcomers_per_address_burst, now_s) < 1:
                return "too_fast"
            if not known:
                if self._strangers is None:
                    self._strangers = _Rate(limits.strangers_burst, now_s)
                if self._strangers.left(limits.strangers_per_s, limits.strangers_burst, now_s) < 1:
                    return "too_fast"
                self._strangers.take()
            rate.take()
            self._total += 1
            self._by_address[address] += 1
            return Permit(self, address)

    def _rate(self, address: str, now_s: float) -> _Rate:
        rate = self._rates.get(address)
        if rate is None:
            burst = self._limits.newcomers_per_address_burst
            if len(self._rates) >= _RATES_MAX:  # those that have not come for a while have all of theirs again
                per_s = self._limits.newcomers_per_address_per_s
                self._rates = {of: kept for of, kept in self._rates.items() if kept.left(per_s, burst, now_s) < burst}
            rate = self._rates[address] = _Rate(burst, now_s)
        return rate

    def _greeted(self, address: str) -> None:
        with self._lock:
            self._known.pop(address, None)
            self._known[address] = None
            if len(self._known) > _KNOWN_MAX:
                del self._known[next(iter(self._known))]

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

    def greeted(self) -> None:
        """Give the place back, as whoever came is a node: its address is no stranger's from now on."""
        if self._gate is not None:
            self._gate._greeted(self._address)
        self.leave()

    def leave(self) -> None:
        """Give the place back; harmless the second time. One thread at a time has a connection."""
        gate, self._gate = self._gate, None
        if gate is not None:
            gate._leave(self._address)
