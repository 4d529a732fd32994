"""What goes wrong: one class a fault, each of which says what it needs and takes back what it did.

Invariant: after `stop` the machine and the cluster are as they were before `start`, but for what the cluster itself
made of it; and whatever `start` changes is announced to `Undo` first, so that a crash of this program undoes it too. A
fault neither makes load nor judges.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, Protocol, TypeVar

from robustness.cluster import Cluster, Node
from robustness.network import Network
from robustness.proxy.control import LinkProxy
from robustness.undo import Undo

_T = TypeVar("_T")


class Need(StrEnum):
    """What a fault cannot do without."""

    REPLICAS = "at least 3 nodes"
    NETWORK = "namespaces"
    PROXIES = "proxies in front of the peer ports"
    STRACE = "strace"
    FAKETIME = "libfaketime"
    MOUNT = "mounting"
    DISPOSABLE = "a cluster of its own"


@dataclass
class Stage:
    """What a fault works on.

    Attributes:
        cluster: The nodes.
        undo: Takes what brings changes back if this program crashes.
        chance: For whatever is drawn.
        network: The namespaces, if there are any.
        proxies: By node id, the proxy in front of its peer port, if there are any.
        probe: Begins strong reads of the keys in use that go to one node and no other; they are judged like all.
        notes: What the fault did, in words.
        victims: The nodes it was done to.
    """

    cluster: Cluster
    undo: Undo
    chance: random.Random
    network: Network | None = None
    proxies: dict[str, LinkProxy] = field(default_factory=dict)
    probe: Callable[[Node], None] = lambda node: None
    notes: list[str] = field(default_factory=list)
    victims: list[str] = field(default_factory=list)

    def note(self, text: str, *victims: Node) -> None:
        """Say what is done, and to whom."""
        self.notes.append(text)
        self.victims += [node.id for node in victims if node.id not in self.victims]

    async def leader(self) -> Node:
        """Return the node that leads most shards."""
        return await asyncio.to_thread(self.cluster.busiest)

    async def follower(self) -> Node:
        """Return a node other than that."""
        leader = await self.leader()
        others = [node for node in self.cluster.nodes.values() if node.id != leader.id]
        return self.chance.choice(others) if others else leader


class Fault(Protocol):
    """One thing that goes wrong for a while."""

    @property
    def name(self) -> str:
        """How it is called on the command line and in tables."""
        ...

    @property
    def about(self) -> str:
        """What it does, in a line."""
        ...

    @property
    def needs(self) -> Sequence[Need]:
        """What it cannot do without."""
        ...

    @property
    def hold_s(self) -> float | None:
        """How long it lasts, where the usual time makes no sense."""
        ...

    @property
    def expected_errors(self) -> Sequence[str]:
        """Events of level error that nodes log because of it."""
        ...

    async def start(self, stage: Stage) -> None:
        """Let it go wrong."""
        ...

    async def stop(self, stage: Stage) -> None:
        """Take it back, and bring up what it ended."""
        ...


SHORT_HOLD_S: Final = 1.0


async def blocking(work: Callable[..., _T], *arguments: object) -> _T:
    """Carry out what blocks, without stopping the load meanwhile."""
    return await asyncio.to_thread(work, *arguments)
