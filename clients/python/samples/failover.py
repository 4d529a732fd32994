"""A writer that goes on while a leader dies: no write fails, none is done twice, and nothing acknowledged is missing.

Start it on a cluster (`./themis cluster up --nodes 3`) and kill a node while it runs (`./themis cluster kill 2`, and
later `./themis cluster start 2`). On a node that is alone it only writes and reads.

    THEMIS_ENDPOINT=http://127.0.0.1:8080,http://127.0.0.1:8081 SECONDS=20 python failover.py
"""

import os
import time
from uuid import uuid4

from themis import Hooks, RequestRetry, RetryPolicy, ThemisClient


class Retries(Hooks):
    """Counts what the SDK did about trouble."""

    count = 0

    def on_request_retry(self, retry: RequestRetry) -> None:
        """Another attempt follows."""
        self.count += 1


def main() -> None:
    endpoints = os.environ.get("THEMIS_ENDPOINT", "http://127.0.0.1:8080").split(",")
    seconds = int(os.environ.get("SECONDS", "2"))
    retries = Retries()
    # A leader is elected within a second or two: patience for that, within the deadline of each call.
    patience = RetryPolicy(retries_max=20, attempt_timeout_s=3.0)
    acknowledged: dict[str, int] = {}
    with ThemisClient(endpoints, namespace="samples", timeout=20, retry=patience, hooks=[retries]) as client:
        for second in range(1, seconds + 1):
            writes, slowest_s, retries.count = 0, 0.0, 0
            ends_at = time.monotonic() + 1
            while time.monotonic() < ends_at:
                uuid, number = str(uuid4()), len(acknowledged)
                started = time.monotonic()
                # The SDK gives each write an idempotency key: sent again after a failover, it is still done once.
                written = client.put("document", "ledger", uuid, {"number": number})
                slowest_s = max(slowest_s, time.monotonic() - started)
                assert written.created, f"{uuid} was there before it was written: it was written twice"
                acknowledged[uuid] = number
                assert client.get("document", "ledger", uuid) == {"number": number}
                writes += 1
                time.sleep(0.005)
            print(
                f"second {second}: {writes} writes acknowledged, the slowest took {slowest_s * 1000:.0f} ms, "
                f"{retries.count} retries",
                flush=True,
            )
        found = client.batch_get("document", "ledger", list(acknowledged))
        missing = [uuid for uuid, document in zip(acknowledged, found, strict=True) if document is None]
        assert [document and document["number"] for document in found] == list(acknowledged.values()), missing
        print(f"{len(acknowledged)} writes acknowledged, {len(missing)} missing")
        client.batch_delete("document", "ledger", list(acknowledged)).raise_for_errors()


if __name__ == "__main__":
    main()
