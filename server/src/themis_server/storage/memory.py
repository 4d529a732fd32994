"""An engine in memory with the same promises, for unit tests and the simulator.

Unlike a disk it can be told what a crash leaves behind: `crash()` forgets what was not synced.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterator

from themis_server.storage.engine import DiskFull, Overlay, multi_get_in_order


class MemoryEngine:
    """An ordered dictionary behind the `Engine` protocol."""

    def __init__(self) -> None:
        self._values: dict[bytes, bytes] = {}
        self._keys: list[bytes] = []
        self._durable: dict[bytes, bytes] = {}
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
        lower, upper = bisect_left(self._keys, start), bisect_left(self._keys, end)
        selected = self._keys[lower:upper] if limit is None else self._keys[lower : min(upper, lower + limit)]
        yield from [(key, self._values[key]) for key in selected]

    def write(self, overlay: Overlay) -> None:
        """Apply what `overlay` collected; `DiskFull` when told that the disk is full."""
        if self.full:
            raise DiskFull("the memory engine was told to be full")
        for start, end in overlay.ranges:
            for key, _ in list(self.scan(start, end)):
                self._remove(key)
        for key, value in overlay.pending.items():
            if value is None:
                self._remove(key)
            else:
                if key not in self._values:
                    insort(self._keys, key)
                self._values[key] = value

    def _remove(self, key: bytes) -> None:
        if self._values.pop(key, None) is not None:
            del self._keys[bisect_left(self._keys, key)]

    def sync(self) -> None:
        """Make everything written so far survive `crash()`."""
        self.syncs += 1
        self._durable = dict(self._values)

    def crash(self) -> None:
        """Forget what was not synced, as a power failure would."""
        self._values = dict(self._durable)
        self._keys = sorted(self._values)

    def compact(self, start: bytes, end: bytes) -> None:
        """Nothing to reclaim in memory."""

    def reopen(self) -> None:
        """Nothing to open."""

    def close(self) -> None:
        """Nothing to close."""
