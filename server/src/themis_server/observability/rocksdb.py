"""RocksDB's own figures as metrics; it gets a function that reads a property and knows no database."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from themis_server.observability import catalogue
from themis_server.observability.metrics import Counter, Family, Gauge, Kind, MetricSpec, Registry

__all__ = ["PROPERTIES", "RocksdbFigures"]

# Source: include/rocksdb/db.h, DB::Properties. All of these are answered from memory.
PROPERTIES: Final[dict[str, MetricSpec]] = {
    "rocksdb.estimate-num-keys": catalogue.ROCKSDB_KEYS,
    "rocksdb.total-sst-files-size": catalogue.ROCKSDB_SST,
    "rocksdb.estimate-live-data-size": catalogue.ROCKSDB_LIVE,
    "rocksdb.cur-size-all-mem-tables": catalogue.ROCKSDB_MEMTABLES,
    "rocksdb.estimate-table-readers-mem": catalogue.ROCKSDB_TABLE_READERS,
    "rocksdb.block-cache-usage": catalogue.ROCKSDB_CACHE,
    "rocksdb.block-cache-pinned-usage": catalogue.ROCKSDB_CACHE_PINNED,
    "rocksdb.estimate-pending-compaction-bytes": catalogue.ROCKSDB_PENDING_COMPACTION,
    "rocksdb.num-running-compactions": catalogue.ROCKSDB_COMPACTIONS,
    "rocksdb.num-running-flushes": catalogue.ROCKSDB_FLUSHES,
    "rocksdb.is-write-stopped": catalogue.ROCKSDB_STOPPED,
    "rocksdb.background-errors": catalogue.ROCKSDB_BACKGROUND_ERRORS,
}


class RocksdbFigures:
    """Shows the figures of the databases it is told to watch."""

    def __init__(self, registry: Registry) -> None:
        self._families: dict[str, Family[Counter] | Family[Gauge]] = {
            name: registry.counter(spec) if spec.kind is Kind.COUNTER else registry.gauge(spec)
            for name, spec in PROPERTIES.items()
        }
        self._readers: dict[str, Callable[[str], int | None]] = {}
        registry.before_scrape(self._refresh)

    def watch(self, db: str, read: Callable[[str], int | None]) -> None:
        """Show database `db` (`raft`, `data`); `read` returns an integer property, or None where there is none."""
        self._readers[db] = read

    def forget(self, db: str) -> None:
        """Stop showing `db`; call it before the database is closed."""
        self._readers.pop(db, None)
        for family in self._families.values():
            family.forget(db)

    def read(self, db: str) -> dict[str, int]:
        """Return the figures of `db` by metric name without prefix (`sst_bytes`), for the admin's JSON."""
        reader = self._readers[db]
        found = {spec.name.removeprefix("themis_rocksdb_"): reader(name) for name, spec in PROPERTIES.items()}
        return {name: value for name, value in found.items() if value is not None}

    def _refresh(self) -> None:
        for db, read in self._readers.items():
            for name, family in self._families.items():
                value = read(name)
                if value is not None:
                    family.labels(db).value = value
