"""The engine protocol, the errors an engine raises, and the overlay that collects one atomic write."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol


class EngineError(Exception):
    """The engine could not do what it was asked; the store must be presumed damaged or its disk failing."""


class DiskFull(EngineError):
    """No space is left. Nothing of the write took effect; the same write may be tried again later."""


class CorruptionError(EngineError):
    """Stored bytes are not what was written. Nothing may be served from them."""


class DirectoryLocked(EngineError):
    """Another process has the directory open."""


class ViewLost(EngineError):
    """The view was released, or the store under it was closed or opened again: there is nothing to read any more."""


class Reader(Protocol):
    """What a state machine sees of storage: point reads, a scan, and nothing that could change it."""

    def get(self, key: bytes) -> bytes | None:
        """Return the value at `key`, or None."""
        ...

    def scan(self, start: bytes, end: bytes, limit: int | None = None) -> Iterator[tuple[bytes, bytes]]:
        """Yield pairs with start <= key < end in key order, at most `limit` of them."""
        ...


class BatchReader(Reader, Protocol):
    """What serves reads of many keys at once."""

    def multi_get(self, keys: list[bytes]) -> list[bytes | None]:
        """Return the values at `keys`, in that order; None where there is none."""
        ...


class ReadView(Reader, Protocol):
    """A store as it was at one moment, readable from any thread while writes go on.

    It keeps the store from reclaiming what was replaced since, so it is held for as long as needed and no longer.
    Reading it raises `ViewLost` once it was released, or the store was closed or opened again.
    """

    def release(self) -> None:
        """Let go of it. Idempotent; waits for a read of another thread to end its slice."""
        ...


class BulkLoad(Protocol):
    """Pairs that are being laid down beside a store, to be taken over whole by `Engine.replace`.

    Belongs to one thread at a time. Not visible in the store before that, and cheap for it: no write-ahead log, no
    table in memory.
    """

    size_bytes: int
    """Bytes of keys and values added so far."""

    def add(self, pairs: Sequence[tuple[bytes, bytes]]) -> None:
        """Add pairs; keys ascend, over all calls. Raises `DiskFull` or `EngineError`: then `discard` it."""
        ...

    def seal(self) -> None:
        """End it. When this returns it survives a crash, and nothing can be added. Raises as `add`."""
        ...

    def discard(self) -> None:
        """Remove it, sealed or not. Idempotent."""
        ...


class Engine(BatchReader, Protocol):
    """An ordered key-value store with atomic batches and explicit durability."""

    def write(self, overlay: Overlay) -> None:
        """Apply all that `overlay` collected, atomically. Visible at once, durable after `sync()`.

        Raises `DiskFull` (nothing took effect) or `EngineError`.
        """
        ...

    def sync(self) -> None:
        """Make everything written so far durable. Releases the GIL while the disk works. Never retried on error."""
        ...

    def snapshot(self) -> ReadView:
        """Return the store as it is now. Takes well below a millisecond, whatever the size."""
        ...

    def bulk_load(self, name: str) -> BulkLoad:
        """Begin to lay down pairs under `name`; what was there under that name is discarded."""
        ...

    def bulk_loads(self) -> dict[str, bool]:
        """Return the names of the loads that are there, also from before a crash, and whether each was sealed."""
        ...

    def discard_load(self, name: str) -> None:
        """Remove a load. Idempotent."""
        ...

    def replace(self, ranges: Sequence[tuple[bytes, bytes]], name: str, *, verify: bool = False) -> Iterator[None]:
        """Empty `ranges`, then let the pairs of the sealed load `name` appear in them.

        Done in slices: each `next` blocks for a few milliseconds at most, and other writes may go on in between, but
        none to `ranges`, which nobody should read. When the iterator is exhausted, all of it is there and durable.
        After a crash before that `ranges` may be as before, empty, or full, in whole or in part: repeat it, which is
        why the load stays until `discard_load`.

        Args:
            ranges: [start, end) of what the load replaces; all its keys lie in them.
            name: a sealed load.
            verify: read the load through and compare checksums first, as after a crash.

        Raises:
            CorruptionError: the load is not there, not sealed, or (`verify`) not what was sealed; nothing was changed.
            DiskFull: no space; may be repeated later, from the start.
        """
        ...

    def compact(self, start: bytes, end: bytes) -> None:
        """Reclaim the space of what was deleted between `start` and `end`."""
        ...

    def reopen(self) -> None:
        """Close and open again: after `DiskFull`, a store may refuse every write until then.

        Reads of other threads wait meanwhile. Raises `DiskFull` if there still is no space.
        """
        ...

    def close(self) -> None:
        """Close the store. Idempotent."""
        ...


class Overlay:
    """One atomic write in the making, readable before it is written.

    Commands that are applied together must see each other's effects, although storage sees none of them until the
    end. A later put of a key replaces the earlier one here, so a counter that changes a thousand times is written
    once. Ranges are deleted before the puts are made: a put into a deleted range after the deletion survives, one
    before it does not.
    """

    __slots__ = ("_base", "pending", "ranges")

    def __init__(self, base: Reader) -> None:
        self._base = base
        self.pending: dict[bytes, bytes | None] = {}
        self.ranges: list[tuple[bytes, bytes]] = []

    def get(self, key: bytes) -> bytes | None:
        """Return the value at `key` as it will be after this write."""
        if key in self.pending:
            return self.pending[key]
        if self.ranges and any(start <= key < end for start, end in self.ranges):
            return None
        return self._base.get(key)

    def put(self, key: bytes, value: bytes) -> None:
        """Set `key` to `value`."""
        self.pending[key] = value

    def delete(self, key: bytes) -> None:
        """Remove `key`."""
        self.pending[key] = None

    def delete_range(self, start: bytes, end: bytes) -> None:
        """Remove every key with start <= key < end."""
        for key in [k for k in self.pending if start <= k < end]:
            del self.pending[key]
        if start < end:  # RocksDB takes a range that ends before it begins for an error, which here would be fatal
            self.ranges.append((start, end))

    def scan(self, start: bytes, end: bytes, limit: int | None = None) -> Iterator[tuple[bytes, bytes]]:
        """Yield the pairs of a range as they will be after this write, in key order."""
        if limit == 0:
            return
        changed = sorted(k for k in self.pending if start <= k < end)
        position, count = 0, 0
        for key, value in self._base.scan(start, end):
            while position < len(changed) and changed[position] < key:
                fresh = self.pending[changed[position]]
                if fresh is not None:
                    yield changed[position], fresh
                    count += 1
                    if limit is not None and count >= limit:
                        return
                position += 1
            if position < len(changed) and changed[position] == key:
                continue
            if any(lower <= key < upper for lower, upper in self.ranges):
                continue
            yield key, value
            count += 1
            if limit is not None and count >= limit:
                return
        for key in changed[position:]:
            fresh = self.pending[key]
            if fresh is not None:
                yield key, fresh
                count += 1
                if limit is not None and count >= limit:
                    return

    def __bool__(self) -> bool:
        return bool(self.pending or self.ranges)


def multi_get_in_order(reader: Reader, keys: Sequence[bytes]) -> list[bytes | None]:
    """Read `keys` one by one: what an engine without a batched read does."""
    return [reader.get(key) for key in keys]
