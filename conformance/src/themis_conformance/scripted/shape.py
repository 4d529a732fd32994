"""What a scripted cluster looks like: its nodes, who leads which shard, and under which epoch."""

from __future__ import annotations

import asyncio
import json
import zlib
from dataclasses import dataclass, field
from typing import Any

from themis_conformance.plan import NodePlan, ReplicasPlan, ServerPlan
from themis_conformance.ring import Ring, scripted_ring

__all__ = ["Shape", "node_id"]


def node_id(number: int) -> str:
    """The id of a node."""
    return f"node-{number}"


@dataclass
class Shape:
    """Nodes by number, their URLs, the replicas of the shards, and who leads them.

    Attributes:
        answer_epoch: What answers say in their headers where it is not the truth.
        terms: The Raft term of each shard, which grows when its leader moves.
        claims: What a node believes of who leads a shard (and since which term) where that is not the truth.
        held: Nodes whose replicas stand still -> the version up to which they have everything.
    """

    urls: list[str]
    ring: Ring
    epoch: int
    nodes: list[NodePlan]
    replicas: dict[str, ReplicasPlan]
    leaders: dict[str, int | None]
    terms: dict[str, int]
    answer_epoch: int | None = None
    claims: dict[tuple[int, str], tuple[int | None, int]] = field(default_factory=dict)
    held: dict[int, int] = field(default_factory=dict)
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    @classmethod
    def of(cls, plan: ServerPlan, urls: list[str]) -> Shape:
        """The shape at the beginning: the shards are led in turn by their voters."""
        shards = [f"shard_{number:03}" for number in range(1, plan.shards + 1)]
        everywhere = ReplicasPlan(tuple(range(plan.nodes)))
        replicas = {shard: plan.replicas.get(shard, everywhere) for shard in shards}
        leaders: dict[str, int | None] = {
            shard: replicas[shard].voters[index % len(replicas[shard].voters)] for index, shard in enumerate(shards)
        }
        nodes = [plan.labels.get(number, NodePlan()) for number in range(plan.nodes)]
        return cls(urls, scripted_ring(plan.shards), plan.epoch, nodes, replicas, leaders, dict.fromkeys(shards, 1))

    def told_epoch(self) -> int:
        """The epoch in the headers of answers."""
        return self.epoch if self.answer_epoch is None else self.answer_epoch

    def lead(self, shard: str, number: int | None) -> None:
        """A shard gets another leader, in a new term, or none."""
        if number is not None and number != self.leaders[shard]:
            self.terms[shard] += 1
        self.leaders[shard] = number

    def role_of(self, number: int, shard: str) -> str | None:
        """What a node is to a shard: leader, follower or learner; None if it has no replica."""
        if self.leaders[shard] == number:
            return "leader"
        places = self.replicas[shard]
        return "follower" if number in places.voters else "learner" if number in places.learners else None

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

    def etag(self, asked: int) -> str:
        """Changes with the epoch, with the leaders (as the node that is asked knows them), and with how nodes are."""
        wire = self.to_wire(asked)
        told = json.dumps([wire["nodes"], wire["shards"]])
        return f'"{self.epoch}-{zlib.crc32(told.encode()):08x}"'

    def to_wire(self, asked: int) -> dict[str, Any]:
        """As the node that is asked answers GET /topology."""
        nodes = [
            {
                "node_id": node_id(number),
                "endpoint": url,
                "datacenter": plan.datacenter,
                "rack": plan.rack,
                "state": plan.state,
                "version": "0.2.0",
                "health": plan.health,
                "kind": plan.kind,
            }
            for number, (url, plan) in enumerate(zip(self.urls, self.nodes, strict=True))
        ]
        shards = [self._shard(shard, asked) for shard in self.leaders]
        return {"epoch": self.epoch, "nodes": nodes, "shards": shards, "tokens": self.ring.to_wire()}

    def _shard(self, shard: str, asked: int) -> dict[str, Any]:
        leader, term = self.claims.get((asked, shard), (self.leaders[shard], self.terms[shard]))
        who = {"leader": None} if leader is None else {"leader": node_id(leader), "leader_term": term}
        return {"shard_id": shard, **who, "replicas": self.places(shard)}

    def places(self, shard: str) -> list[dict[str, str]]:
        """The replicas of a shard, as the API shows them."""
        places = self.replicas[shard]
        return [
            {"node_id": node_id(number), "role": role}
            for role, numbers in (("voter", places.voters), ("learner", places.learners))
            for number in numbers
        ]
