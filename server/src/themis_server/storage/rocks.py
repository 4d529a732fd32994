"""The RocksDB engine (rocksdict, raw mode), and how the two databases of a node are tuned.

Measured, and the reason for much of what is here: `write()` holds the GIL, through an fsync and through a write stall;
`flush_wal`, `flush` and `compact_range` release it. So writes are never synced by themselves, and large loads go
around the write path: into table files that RocksDB takes over, which holds the GIL for 2 to 4 ms a file whatever its
size (provided that nothing in memory lies in the way, which would have to be flushed first).
"""

from __future__ import annotations

import contextlib
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from enum import Enum
from pathlib import Path

from rocksdict import (  # type: ignore[attr-defined, unused-ignore]
    BlockBasedIndexType,
    BlockBasedOptions,
    Cache,
    CompactOptions,
    DbClosedError,
    DBCompressionType,
    DBRecoveryMode,
    IngestExternalFileOptions,
    Options,
    Rdict,
    RdictIter,
    ReadOptions,
    SliceTransform,
    SstFileWriter,
    WriteBatch,
)

from themis_server.storage import loads
from themis_server.storage.engine import (
    CorruptionError,
    DirectoryLocked,
    DiskFull,
    EngineError,
    Overlay,
    ViewLost,
)
from themis_server.storage.keys import ENTITY_PREFIX_BYTES

_SCAN_READAHEAD_BYTES = 256 << 10
_COMPACTION_READAHEAD_BYTES = 2 << 20
_OPEN_BYTES = 4 << 20
"""What an open writes beside the contents of the write-ahead logs."""
_RELEASED_WITHIN_S = 10.0
_VIEW_SLICE_PAIRS = 256
_VIEW_SLICE_BYTES = 1 << 20
_LOAD_FILE_BYTES = 256 << 20
_LOAD_FILES_ABOVE = 4
"""Files of a load that may come to lie above what is there already; see `_emptied`."""
_FLUSH_POLLS_MAX = 200


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
        loads_path: Path | None = None,
    ) -> None:
        """Open a database, or make it.

        Args:
            path: its directory.
            role: which of the two databases of a node it is.
            block_cache_bytes: memory for blocks of table files (state only).
            write_buffer_bytes: size at which a table in memory is written to a file.
            max_open_files: table files kept open.
            loads_path: where bulk loads are laid down, on the same file system; `snapshots` beside `path` unless given.
        """
        path.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._loads_path = path.parent / "snapshots" if loads_path is None else loads_path
        self._views: set[RocksView] = set()
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
        except Exception as error:
            if _is_reopened(error):
                with self._reopening:  # by another thread: wait for that
                    return self._get(key)
            raise _translated(error, "a read failed") from error
        return value

    def multi_get(self, keys: list[bytes]) -> list[bytes | None]:
        """Return the values at `keys`, in that order, by one batched read."""
        try:
            values: list[bytes | None] = self._get(keys)  # type: ignore[assignment, arg-type]
        except Exception as error:
            if _is_reopened(error):
                with self._reopening:
                    return self._get(keys)  # type: ignore[return-value, arg-type]
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
        except Exception as error:
            if not _is_reopened(error):
                raise
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

    def snapshot(self) -> RocksView:
        """Return the store as it is now. About 10 us; the files and tables of this moment are kept until released."""
        options = ReadOptions()
        options.set_total_order_seek(True)
        options.set_readahead_size(_SCAN_READAHEAD_BYTES)
        options.fill_cache(False)  # type: ignore[call-arg, unused-ignore]
        with self._reopening:
            view = RocksView(self._db.iter(options), self._views.discard)
            self._views.add(view)
        return view

    def _lose_views(self) -> None:
        for view in list(self._views):
            view.release()

    def bulk_load(self, name: str) -> RocksLoad:
        """Begin to lay down pairs under `name`, in table files outside the database."""
        return RocksLoad(loads.LoadDirectory(self._loads_path / name), _options(*self._settings))

    def bulk_loads(self) -> dict[str, bool]:
        """Return the loads that are there, and whether each was sealed."""
        return loads.found(self._loads_path)

    def discard_load(self, name: str) -> None:
        """Remove a load."""
        loads.LoadDirectory(self._loads_path / name).remove()

    def replace(self, ranges: Sequence[tuple[bytes, bytes]], name: str, *, verify: bool = False) -> Iterator[None]:
        """Empty `ranges`, then let RocksDB take over the table files of the load `name`, one a slice."""
        directory = loads.LoadDirectory(self._loads_path / name)
        return self._replace(ranges, directory, directory.files(verify=verify))

    def _replace(
        self, ranges: Sequence[tuple[bytes, bytes]], directory: loads.LoadDirectory, files: list[Path]
    ) -> Iterator[None]:
        yield from self._emptied(ranges, compact=len(files) > _LOAD_FILES_ABOVE)
        try:
            linked = directory.link(files)
        except OSError as error:
            raise _translated(error, f"{directory.path} cannot be linked") from error
        options = IngestExternalFileOptions()
        options.set_move_files(True)
        for file in linked:  # one at a time: each holds the GIL for 2 ms, with its sync
            yield
            try:
                self._db.ingest_external_file([str(file)], options)
            except Exception as error:
                raise _translated(error, f"{file} cannot be taken over") from error
        yield

    def _emptied(self, ranges: Sequence[tuple[bytes, bytes]], *, compact: bool) -> Iterator[None]:
        """Delete what is in `ranges`, durably.

        The deletion must be in a table file before a load is taken over: RocksDB would flush it itself, with the GIL
        held. With `compact` it is also carried out: else all files of the load would have to lie above it, in level 0,
        where many files make RocksDB hold up every write.
        """
        emptied = Overlay(self)
        for start, end in ranges:
            if next(self.scan(start, end, 1), None) is not None:
                emptied.delete_range(start, end)
        if emptied:
            self.write(emptied)
            yield
        yield from self._flushed()
        if emptied and compact:
            with ThreadPoolExecutor(1, "compact") as compacting:
                under_way = [compacting.submit(self.compact, start, end) for start, end in emptied.ranges]
                while not all(compaction.done() for compaction in under_way):
                    yield
                for compaction in under_way:
                    compaction.result()

    def _flushed(self) -> Iterator[None]:
        """Have the table in memory written to a file, and wait for it in slices."""
        try:
            self._db.flush(False)
            for _ in range(_FLUSH_POLLS_MAX):
                if not self.property("rocksdb.num-immutable-mem-table"):
                    return
                yield
            self._db.flush(True)  # others write so much that one is always under way
        except EngineError:
            raise
        except Exception as error:
            raise _translated(error, "a flush failed") from error

    def property(self, name: str) -> int | None:
        """Return one of RocksDB's integer properties; None for one that it does not have."""
        with self._reopening:
            value = self._db.property_int_value(name)
        return None if value is None else int(value)

    def compact(self, start: bytes, end: bytes) -> None:
        """Compact a range, which frees the space of deleted keys. Takes its time; releases the GIL."""
        options = CompactOptions()
        options.set_exclusive_manual_compaction(False)
        try:
            self._db.compact_range(start, end, options)
        except Exception as error:
            raise _translated(error, "a compaction failed") from error

    def reopen(self) -> None:
        """Close and open again. RocksDB's write-ahead log stays in error once a write to it found the disk full.

        Raises `DiskFull` without closing, so that reads go on, while there is no room for what an open writes.
        """
        needed = _OPEN_BYTES + sum(log.stat().st_size for log in self._path.glob("*.log"))
        free = shutil.disk_usage(self._path).free
        if free < needed:
            raise DiskFull(f"{self._path}: {free} bytes are free, and to open it again takes up to {needed}")
        self._lose_views()
        with self._reopening:
            self._open_when_released()

    def _open_when_released(self) -> None:
        """Close and open; a read that another thread is in the middle of keeps the old one open a little longer."""
        give_up_s = time.monotonic() + _RELEASED_WITHIN_S
        while True:
            # A close that cannot flush is no loss here: what was written is in the write-ahead log. One that a read is
            # in the way of has done nothing.
            with contextlib.suppress(Exception):
                self._db.close()
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
            self._lose_views()
            try:
                self._db.close()
            except Exception as error:
                raise _translated(error, f"{self._path} did not close cleanly") from error


class RocksView:
    """A `RocksEngine` as it was when the view was taken. Read in slices, between which it may be released.

    It is a cursor, which sees the store as of its making wherever it is moved. (rocksdict's `Snapshot` would hold less,
    but its `iter`, `items` and `keys` show the store as it is now: 0.3.29.)
    """

    def __init__(self, cursor: RdictIter, released: Callable[[RocksView], None]) -> None:
        self._cursor: RdictIter | None = cursor
        self._released = released
        self._reading = threading.Lock()

    def get(self, key: bytes) -> bytes | None:
        """Return the value at `key`, or None; raises `ViewLost`."""
        found = self._slice(key, key + b"\0", 1)
        return found[0][1] if found else None

    def scan(self, start: bytes, end: bytes, limit: int | None = None) -> Iterator[tuple[bytes, bytes]]:
        """Yield pairs with start <= key < end in key order, at most `limit`; raises `ViewLost`."""
        left = limit
        while left is None or left > 0:
            found = self._slice(start, end, _VIEW_SLICE_PAIRS if left is None else min(left, _VIEW_SLICE_PAIRS))
            if not found:
                return
            yield from found
            start = found[-1][0] + b"\0"
            left = None if left is None else left - len(found)

    def _slice(self, start: bytes, end: bytes, wanted: int) -> list[tuple[bytes, bytes]]:
        with self._reading:
            cursor = self._cursor
            if cursor is None:
                raise ViewLost("the view was released, or its store was closed or opened again")
            cursor.seek(start)
            found: list[tuple[bytes, bytes]] = []
            size = 0
            while size < _VIEW_SLICE_BYTES and len(found) < wanted and cursor.valid():
                key: bytes = cursor.key()
                if key >= end:
                    break
                value: bytes = cursor.value()
                found.append((key, value))
                size += len(value)
                cursor.next()
            try:
                cursor.status()
            except Exception as error:
                raise _translated(error, "a view could not be read") from error
            return found

    def release(self) -> None:
        """Let go of the state; waits for the slice that is being read."""
        with self._reading:
            self._cursor = None
        self._released(self)


class RocksLoad:
    """Pairs on their way into a `RocksEngine`, in table files of up to 256 MiB.

    A file ends where the kind of key changes: no file spans keys of other groups, which would bring it to lie across
    their files.
    """

    def __init__(self, directory: loads.LoadDirectory, options: Options) -> None:
        self._directory = directory
        self._options = options
        self._writer: SstFileWriter | None = None
        self._file_bytes = 0
        self._last = b""
        self.size_bytes = 0
        try:
            directory.make()
        except OSError as error:
            raise _translated(error, f"{directory.path} cannot be made") from error

    def add(self, pairs: Sequence[tuple[bytes, bytes]]) -> None:
        """Add pairs in key order."""
        try:
            for key, value in pairs:
                if self._writer is None or key[:1] != self._last[:1] or self._file_bytes >= _LOAD_FILE_BYTES:
                    if key <= self._last:
                        raise EngineError("the keys of a load must ascend")
                    self._finish_file()
                    self._writer = SstFileWriter(self._options)
                    self._writer.open(str(self._directory.new_file()))
                self._writer[key] = value
                self._last = key
                size = len(key) + len(value)
                self._file_bytes += size
                self.size_bytes += size
        except EngineError:
            raise
        except Exception as error:
            raise _translated(error, f"{self._directory.path} cannot be written") from error

    def _finish_file(self) -> None:
        writer, self._writer, self._file_bytes = self._writer, None, 0
        if writer is not None:
            writer.finish()

    def seal(self) -> None:
        """End it: its files are synced, and their checksums noted."""
        try:
            self._finish_file()
            self._directory.seal()
        except Exception as error:
            raise _translated(error, f"{self._directory.path} cannot be written") from error

    def discard(self) -> None:
        """Remove its files."""
        self._writer = None
        self._directory.remove()


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


def _is_reopened(error: Exception) -> bool:
    """Whether a store could not be read because another thread closes or has closed it, to open it again."""
    # While it closes, which lets other threads run, PyO3 refuses them the object with a RuntimeError of this text.
    return isinstance(error, DbClosedError) or (type(error) is RuntimeError and "mutably borrowed" in str(error))


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
