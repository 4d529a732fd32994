"""Views of the store that snapshots are sent from: taken at one entry, shared by all who need that state, let go of.

A pinned view keeps RocksDB from reclaiming what was replaced since. So their number is bounded, and one that nobody
sends from any more is released after a while, or at once when another group needs its place.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass

from themis_server.clock import Clock
from themis_server.replication.ports import Provided
from themis_server.replication.snapshot.manifest import FORMAT, Manifest, encode, kind_of
from themis_server.statemachine.machine import load_state
from themis_server.storage.engine import Engine, ReadView

_UNUSED_S = 1.0
"""How long a pin that was asked for and not used yet keeps its place: its Raft message comes in the same turn."""


@dataclass(eq=False, slots=True)
class Pin:
    """A state that can be sent."""

    manifest: Manifest
    provided: Provided
    view: ReadView
    uses: int
    idle_since_s: float
    used: bool = False


class Pins:
    """The pinned states of a node, one a group. Thread-safe: the driver pins, transfers use and let go."""

    def __init__(self, engine: Engine, clock: Clock, *, prefix: str, pins_max: int, linger_s: float = 10.0) -> None:
        """Pin nothing yet.

        Args:
            engine: the state.
            clock: for the time that a pin is idle.
            prefix: what names of contents made here begin with, other than those of any other node and run; of the
                characters that `Manifest.name` takes.
            pins_max: groups that are pinned at once.
            linger_s: how long a pin that nobody uses is kept for the next replica that needs it, unless its place
                is needed.
        """
        self._engine = engine
        self._clock = clock
        self._prefix = prefix
        self._pins_max = pins_max
        self._linger_s = linger_s
        self._pins: dict[int, Pin] = {}
        self._outdated: list[Pin] = []
        self._gave_way: list[tuple[int, bytes]] = []
        self._made = 0
        self._lock = threading.Lock()

    def request(self, group: int, lowest_index: int, membership: bytes) -> Provided | None:
        """Return a state of the group at `lowest_index` or later, pinned now if there is none; None: not now.

        Args:
            group: whose state.
            lowest_index: the first log entry after which the state is of use.
            membership: the group's members, where the machine's state does not say.
        """
        with self._lock:
            pin = self._pins.get(group)
            if pin is not None and pin.provided.index >= lowest_index:
                return pin.provided
            if pin is None and not self._has_place():
                return None
            view = self._engine.snapshot()
            state = load_state(view, group)
            if not state.applied_index or state.applied_index < lowest_index:
                view.release()
                return None
            if pin is not None:
                self._retire(self._pins.pop(group))
            self._made += 1
            name = f"{self._prefix}-{self._made}"
            manifest = Manifest(FORMAT, group, state.applied_index, state.applied_term, kind_of(group), name)
            members = state.membership or membership
            provided = Provided(state.applied_index, state.applied_term, members, encode(manifest))
            self._pins[group] = Pin(manifest, provided, view, 0, self._clock.monotonic_s())
            return provided

    def _has_place(self) -> bool:
        """Whether one more group may be pinned; one that lingers gives way."""
        if len(self._pins) < self._pins_max:
            return True
        now_s = self._clock.monotonic_s()
        idle = [
            (pin.idle_since_s, group)
            for group, pin in self._pins.items()
            if not pin.uses and (pin.used or now_s - pin.idle_since_s >= _UNUSED_S)
        ]
        if idle:
            self._gave_way += self._release([min(idle)[1]])
        return bool(idle)

    def acquire(self, group: int, manifest: bytes) -> Pin | None:
        """Return the pin that `manifest` names, to be given back with `done`; None if it is gone."""
        with self._lock:
            pin = self._pins.get(group)
            if pin is None or pin.provided.manifest != manifest:
                return None
            pin.uses += 1
            pin.used = True
            return pin

    def offers(self, group: int, manifest: bytes) -> bool:
        """Whether `manifest` names a state that can be had."""
        with self._lock:
            pin = self._pins.get(group)
            return pin is not None and pin.provided.manifest == manifest

    def done(self, pin: Pin) -> None:
        """Give a pin back."""
        with self._lock:
            pin.uses -= 1
            pin.idle_since_s = self._clock.monotonic_s()
            if pin.uses == 0 and pin in self._outdated:
                self._outdated.remove(pin)
                pin.view.release()

    def _retire(self, pin: Pin) -> None:
        if pin.uses:
            self._outdated.append(pin)
        else:
            pin.view.release()

    def expire(self) -> list[tuple[int, bytes]]:
        """Release what was idle for too long.

        Returns (group, manifest) of each, and of those that gave way since the last call: Raft must not offer them.
        """
        with self._lock:
            due_s = self._clock.monotonic_s() - self._linger_s
            idle = [group for group, pin in self._pins.items() if not pin.uses and pin.idle_since_s <= due_s]
            gave_way, self._gave_way = self._gave_way, []
            return gave_way + self._release(idle)

    def forget(self, group: int) -> list[tuple[int, bytes]]:
        """Offer the state of a group no longer: its content was damaged on the way, or the group leaves this node."""
        with self._lock:
            return self._release([group] if group in self._pins else [])

    def _release(self, groups: list[int]) -> list[tuple[int, bytes]]:
        released = []
        for group in groups:
            pin = self._pins.pop(group)
            released.append((group, pin.provided.manifest))
            self._retire(pin)
        return released

    def release_all(self) -> None:
        """Release every view, also those in use: the store is about to be closed."""
        with self._lock:
            for pin in [*self._pins.values(), *self._outdated]:
                pin.view.release()
            self._pins.clear()
            self._outdated.clear()

    @property
    def held(self) -> int:
        """How many views are pinned."""
        with self._lock:
            return len(self._pins) + len(self._outdated)
