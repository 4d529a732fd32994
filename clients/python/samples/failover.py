"""A writer that goes on while leaders move: no write fails, none is lost, and each is done once.

Start it on a cluster (`./themis cluster up --nodes 3`), and kill a node while it runs (`./themis cluster kill 2`). On a
cluster it also moves a leader by itself; on a node that is alone it only writes.

    THEMIS_ENDPOINT=http://127.0.0.1:8080 SECONDS=20 python failover.py
"""

import os
import time
from uuid import uuid4

from themis import Hooks, RequestRetry, RetryPolicy, ThemisClient


class Retries(Hooks):
    """Says what the SDK did about trouble, as it happens."""

    count = 0

    def on_request_retry(self, retry: RequestRetry) -> None:
        """Another attempt follows."""
        self.count += 1
        print(f"  {retry.operation} at {retry.endpoint}: {retry.reason}; again in {retry.wait_s * 1000:.0f} ms")


def move_a_leader(client: ThemisClient) -> None:
    """Give one shard another leader, if there is a node to give it to."""
    shard = client.admin_shards().items[0]
    others = [replica.node_id for replica in shard.replicas if replica.role == "voter" and replica.state == "follower"]
    if others:
        moved = client.admin_transfer_leader(shard.shard_id, others[0])
        print(f"{moved.shard_id} is led by {moved.leader} now, in term {moved.leader_term}")


def main() -> None:
    endpoints = os.environ.get("THEMIS_ENDPOINT", "http://127.0.0.1:8080").split(",")
    seconds = float(os.environ.get("SECONDS", "2"))
    retries = Retries()
    # A leader is elected within a second or two: patience for that, within the deadline of each call.
    patience = RetryPolicy(retries_max=10, attempt_timeout_s=3.0)
    with ThemisClient(endpoints, namespace="samples", timeout=15, retry=patience, hooks=[retries]) as client:
        uuids = [str(uuid4()) for _ in range(8)]
        for uuid in uuids:
            client.put("document", "counters", uuid, {"value": 0})
        begin, longest_s, rounds = time.monotonic(), 0.0, 0
        moves_at = begin + seconds / 2
        while time.monotonic() < begin + seconds:
            rounds += 1
            for uuid in uuids:
                started = time.monotonic()
                # The SDK gives each write a key: sent again after a failover, it is still done once.
                client.put("document", "counters", uuid, {"value": rounds})
                longest_s = max(longest_s, time.monotonic() - started)
            if time.monotonic() >= moves_at:
                move_a_leader(client)
                moves_at = float("inf")
        values = [document["value"] for document in client.batch_get("document", "counters", uuids) if document]
        print(f"{rounds * len(uuids)} writes, {retries.count} retries, the slowest took {longest_s * 1000:.0f} ms")
        assert values == [rounds] * len(uuids)
        client.batch_delete("document", "counters", uuids)


if __name__ == "__main__":
    main()
