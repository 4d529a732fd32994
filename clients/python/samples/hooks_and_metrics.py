"""Count and time the requests a client makes, log its retries, and carry a trace along."""

import os
import threading
from collections import Counter
from uuid import uuid4

from themis import Hooks, RequestEnd, RequestRetry, RequestStart, RetryPolicy, ThemisClient, ThemisError


class Figures(Hooks):
    """Totals by operation and outcome. One object may serve many clients and threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.calls: Counter[str] = Counter()
        self.retries = 0
        self.seconds = 0.0

    def on_request_start(self, start: RequestStart) -> None:
        """Send the trace of the caller along."""
        start.headers["traceparent"] = f"00-{uuid4().hex}-{uuid4().hex[:16]}-01"

    def on_request_retry(self, retry: RequestRetry) -> None:
        """Log, with the id under which the server logged it, too."""
        with self._lock:
            self.retries += 1
        print(f"  attempt {retry.attempt} of {retry.operation} failed: {retry.reason} [{retry.request_id}]")

    def on_request_end(self, end: RequestEnd) -> None:
        """Count."""
        outcome = str(end.status) if end.error is None else type(end.error).__name__
        with self._lock:
            self.calls[f"{end.operation} {outcome}"] += 1
            self.seconds += end.duration_s


def nobody_there(figures: Figures) -> None:
    """Calls that fail are counted like others."""
    patience = RetryPolicy(retries_max=2, backoff_base_s=0.01)
    with ThemisClient(["http://127.0.0.1:9"], hooks=[figures], retry=patience) as lonely:
        try:
            lonely.version(timeout=5)
        except ThemisError as error:
            print("as expected:", error)


def main() -> None:
    endpoint = os.environ.get("THEMIS_ENDPOINT", "http://127.0.0.1:8080")
    figures = Figures()
    nobody_there(figures)
    with ThemisClient([endpoint], namespace="samples", hooks=[figures]) as client:
        uuid = str(uuid4())
        client.put("document", "people", uuid, {"name": "Alice"})
        for _ in range(10):
            client.get("document", "people", uuid)
        client.get("document", "people", str(uuid4()))
        client.delete("document", "people", uuid)
        print(
            "the node's own metrics:", sum(not line.startswith("#") for line in client.metrics().splitlines()), "lines"
        )

    for name, count in sorted(figures.calls.items()):
        print(f"{name}: {count}")
    calls = figures.calls.total()
    print(f"{figures.retries} retries, {1000 * figures.seconds / calls:.2f} ms a call")


if __name__ == "__main__":
    main()
