"""What a scripted cluster looks like: its nodes, who leads which shard, and under which epoch."""

from __future__ import annotations

import asyncio
import zlib
from dataclasses import dataclass, field
from typing import Any

from themis_conformance.plan import ServerPlan
from themis_conformance.ring import Ring, scripted_ring

__all__ = ["Shape"]


@dataclass
class Shape:
    """Nodes by number, their URLs, and the leaders of the shards.

    `answer_epoch` is what answers say in their headers where it is not the truth.
    """

    urls: list[str]
    ring: Ring
    epoch: int
    leaders: dict[str, int | None]
    answer_epoch: int | None = None
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    @classmethod
    def of(cls, plan: ServerPlan, urls: list[str]) -> Shape:
        """The shape at the beginning: the shards are led in turn by the nodes."""
        ring = scripted_ring(plan.shards)
        leaders: dict[str, int | None] = {f"shard_{i + 1:03}": i % plan.nodes for i in range(plan.shards)}
        return cls(urls, ring, plan.epoch, leaders)

    def told_epoch(self) -> int:
        """The epoch in the headers of answers."""
        return self.epoch if self.answer_epoch is None else self.answer_epoch

    def leads(self, node: int, uuid: str) -> bool:
        """Whether a node leads the shard of a uuid."""
        return self.leaders[self.ring.shard_of(uuid)] == node

    def set_epoch(self, epoch: int) -> None:
        """Another epoch; whoever waits for one learns of it."""
        self.epoch = epoch
        self.changed.set()
        self.changed = asyncio.Event()

    async def wait_newer(self, epoch: int, timeout_s: float) -> bool:
        """Wait for an epoch greater than this; False when the time passed first."""
        try:
            async with asyncio.timeout(timeout_s):
                while self.epoch <= epoch:
                    await self.changed.wait()
        except TimeoutError:
            return False
        return True

    def etag(self) -> str:
        """Changes with the epoch and with the leaders."""
        leaders = ".".join(str(leader) for leader in self.leaders.values())
        return f'"{self.epoch}-{zlib.crc32(leaders.encode()):08x}"'

    def to_wire(self) -> dict[str, Any]:
        """As GET /topology answers it."""
        nodes = [
            {
                "node_id": f"node-{number}",
                "endpoint": url,
                "datacenter": "dc1",
                "rack": "rack1",
                "state": "up",
                "version": "0.1.0",
            }
            for number, url in enumerate(self.urls)
        ]
        replicas = [{"node_id": node["node_id"], "role": "voter"} for node in nodes]
        shards = [
            {"shard_id": shard, "leader": None if leader is None else f"node-{leader}", "replicas": replicas}
            for shard, leader in self.leaders.items()
        ]
        return {"epoch": self.epoch, "nodes": nodes, "shards": shards, "tokens": self.ring.to_wire()}
