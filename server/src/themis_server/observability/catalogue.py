"""Every metric of a node: its name, kind, labels, buckets and help, in one place.

docs/reference/metrics.md is rendered from here, so a help text says what a person who is woken at night wants to know.
Base units (seconds, bytes), unit last, counters end in `_total`.
"""

from __future__ import annotations

from typing import Final

from themis_server.observability.cluster_catalogue import CLUSTER_CATALOGUE
from themis_server.observability.metrics import Kind, MetricSpec

__all__ = ["CATALOGUE", "render_reference"]

# 1-2-5 steps: an estimated quantile is off by at most a factor of 2.5.
_REQUEST_SECONDS: Final = (
    *(0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1),
    *(0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0),
)
_FSYNC_SECONDS: Final = (0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 5.0)
_APPLY_SECONDS: Final = (0.00001, 0.00002, 0.00005, 0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.05, 0.1, 1.0)
_LAG_SECONDS: Final = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
_COUNTS: Final = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000)
_BYTES: Final = tuple(1 << shift for shift in range(8, 28, 2))

HTTP_REQUESTS: Final = MetricSpec(
    "themis_http_requests_total", Kind.COUNTER, "Requests answered, by operation and status.", ("operation", "status")
)
HTTP_REQUEST_DURATION: Final = MetricSpec(
    "themis_http_request_duration_seconds",
    Kind.HISTOGRAM,
    "Time from the last header of a request to its answer being ready to be sent; long polls without their wait.",
    ("operation",),
    _REQUEST_SECONDS,
)
HTTP_IN_FLIGHT: Final = MetricSpec("themis_http_requests_in_flight", Kind.GAUGE, "Requests being worked on.")
HTTP_CONNECTIONS: Final = MetricSpec("themis_http_connections", Kind.GAUGE, "Open client connections.")
HTTP_CONNECTIONS_REFUSED: Final = MetricSpec(
    "themis_http_connections_refused_total",
    Kind.COUNTER,
    "Connections closed at once because their address had limits.connections_per_address_max open.",
)
LOG_FSYNC: Final = MetricSpec(
    "themis_log_fsync_seconds",
    Kind.HISTOGRAM,
    "Time of one fsync of the Raft log; every durable write waits for one.",
    (),
    _FSYNC_SECONDS,
)
LOG_BATCH_ENTRIES: Final = MetricSpec(
    "themis_log_batch_entries",
    Kind.HISTOGRAM,
    "Log entries written with one fsync, over all shards; it grows with load.",
    (),
    _COUNTS,
)
LOG_BATCH_BYTES: Final = MetricSpec(
    "themis_log_batch_bytes", Kind.HISTOGRAM, "Bytes of log written with one fsync, over all shards.", (), _BYTES
)
APPLY_LAG: Final = MetricSpec(
    "themis_apply_lag_entries",
    Kind.GAUGE,
    "Entries that are committed and not yet applied, by shard; `metadata` is Raft group 0.",
    ("shard",),
)
APPLY: Final = MetricSpec(
    "themis_apply_seconds", Kind.HISTOGRAM, "Time to apply one batch of committed entries.", (), _APPLY_SECONDS
)
PROPOSALS_IN_FLIGHT: Final = MetricSpec(
    "themis_proposals_in_flight",
    Kind.GAUGE,
    "Writes that wait to be committed; at limits.proposals_max further ones are answered 429.",
)
PROPOSAL_BYTES_IN_FLIGHT: Final = MetricSpec(
    "themis_proposal_bytes_in_flight", Kind.GAUGE, "Bytes of writes that wait to be committed."
)
ENTITY_CACHE_HITS: Final = MetricSpec("themis_entity_cache_hits_total", Kind.COUNTER, "Entities read from memory.")
ENTITY_CACHE_MISSES: Final = MetricSpec(
    "themis_entity_cache_misses_total", Kind.COUNTER, "Entities that had to be read from the database."
)
ENTITY_CACHE_BYTES: Final = MetricSpec(
    "themis_entity_cache_bytes",
    Kind.GAUGE,
    "Memory of the entity cache, estimated; bounded by storage.entity_cache_bytes.",
)
DISK_FREE: Final = MetricSpec(
    "themis_disk_free_bytes",
    Kind.GAUGE,
    "Free space where the data directory is; below storage.disk_reserve_bytes writes are answered 507.",
)
DISK_RESERVE: Final = MetricSpec("themis_disk_reserve_bytes", Kind.GAUGE, "storage.disk_reserve_bytes.")
TOPOLOGY_EPOCH: Final = MetricSpec("themis_topology_epoch", Kind.GAUGE, "Epoch of the topology this node works with.")
READY: Final = MetricSpec("themis_ready", Kind.GAUGE, "1 while GET /health/ready answers 200, otherwise 0.")

_DB: Final = ("db",)
ROCKSDB_KEYS: Final = MetricSpec("themis_rocksdb_keys", Kind.GAUGE, "Keys in the database, estimated.", _DB)
ROCKSDB_SST: Final = MetricSpec("themis_rocksdb_sst_bytes", Kind.GAUGE, "Size of all table files.", _DB)
ROCKSDB_LIVE: Final = MetricSpec(
    "themis_rocksdb_live_data_bytes", Kind.GAUGE, "Data that is neither overwritten nor deleted, estimated.", _DB
)
ROCKSDB_MEMTABLES: Final = MetricSpec("themis_rocksdb_memtable_bytes", Kind.GAUGE, "Size of all memory tables.", _DB)
ROCKSDB_TABLE_READERS: Final = MetricSpec(
    "themis_rocksdb_table_readers_bytes", Kind.GAUGE, "Memory of open tables outside the block cache, estimated.", _DB
)
ROCKSDB_CACHE: Final = MetricSpec("themis_rocksdb_block_cache_bytes", Kind.GAUGE, "Use of the block cache.", _DB)
ROCKSDB_CACHE_PINNED: Final = MetricSpec(
    "themis_rocksdb_block_cache_pinned_bytes", Kind.GAUGE, "Part of the block cache that cannot be evicted.", _DB
)
ROCKSDB_PENDING_COMPACTION: Final = MetricSpec(
    "themis_rocksdb_pending_compaction_bytes", Kind.GAUGE, "Bytes that wait to be compacted, estimated.", _DB
)
ROCKSDB_COMPACTIONS: Final = MetricSpec("themis_rocksdb_compactions_running", Kind.GAUGE, "Compactions running.", _DB)
ROCKSDB_FLUSHES: Final = MetricSpec(
    "themis_rocksdb_flushes_running", Kind.GAUGE, "Memory tables being written to files.", _DB
)
ROCKSDB_STOPPED: Final = MetricSpec(
    "themis_rocksdb_write_stopped", Kind.GAUGE, "1 while RocksDB holds all writes back to catch up, otherwise 0.", _DB
)
ROCKSDB_BACKGROUND_ERRORS: Final = MetricSpec(
    "themis_rocksdb_background_errors_total", Kind.COUNTER, "Errors of flushes and compactions; not 0 is an alarm.", _DB
)

EVENT_LOOP_LAG: Final = MetricSpec(
    "themis_event_loop_lag_seconds",
    Kind.HISTOGRAM,
    "How late the event loop woke a timer, four times a second; above 0.1 somebody blocks the loop.",
    (),
    _LAG_SECONDS,
)
LOG_RECORDS_DROPPED: Final = MetricSpec(
    "themis_log_records_dropped_total", Kind.COUNTER, "Log lines lost because standard error could not be written."
)
METRIC_FAILURES: Final = MetricSpec(
    "themis_metric_failures_total", Kind.COUNTER, "Figures left out of a scrape because reading them failed."
)
BUILD_INFO: Final = MetricSpec("themis_build_info", Kind.GAUGE, "Always 1; the label tells the version.", ("version",))

PROCESS_CPU: Final = MetricSpec("process_cpu_seconds_total", Kind.COUNTER, "User and system CPU time spent.")
PROCESS_RSS: Final = MetricSpec("process_resident_memory_bytes", Kind.GAUGE, "Resident memory.")
PROCESS_VIRTUAL: Final = MetricSpec("process_virtual_memory_bytes", Kind.GAUGE, "Virtual memory.")
PROCESS_OPEN_FDS: Final = MetricSpec("process_open_fds", Kind.GAUGE, "Open file descriptors.")
PROCESS_MAX_FDS: Final = MetricSpec("process_max_fds", Kind.GAUGE, "Most file descriptors this process may open.")
PROCESS_START_TIME: Final = MetricSpec(
    "process_start_time_seconds", Kind.GAUGE, "When the process started, in seconds since 1970."
)
GC_COLLECTIONS: Final = MetricSpec(
    "python_gc_collections_total", Kind.COUNTER, "Runs of the garbage collector, by generation.", ("generation",)
)
GC_PAUSE: Final = MetricSpec(
    "python_gc_pause_seconds", Kind.HISTOGRAM, "Time one run of the garbage collector took.", (), _APPLY_SECONDS
)

CATALOGUE: Final[tuple[MetricSpec, ...]] = (
    tuple(value for value in list(globals().values()) if isinstance(value, MetricSpec)) + CLUSTER_CATALOGUE
)


def render_reference() -> str:
    """Return docs/reference/metrics.md."""
    lines = [
        "# Metrics",
        "",
        "<!-- Rendered from themis_server.observability.catalogue; change the texts there. -->",
        "",
        "`GET /metrics` answers in the Prometheus text format. Times are in seconds, sizes in bytes. A metric without",
        "observations yet, or whose source this platform lacks, is absent.",
        "",
        "| metric | kind | labels | meaning |",
        "|---|---|---|---|",
    ]
    for spec in CATALOGUE:
        labels = ", ".join(f"`{label}`" for label in spec.labels)
        lines.append(f"| `{spec.name}` | {spec.kind} | {labels} | {spec.help} |")
    lines += ["", "Histograms have these bucket bounds:", "", "| metric | bounds |", "|---|---|"]
    for spec in CATALOGUE:
        if spec.bounds:
            lines.append(f"| `{spec.name}` | {', '.join(f'{bound:g}' for bound in spec.bounds)} |")
    return "\n".join(lines) + "\n"
