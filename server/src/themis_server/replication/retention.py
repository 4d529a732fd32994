"""How much of a log is kept: until everybody has it, but no more than a given size for those who lag."""

from __future__ import annotations

from collections import deque
from typing import Final

MARK_BYTES: Final = 64 << 10


class LogSize:
    """The size of a log since its start, with a mark every so often, so that an index can be told for a size."""

    __slots__ = ("_at_last_mark", "_base", "_mark_bytes", "_marks", "_total")

    def __init__(self, size_bytes: int, mark_bytes: int = MARK_BYTES) -> None:
        """Begin with a log.

        Args:
            size_bytes: of its entries.
            mark_bytes: how many bytes are from one mark to the next: a log is forgotten in steps of about this size.
        """
        self._total = size_bytes
        self._mark_bytes = mark_bytes
        self._base = 0
        self._at_last_mark = 0
        self._marks: deque[tuple[int, int]] = deque()

    def emptied(self) -> None:
        """Note that the log begins anew, without entries."""
        self._base = self._at_last_mark = self._total
        self._marks.clear()

    @property
    def bytes(self) -> int:
        """Bytes of entries since the start."""
        return self._total - self._base

    def added(self, last_index: int, size_bytes: int) -> None:
        """Note that entries up to `last_index` were added."""
        self._total += size_bytes
        if self._total - self._at_last_mark >= self._mark_bytes:
            self._at_last_mark = self._total
            self._marks.append((last_index, self._total))

    def cut(self, first: int) -> None:
        """Note that the entries from `first` on are gone; what they took is still counted until the next trim."""
        while self._marks and self._marks[-1][0] >= first:
            self._marks.pop()

    def trimmed(self, index: int, left_bytes: int) -> None:
        """Note that the log now begins after `index` and has `left_bytes`."""
        while self._marks and self._marks[0][0] <= index:
            self._marks.popleft()
        self._base = self._total - left_bytes

    def index_leaving(self, keep_bytes: int) -> int:
        """Return the lowest index known after which no more than `keep_bytes` follow; 0 if there is none."""
        for index, total in self._marks:
            if self._total - total <= keep_bytes:
                return index
        return 0


def compact_to(applied: int, slowest: int, snapshots_at: int | None, size: LogSize, retain_bytes: int) -> int:
    """Return up to which index a log may be forgotten.

    Args:
        applied: what the durable state holds.
        slowest: what everybody is known to have.
        snapshots_at: the lowest index of a snapshot on its way, from which its receiver goes on; None: there is none.
        size: of the log.
        retain_bytes: what is kept for those who lag. While a snapshot is on its way it may be four times as much: cut
            off from the log that follows it, its receiver would need another at once.
    """
    if size.bytes <= retain_bytes:
        return min(applied, slowest)
    forced = size.index_leaving(retain_bytes)
    if snapshots_at is not None and size.bytes <= 4 * retain_bytes:
        forced = min(forced, snapshots_at)
    return min(applied, max(slowest, forced))
