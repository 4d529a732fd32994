"""The RocksDB engine (rocksdict, raw mode), and how the two databases of a node are tuned.

`write()` holds the GIL through an fsync and `flush_wal(True)` releases it (measured), so writes are never synced by
themselves.
"""

from __future__ import annotations

import contextlib
import shutil
import threading
import time
from collections.abc import Iterator
from enum import Enum
from pathlib import Path

from rocksdict import (  # type: ignore[attr-defined, unused-ignore]
    BlockBasedIndexType,
    BlockBasedOptions,
    Cache,
    DbClosedError,
    DBCompressionType,
    DBRecoveryMode,
    Options,
    Rdict,
    ReadOptions,
    SliceTransform,
    WriteBatch,
)

from themis_server.storage.engine import CorruptionError, DirectoryLocked, DiskFull, EngineError, Overlay
from themis_server.storage.keys import ENTITY_PREFIX_BYTES

_SCAN_READAHEAD_BYTES = 256 << 10
_COMPACTION_READAHEAD_BYTES = 2 << 20
_OPEN_BYTES = 4 << 20
"""What an open writes beside the contents of the write-ahead logs."""
_RELEASED_WITHIN_S = 10.0


class Role(Enum):
    """Which of a node's two databases is opened: they fail, and are tuned, in different ways."""

    LOG = "raft"
    """Synced before every acknowledgement. A torn tail is cut; damage before the tail refuses to open."""
    STATE = "data"
    """Its write-ahead log is not synced. After a crash it is a prefix of the applied log, which replays the rest."""


class RocksEngine:
    """A RocksDB database behind the `Engine` protocol."""

    def __init__(
        self,
        path: Path,
        role: Role,
        *,
        block_cache_bytes: int = 64 << 20,
        write_buffer_bytes: int = 64 << 20,
        max_open_files: int = 512,
    ) -> None:
        path.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._settings = (role, block_cache_bytes, write_buffer_bytes, max_open_files)
        self._reopening = threading.Lock()
        self._closed = False
        self._open()

    def _open(self) -> None:
        try:
            self._db = Rdict(str(self._path), _options(*self._settings))
        except Exception as error:
            raise _translated(error, f"{self._path} does not open") from error
        self._get = self._db.get

    def get(self, key: bytes) -> bytes | None:
        """Return the value at `key`, or None. About 3 us when the block is cached."""
        try:
            value: bytes | None = self._get(key)
        except DbClosedError:
            with self._reopening:  # another thread reopens it: wait for that
                value = self._get(key)
        except Exception as error:
            raise _translated(error, "a read failed") from error
        return value

    def multi_get(self, keys: list[bytes]) -> list[bytes | None]:
        """Return the values at `keys`, in that order, by one batched read."""
        try:
            values: list[bytes | None] = self._get(keys)  # type: ignore[assignment, arg-type]
        except DbClosedError:
            with self._reopening:
                values = self._get(keys)  # type: ignore[assignment, arg-type]
        except Exception as error:
            raise _translated(error, "a read failed") from error
        return values

    def scan(self, start: bytes, end: bytes, limit: int | None = None) -> Iterator[tuple[bytes, bytes]]:
        """Yield pairs with start <= key < end in key order, at most `limit`; a consistent view as of the first pair."""
        options = ReadOptions()
        options.set_iterate_upper_bound(end)
        options.set_total_order_seek(True)
        if limit is None or limit > 1000:
            options.set_readahead_size(_SCAN_READAHEAD_BYTES)
        try:
            cursor = self._db.iter(options)
        except DbClosedError:
            with self._reopening:
                cursor = self._db.iter(options)
        cursor.seek(start)
        count = 0
        while cursor.valid() and (limit is None or count < limit):
            yield cursor.key(), cursor.value()
            cursor.next()
            count += 1
        try:
            cursor.status()
        except Exception as error:
            raise _translated(error, "a scan failed") from error

    def write(self, overlay: Overlay) -> None:
        """Apply what `overlay` collected in one atomic batch: visible at once, durable after `sync()`."""
        batch = WriteBatch(raw_mode=True)
        for start, end in overlay.ranges:
            batch.delete_range(start, end)
        put = batch.put
        for key, value in overlay.pending.items():
            if value is None:
                batch.delete(key)
            else:
                put(key, value)
        try:
            self._db.write(batch)
        except Exception as error:
            raise _translated(error, "a write failed") from error

    def sync(self) -> None:
        """Sync the write-ahead log. Releases the GIL."""
        try:
            self._db.flush_wal(True)
        except Exception as error:
            raise _translated(error, "the write-ahead log could not be synced") from error

    def property(self, name: str) -> int | None:
        """Return one of RocksDB's integer properties; None for one that it does not have."""
        with self._reopening:
            value = self._db.property_int_value(name)
        return None if value is None else int(value)

    def compact(self, start: bytes, end: bytes) -> None:
        """Compact a range, which frees the space of deleted keys."""
        self._db.compact_range(start, end)

    def reopen(self) -> None:
        """Close and open again. RocksDB's write-ahead log stays in error once a write to it found the disk full.

        Raises `DiskFull` without closing, so that reads go on, while there is no room for what an open writes.
        """
        needed = _OPEN_BYTES + sum(log.stat().st_size for log in self._path.glob("*.log"))
        free = shutil.disk_usage(self._path).free
        if free < needed:
            raise DiskFull(f"{self._path}: {free} bytes are free, and to open it again takes up to {needed}")
        with self._reopening:
            # A close that cannot flush is no loss here: what was written is in the write-ahead log.
            with contextlib.suppress(Exception):
                self._db.close()
            self._open_when_released()

    def _open_when_released(self) -> None:
        """Open; a scan that another thread is in the middle of keeps the old one open a little longer."""
        give_up_s = time.monotonic() + _RELEASED_WITHIN_S
        while True:
            try:
                return self._open()
            except DirectoryLocked:
                if time.monotonic() > give_up_s:
                    raise
                time.sleep(0.01)

    def close(self) -> None:
        """Flush and close. Idempotent. What cannot be flushed is in the write-ahead log; raises `EngineError` then."""
        if not self._closed:
            self._closed = True
            try:
                self._db.close()
            except Exception as error:
                raise _translated(error, f"{self._path} did not close cleanly") from error


def _options(role: Role, block_cache_bytes: int, write_buffer_bytes: int, max_open_files: int) -> Options:
    options = Options(raw_mode=True)
    options.create_if_missing(True)
    options.set_max_open_files(max_open_files)
    options.set_keep_log_file_num(3)
    options.set_max_log_file_size(4 << 20)
    options.set_stats_dump_period_sec(0)
    options.set_write_buffer_size(write_buffer_bytes)
    options.set_max_background_jobs(2)
    options.set_bytes_per_sync(1 << 20)
    if role is Role.LOG:
        # Entries live for seconds: most are deleted again before a flush, so nothing is spent on filters or
        # compression.
        options.set_wal_recovery_mode(DBRecoveryMode.tolerate_corrupted_tail_records())
        options.set_compression_type(DBCompressionType.none())
        options.set_max_total_wal_size(4 * write_buffer_bytes)
        return options

    options.set_wal_recovery_mode(DBRecoveryMode.point_in_time())
    options.set_wal_bytes_per_sync(1 << 20)  # spreads the writeback, so that the sync before a log compaction is short
    options.set_compression_per_level(
        [DBCompressionType.none()] * 2 + [DBCompressionType.lz4()] + [DBCompressionType.zstd()] * 4
    )
    options.set_level_compaction_dynamic_level_bytes(False)
    options.set_compaction_readahead_size(_COMPACTION_READAHEAD_BYTES)
    options.set_prefix_extractor(SliceTransform.create_fixed_prefix(ENTITY_PREFIX_BYTES))
    options.set_memtable_prefix_bloom_ratio(0.05)
    options.set_memtable_whole_key_filtering(True)
    table = BlockBasedOptions()
    table.set_block_cache(Cache(block_cache_bytes))
    table.set_block_size(8 << 10)
    table.set_bloom_filter(10, False)
    table.set_index_type(BlockBasedIndexType.two_level_index_search())
    table.set_partition_filters(True)
    table.set_cache_index_and_filter_blocks(True)
    table.set_pin_top_level_index_and_filter(True)
    table.set_pin_l0_filter_and_index_blocks_in_cache(True)
    table.set_format_version(5)
    options.set_block_based_table_factory(table)
    return options


def _translated(error: Exception, what: str) -> EngineError:
    """Return the error of our own kind for what rocksdict raised: it knows one class and tells them apart by text."""
    text = str(error)
    lowered = text.lower()
    if "no space left" in lowered or "space limit reached" in lowered:
        return DiskFull(f"{what}: {text}")
    if "lock" in lowered and (
        "resource temporarily unavailable" in lowered or "no locks available" in lowered or "lock hold" in lowered
    ):
        return DirectoryLocked(f"{what}: {text}")
    if "corruption" in lowered:
        return CorruptionError(f"{what}: {text}")
    return EngineError(f"{what}: {text}")
