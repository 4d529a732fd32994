"""An engine in memory with the same promises, for unit tests and the simulator.

Unlike a disk it can be told what a crash leaves behind: `crash()` forgets what was not synced, or keeps the older part
of it, as a power failure does. For that it notes what each unsynced write replaced; a sync forgets the notes.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterator, Sequence

from themis_server.storage.engine import (
    CorruptionError,
    DiskFull,
    EngineError,
    Overlay,
    ViewLost,
    multi_get_in_order,
)

_Undo = list[tuple[bytes, bytes | None]]


class MemoryEngine:
    """An ordered dictionary behind the `Engine` protocol."""

    def __init__(self) -> None:
        self._values: dict[bytes, bytes] = {}
        self._keys: list[bytes] = []
        self._shared = False
        """Whether a view looks at `_values` and `_keys`: whoever changes them then makes copies first."""
        self._unsynced: list[_Undo] = []
        self._views: list[MemoryView] = []
        self._loads: dict[str, MemoryLoad] = {}
        self.syncs = 0
        self.full = False

    def get(self, key: bytes) -> bytes | None:
        """Return the value at `key`, or None."""
        return self._values.get(key)

    def multi_get(self, keys: list[bytes]) -> list[bytes | None]:
        """Return the values at `keys`, in that order."""
        return multi_get_in_order(self, keys)

    def scan(self, start: bytes, end: bytes, limit: int | None = None) -> Iterator[tuple[bytes, bytes]]:
        """Yield pairs with start <= key < end in key order, at most `limit`; a consistent view as of the first pair."""
        yield from _selected(self._values, self._keys, start, end, limit)

    def write(self, overlay: Overlay) -> None:
        """Apply what `overlay` collected; `DiskFull` when told that the disk is full."""
        self._refuse_when_full()
        undo: _Undo = []
        self._own()
        for start, end in overlay.ranges:
            self._clear(start, end, undo)
        for key, value in overlay.pending.items():
            self._set(key, value, undo)
        self._unsynced.append(undo)

    def _refuse_when_full(self) -> None:
        if self.full:
            raise DiskFull("the memory engine was told to be full")

    def _own(self) -> None:
        if self._shared:
            self._values, self._keys, self._shared = dict(self._values), list(self._keys), False

    def _clear(self, start: bytes, end: bytes, undo: _Undo) -> None:
        lower, upper = bisect_left(self._keys, start), bisect_left(self._keys, end)
        undo += [(key, self._values.pop(key)) for key in self._keys[lower:upper]]
        del self._keys[lower:upper]

    def _set(self, key: bytes, value: bytes | None, undo: _Undo) -> None:
        old = self._values.get(key)
        undo.append((key, old))
        if value is not None:
            if old is None:
                insort(self._keys, key)
            self._values[key] = value
        elif old is not None:
            del self._values[key]
            del self._keys[bisect_left(self._keys, key)]

    def sync(self) -> None:
        """Make everything written so far survive `crash()`."""
        self.syncs += 1
        self._unsynced.clear()

    @property
    def unsynced(self) -> int:
        """How many writes a crash may lose."""
        return len(self._unsynced)

    def crash(self, keep: int = 0) -> None:
        """Forget what was not synced, as a power failure would.

        Args:
            keep: how many of the unsynced writes, the oldest first, had reached the disk all the same. (A process that
                is killed loses none: `unsynced` of them.)
        """
        self._lose_views()
        self._own()
        while len(self._unsynced) > keep:
            for key, old in reversed(self._unsynced.pop()):
                self._set(key, old, [])
        self._unsynced.clear()
        self._loads = {name: load for name, load in self._loads.items() if load.sealed}

    def snapshot(self) -> MemoryView:
        """Return the store as it is now, by letting the next write copy it."""
        self._shared = True
        view = MemoryView(self._values, self._keys)
        self._views = [other for other in self._views if not other.released] + [view]
        return view

    @property
    def views_held(self) -> int:
        """How many views were taken and not released."""
        return sum(not view.released for view in self._views)

    def _lose_views(self) -> None:
        for view in self._views:
            view.release()
        self._views.clear()

    def bulk_load(self, name: str) -> MemoryLoad:
        """Begin to lay down pairs under `name`."""
        load = self._loads[name] = MemoryLoad(self, name)
        return load

    def bulk_loads(self) -> dict[str, bool]:
        """Return the loads that are there, and whether each was sealed."""
        return {name: load.sealed for name, load in sorted(self._loads.items())}

    def discard_load(self, name: str) -> None:
        """Remove a load."""
        self._loads.pop(name, None)

    def replace(self, ranges: Sequence[tuple[bytes, bytes]], name: str, *, verify: bool = False) -> Iterator[None]:
        """Empty `ranges`, then let the sealed load `name` appear in them: in slices, to crash in between."""
        load = self._loads.get(name)
        if load is None or not load.sealed:
            raise CorruptionError(f"there is no sealed load {name!r}")
        return self._replace(ranges, load)

    def _replace(self, ranges: Sequence[tuple[bytes, bytes]], load: MemoryLoad) -> Iterator[None]:
        emptied = Overlay(self)
        for start, end in ranges:
            emptied.delete_range(start, end)
        self.write(emptied)
        yield
        self.sync()
        yield
        # Durable by itself, as a file is that RocksDB takes over: a crash loses writes before it, not this. In two
        # parts, as if it were two files.
        half = len(load.pairs) // 2
        for part in (load.pairs[:half], load.pairs[half:]):
            self._refuse_when_full()
            self._own()
            for key, value in part:
                self._set(key, value, [])
            yield

    def compact(self, start: bytes, end: bytes) -> None:
        """Nothing to reclaim in memory."""

    def reopen(self) -> None:
        """Nothing to open, but views are lost as on a disk."""
        self._lose_views()

    def close(self) -> None:
        """Nothing to close but views."""
        self._lose_views()


class MemoryView:
    """A `MemoryEngine` as it was when the view was taken."""

    def __init__(self, values: dict[bytes, bytes], keys: list[bytes]) -> None:
        self._values: dict[bytes, bytes] | None = values
        self._keys = keys

    @property
    def released(self) -> bool:
        """Whether there is nothing to read any more."""
        return self._values is None

    def get(self, key: bytes) -> bytes | None:
        """Return the value at `key`, or None; raises `ViewLost`."""
        return self._held().get(key)

    def scan(self, start: bytes, end: bytes, limit: int | None = None) -> Iterator[tuple[bytes, bytes]]:
        """Yield pairs with start <= key < end in key order, at most `limit`; raises `ViewLost`."""
        for pair in _selected(self._held(), self._keys, start, end, limit):
            self._held()
            yield pair

    def _held(self) -> dict[bytes, bytes]:
        if self._values is None:
            raise ViewLost("the view was released, or its store was closed")
        return self._values

    def release(self) -> None:
        """Let go of the state."""
        self._values = None
        self._keys = []


class MemoryLoad:
    """Pairs on their way into a `MemoryEngine`; sealed, they survive its crashes."""

    def __init__(self, engine: MemoryEngine, name: str) -> None:
        self._engine = engine
        self._name = name
        self.pairs: list[tuple[bytes, bytes]] = []
        self.sealed = False
        self.size_bytes = 0

    def add(self, pairs: Sequence[tuple[bytes, bytes]]) -> None:
        """Add pairs in key order."""
        if self._engine.full:
            raise DiskFull("the memory engine was told to be full")
        for key, value in pairs:
            if self.pairs and key <= self.pairs[-1][0]:
                raise EngineError("the keys of a load must ascend")
            self.pairs.append((key, value))
            self.size_bytes += len(key) + len(value)

    def seal(self) -> None:
        """End it: from now on a crash leaves it there."""
        if self._engine.full:
            raise DiskFull("the memory engine was told to be full")
        self.sealed = True

    def discard(self) -> None:
        """Remove it."""
        self._engine.discard_load(self._name)


def _selected(
    values: dict[bytes, bytes], keys: list[bytes], start: bytes, end: bytes, limit: int | None
) -> list[tuple[bytes, bytes]]:
    lower, upper = bisect_left(keys, start), bisect_left(keys, end)
    if limit is not None:
        upper = min(upper, lower + limit)
    return [(key, values[key]) for key in keys[lower:upper]]
