"""Networks that are cut: packets are dropped without a word, between some nodes or between clients and a node."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from robustness.cluster import Node
from robustness.faults import Need, Stage, blocking
from robustness.network import CLIENTS, Network

Cut = Callable[[Stage, Network, Node, list[Node]], Awaitable[str]]
"""Cuts the network around a leader and the other nodes; says what it did."""


@dataclass
class Partition:
    """One way of cutting the network. Clients reach both sides, unless it says otherwise."""

    name: str
    about: str
    cut: Cut
    more_needs: tuple[Need, ...] = (Need.REPLICAS,)
    hold_s: float | None = None
    expected_errors: ClassVar[tuple[str, ...]] = ()
    base_needs: ClassVar[tuple[Need, ...]] = (Need.NETWORK,)

    @property
    def needs(self) -> Sequence[Need]:
        """Namespaces, and mostly three nodes."""
        return (*self.base_needs, *self.more_needs)

    async def start(self, stage: Stage) -> None:
        """Cut."""
        assert stage.network is not None
        leader = await stage.leader()
        others = [node for node in stage.cluster.nodes.values() if node.id != leader.id]
        stage.chance.shuffle(others)
        stage.note(await self.cut(stage, stage.network, leader, others), leader)

    async def stop(self, stage: Stage) -> None:
        """Heal."""
        assert stage.network is not None
        await blocking(stage.network.heal)


async def _minority(stage: Stage, network: Network, leader: Node, others: list[Node]) -> str:
    for other in others:
        await blocking(network.cut_both, leader.id, other.id)
    return f"{leader.id} is alone"


async def _majority(stage: Stage, network: Network, leader: Node, others: list[Node]) -> str:
    lonely = others[: len(stage.cluster.nodes) // 2]
    for one in lonely:
        for other in stage.cluster.nodes.values():
            if other not in lonely:
                await blocking(network.cut_both, one.id, other.id)
    stage.note("", *lonely)
    return f"{', '.join(node.id for node in lonely)} cut off from the others"


async def _deaf(stage: Stage, network: Network, leader: Node, others: list[Node]) -> str:
    for other in others:
        await blocking(network.cut, other.id, leader.id)
    return f"{leader.id} hears no node, and is heard"


async def _mute(stage: Stage, network: Network, leader: Node, others: list[Node]) -> str:
    for other in others:
        await blocking(network.cut, leader.id, other.id)
    return f"{leader.id} is heard by no node, and hears"


async def _bridge(stage: Stage, network: Network, leader: Node, others: list[Node]) -> str:
    middle, *right = others
    half = len(right) // 2 + 1
    for one in [leader, *right[half:]]:
        for other in right[:half]:
            await blocking(network.cut_both, one.id, other.id)
    stage.note("", middle)
    return f"only {middle.id} is reached by all"


async def _clients(stage: Stage, network: Network, leader: Node, others: list[Node]) -> str:
    await blocking(network.cut, CLIENTS, leader.id)
    return f"clients do not reach {leader.id}, nodes do"


def partitions() -> list[Partition]:
    """Return all ways of cutting."""
    return [
        Partition("partition-minority", "the leader is cut off from all nodes; clients reach both sides", _minority),
        Partition("partition-majority", "the leader keeps a majority, the others are cut off", _majority),
        Partition("partition-deaf", "the leader hears no other node (one way)", _deaf),
        Partition("partition-mute", "no other node hears the leader (one way)", _mute),
        Partition("partition-bridge", "two sides that only one node connects", _bridge),
        Partition("partition-clients", "clients do not reach the leader, nodes do", _clients, ()),
    ]
