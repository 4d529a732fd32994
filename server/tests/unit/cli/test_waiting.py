"""`themis-admin --wait`: when it ends."""

from __future__ import annotations

import argparse
from typing import Any

import pytest

from themis_server.cli.admin import waiting
from themis_server.cli.admin.client import AdminError


class Cluster:
    """Answers as a cluster in which node-3 is on these shards and has so many votes."""

    def __init__(self, on: list[str], voters: int, learners: int, metadata: str = "learner") -> None:
        self.on = on
        self.metadata = metadata
        self.replicas = {"voters": voters, "learners": learners, "leaders": 0, "lagging": 0}

    def get(self, path: str) -> Any:
        if path == "/api/admin/nodes/node-3":
            own = [{"shard_id": "metadata", "role": self.metadata}]
            return {"node": {"replicas": self.replicas}, "details": {"uptime_s": 1.0, "groups": own}}
        assert path == "/api/admin/shards"
        return {
            "items": [
                {
                    "shard_id": shard,
                    "replicas": [{"node_id": "node-1"}, {"node_id": "node-3"}][: 2 if shard in self.on else 1],
                }
                for shard in ("shard_001", "shard_002")
            ]
        }


def patient(seconds: float) -> argparse.Namespace:
    return argparse.Namespace(wait=True, timeout=seconds)


def test_a_drained_node_keeps_its_copy_of_the_metadata() -> None:
    waiting.drained(Cluster(on=[], voters=0, learners=1), patient(0), "node-3")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("cluster", "why"),
    [
        (Cluster(on=["shard_002"], voters=0, learners=2), "1 replicas"),
        (Cluster(on=[], voters=1, learners=0), "a vote on the metadata"),
        (Cluster(on=[], voters=0, learners=0, metadata="voter"), "a vote on the metadata"),
    ],
)
def test_a_node_that_holds_something_still_is_not_drained(cluster: Cluster, why: str) -> None:
    with pytest.raises(AdminError, match=why):
        waiting.drained(cluster, patient(0), "node-3")  # type: ignore[arg-type]
