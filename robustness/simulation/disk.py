"""The disks of a node, whose machine may lose its power at any operation.

RocksDB's promise, which this engine keeps and no more: after a power failure the store holds everything up to the last
sync, and of the writes after it some prefix, in the order in which they were made; a write is there whole or not at
all. After the end of the process alone (kill -9), it holds every write.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from random import Random

from themis_server.storage.engine import Overlay
from themis_server.storage.memory import MemoryEngine, MemoryLoad

_REPLICATED = frozenset(b"ECDFIJKR")
_METADATA = frozenset(b"KR")


class PowerLoss(BaseException):
    """The node's machine lost its power, here and now. No code under test may catch it."""


class Power:
    """The power supply of one node, shared by its disks and its network card."""

    def __init__(self) -> None:
        self._left: int | None = None
        self._begins_at = ""
        self.lost = False
        """It has failed: no operation can be done until it is restored."""
        self.where = ""
        """At which operation it failed."""

    def fail_after(self, operations: int, begins_at: str = "") -> None:
        """Let the power fail at the operation after `operations` further ones.

        Args:
            operations: how many still succeed.
            begins_at: counted from the first operation of this name on; empty: from now on.
        """
        self._left, self._begins_at = operations, begins_at

    def restore(self) -> None:
        """Let there be power, and let it stay."""
        self._left = None
        self.lost = False
        self.where = ""

    @property
    def failing(self) -> bool:
        """Whether a failure is about to come."""
        return self._left is not None

    def use(self, where: str) -> None:
        """Do one operation. Raises `PowerLoss` when it is the one that fails; nothing of it takes effect."""
        if self.lost:
            raise PowerLoss(where)
        if self._left is None or (self._begins_at and self._begins_at != where):
            return
        self._begins_at = ""
        if self._left == 0:
            self._left = None
            self.lost = True
            self.where = where
            raise PowerLoss(where)
        self._left -= 1


class SimulatedDisk(MemoryEngine):
    """One database of a node, which shares a power supply with the other."""

    def __init__(self, name: str, power: Power, on_sync: Callable[[], None], on_slice: Callable[[], None]) -> None:
        """Make an empty disk.

        Args:
            name: for traces.
            power: the node's power supply.
            on_sync: called in every sync, before it takes effect: lets time pass.
            on_slice: the same for each slice of a load that takes the place of a state.
        """
        super().__init__()
        self._name = name
        self._power = power
        self._on_sync = on_sync
        self._on_slice = on_slice

    def write(self, overlay: Overlay) -> None:
        """Apply a write; it is visible at once and durable after the next sync."""
        self._power.use(f"{self._name} write")
        super().write(overlay)

    def sync(self) -> None:
        """Make everything written so far durable."""
        self._power.use(f"{self._name} sync")
        self._on_sync()
        super().sync()

    def bulk_load(self, name: str) -> MemoryLoad:
        """Begin to lay down pairs under `name`."""
        self._power.use(f"{self._name} load")
        return super().bulk_load(name)

    def discard_load(self, name: str) -> None:
        """Remove a load."""
        self._power.use(f"{self._name} discard")
        super().discard_load(name)

    def replace(self, ranges: Sequence[tuple[bytes, bytes]], name: str, *, verify: bool = False) -> Iterator[None]:
        """Let a load take the place of `ranges`, in slices; the power may fail before each."""
        slices = super().replace(ranges, name, verify=verify)

        def powered() -> Iterator[None]:
            while True:
                self._power.use(f"{self._name} replace")
                self._on_slice()
                try:
                    next(slices)
                except StopIteration:
                    return
                yield

        return powered()

    def lose_power(self, random: Random) -> int:
        """Keep what was synced and a random prefix of what came after; return how many writes were lost."""
        kept = random.randint(0, self.unsynced)
        lost = self.unsynced - kept
        self.crash(kept)
        return lost

    def end_process(self) -> None:
        """Keep every write, and nothing that only the process knew."""
        self.crash(self.unsynced)


class StateDisk(SimulatedDisk):
    """The database of the state, which keeps a digest of each group's keys up to date.

    Two replicas that applied the same entries have the same digest. Left out is what each replica keeps for itself: the
    membership in the encoding of the Raft core, and what was seen of the topology.
    """

    def __init__(self, name: str, power: Power, on_sync: Callable[[], None], on_slice: Callable[[], None]) -> None:
        super().__init__(name, power, on_sync, on_slice)
        self._digests: dict[int, int] = {}

    def digest(self, group: int) -> int:
        """Return the digest of a group's keys; comparable within one process of Python."""
        return self._digests.get(group, 0)

    def _set(self, key: bytes, value: bytes | None, undo: list[tuple[bytes, bytes | None]]) -> None:
        if key[0] in _REPLICATED:
            old = self._values.get(key)
            if old is not None:
                self._toggle(key, old)
            if value is not None:
                self._toggle(key, value)
        super()._set(key, value, undo)

    def _clear(self, start: bytes, end: bytes, undo: list[tuple[bytes, bytes | None]]) -> None:
        before = len(undo)
        super()._clear(start, end, undo)
        for key, old in undo[before:]:
            if key[0] in _REPLICATED and old is not None:
                self._toggle(key, old)

    def _toggle(self, key: bytes, value: bytes) -> None:
        group = 0 if key[0] in _METADATA else int.from_bytes(key[1:3])
        self._digests[group] = self._digests.get(group, 0) ^ hash((key, value))
