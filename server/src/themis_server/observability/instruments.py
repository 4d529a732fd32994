"""The metric objects of a node, under the names the code uses.

One `Instruments` is made at the start and handed to whoever measures. An operation's handler keeps its
`OperationMetrics`; a request then costs two calls without a lookup by text.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import Final

from themis_server.observability import catalogue, exposition
from themis_server.observability.cluster import ClusterInstruments
from themis_server.observability.log import LogHandler, get_logger
from themis_server.observability.metrics import Counter, Distribution, Family, Gauge, Histogram, Registry
from themis_server.observability.process import watch_process
from themis_server.observability.rocksdb import RocksdbFigures

__all__ = ["Instruments", "OperationMetrics"]

_log = get_logger(__name__).limited(burst=1, interval_s=60.0)

_FIRST_SERVER_ERROR: Final = 500


class OperationMetrics:
    """What is counted about the requests of one operation."""

    __slots__ = ("_duration", "_in_flight", "_requests", "_statuses", "operation")

    def __init__(self, operation: str, requests: Family[Counter], duration: Histogram, in_flight: Gauge) -> None:
        self.operation = operation
        self._requests = requests
        self._duration = duration
        self._in_flight = in_flight
        self._statuses: dict[int, Counter] = {}

    def begin(self) -> None:
        """Count a request as in flight; exactly one `end` follows."""
        self._in_flight.value += 1

    def end(self, status: int, seconds: float) -> None:
        """Count the request as answered with `status` after `seconds`."""
        self._in_flight.value -= 1
        counter = self._statuses.get(status)
        if counter is None:
            counter = self._statuses[status] = self._requests.labels(self.operation, str(status))
        counter.value += 1
        # Histogram.observe, inlined: this runs once a request.
        duration = self._duration
        duration.counts[bisect_left(duration.bounds, seconds)] += 1
        duration.sum += seconds

    @property
    def requests(self) -> int:
        """Requests answered so far."""
        return int(sum(counter.value for counter in self._statuses.values()))

    @property
    def errors(self) -> int:
        """Requests answered with a status of 500 or above so far."""
        return int(sum(counter.value for status, counter in self._statuses.items() if status >= _FIRST_SERVER_ERROR))

    def durations(self) -> Distribution:
        """Return the durations in seconds so far."""
        return self._duration.snapshot()


class Instruments:
    """Every metric of a node. A metric with labels is a family; one without is the object itself."""

    def __init__(self, version: str) -> None:
        self.registry: Final = Registry()
        counter, gauge, histogram = self.registry.counter, self.registry.gauge, self.registry.histogram
        self._http_requests = counter(catalogue.HTTP_REQUESTS)
        self._http_duration = histogram(catalogue.HTTP_REQUEST_DURATION)
        self._operations: dict[str, OperationMetrics] = {}
        self.http_in_flight: Final = gauge(catalogue.HTTP_IN_FLIGHT).labels()
        self.http_connections: Final = gauge(catalogue.HTTP_CONNECTIONS).labels()
        self.http_connections_refused: Final = counter(catalogue.HTTP_CONNECTIONS_REFUSED).labels()
        self.log_fsync_seconds: Final = histogram(catalogue.LOG_FSYNC).labels()
        self.log_batch_entries: Final = histogram(catalogue.LOG_BATCH_ENTRIES).labels()
        self.log_batch_bytes: Final = histogram(catalogue.LOG_BATCH_BYTES).labels()
        self.apply_lag_entries: Final = gauge(catalogue.APPLY_LAG)
        self.apply_seconds: Final = histogram(catalogue.APPLY).labels()
        self.proposals_in_flight: Final = gauge(catalogue.PROPOSALS_IN_FLIGHT).labels()
        self.proposal_bytes_in_flight: Final = gauge(catalogue.PROPOSAL_BYTES_IN_FLIGHT).labels()
        self.entity_cache_hits: Final = counter(catalogue.ENTITY_CACHE_HITS).labels()
        self.entity_cache_misses: Final = counter(catalogue.ENTITY_CACHE_MISSES).labels()
        self.entity_cache_bytes: Final = gauge(catalogue.ENTITY_CACHE_BYTES).labels()
        self.disk_free_bytes: Final = gauge(catalogue.DISK_FREE).labels()
        self.disk_reserve_bytes: Final = gauge(catalogue.DISK_RESERVE).labels()
        self.topology_epoch: Final = gauge(catalogue.TOPOLOGY_EPOCH).labels()
        self.ready: Final = gauge(catalogue.READY).labels()
        self.event_loop_lag_seconds: Final = histogram(catalogue.EVENT_LOOP_LAG).labels()
        self.log_records_dropped: Final = counter(catalogue.LOG_RECORDS_DROPPED).labels()
        self.metric_failures: Final = counter(catalogue.METRIC_FAILURES).labels()
        self.gc_collections: Final = counter(catalogue.GC_COLLECTIONS)
        self.gc_pause_seconds: Final = histogram(catalogue.GC_PAUSE).labels()
        self.rocksdb: Final = RocksdbFigures(self.registry)
        self.cluster: Final = ClusterInstruments(self.registry)
        watch_process(self.registry)
        gauge(catalogue.BUILD_INFO).labels(version).set(1)

    def operation(self, operation: str) -> OperationMetrics:
        """Return the metrics of an operationId; the same object at every call."""
        found = self._operations.get(operation)
        if found is None:
            found = self._operations[operation] = OperationMetrics(
                operation, self._http_requests, self._http_duration.labels(operation), self.http_in_flight
            )
        return found

    def operations(self) -> tuple[OperationMetrics, ...]:
        """Return the metrics of all operations known so far."""
        return tuple(self._operations.values())

    def all_durations(self) -> Distribution:
        """Return the durations in seconds of all operations together."""
        total = Histogram(catalogue.HTTP_REQUEST_DURATION).snapshot()
        for operation in self._operations.values():
            total += operation.durations()
        return total

    def watch_log(self, handler: LogHandler) -> None:
        """Show how many lines `handler` has lost."""

        def refresh() -> None:
            self.log_records_dropped.value = handler.dropped

        self.registry.before_scrape(refresh)

    def render(self) -> bytes:
        """Return the body of GET /metrics (media type: `exposition.CONTENT_TYPE`)."""
        return exposition.render(self.registry, self._on_failure)

    def _on_failure(self, name: str, failed: Exception) -> None:
        self.metric_failures.inc()
        _log.warning("metric.failed", metric=name, exc=failed)
