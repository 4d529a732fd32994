"""Links between nodes that are bad: slow, lossy, thin, broken again and again; by a proxy before each peer port."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from robustness.faults import Need, Stage, blocking
from robustness.proxy.rules import EVERYBODY, Rule


@dataclass
class BadLinks:
    """A rule for all links at once."""

    name: str
    about: str
    rule: Rule
    hold_s: float | None = None
    expected_errors: ClassVar[tuple[str, ...]] = ()
    needs: ClassVar[tuple[Need, ...]] = (Need.REPLICAS, Need.PROXIES)

    async def start(self, stage: Stage) -> None:
        """Put the rule in force."""
        stage.note(self.about)
        for proxy in stage.proxies.values():
            await blocking(proxy.set, self.rule)

    async def stop(self, stage: Stage) -> None:
        """Let everything through."""
        for proxy in stage.proxies.values():
            await blocking(proxy.clear)


@dataclass
class StalledLeader:
    """Nothing passes to and from the leader, and no connection breaks: as a dead switch, or a paused machine."""

    name: ClassVar[str] = "links-stalled"
    about: ClassVar[str] = "links to and from the leader stand still, without breaking"
    needs: ClassVar[tuple[Need, ...]] = (Need.REPLICAS, Need.NETWORK, Need.PROXIES)
    hold_s: float | None = None
    expected_errors: ClassVar[tuple[str, ...]] = ()

    async def start(self, stage: Stage) -> None:
        """Stall: what others open to it, and what it opens to others."""
        leader = await stage.leader()
        stage.note(f"links of {leader.id} stand still", leader)
        for node_id, proxy in stage.proxies.items():
            await blocking(proxy.set, Rule(stalled=True), EVERYBODY if node_id == leader.id else leader.host)

    async def stop(self, stage: Stage) -> None:
        """Let everything through."""
        for proxy in stage.proxies.values():
            await blocking(proxy.clear)


@dataclass
class ResetLinks:
    """All connections between nodes are reset, several times a second."""

    name: ClassVar[str] = "links-reset"
    about: ClassVar[str] = "connections between nodes are reset several times a second"
    needs: ClassVar[tuple[Need, ...]] = (Need.REPLICAS, Need.PROXIES)
    hold_s: float | None = None
    expected_errors: ClassVar[tuple[str, ...]] = ()
    _task: asyncio.Task[None] | None = field(default=None, repr=False)
    _resets: dict[str, int] = field(default_factory=dict)

    async def start(self, stage: Stage) -> None:
        """Begin to reset."""
        self._resets = {}
        self._task = asyncio.create_task(self._reset(stage))

    async def _reset(self, stage: Stage) -> None:
        while True:
            for node_id, proxy in stage.proxies.items():
                self._resets[node_id] = self._resets.get(node_id, 0) + await blocking(proxy.reset, EVERYBODY)
            await asyncio.sleep(stage.chance.uniform(0.1, 0.5))

    async def stop(self, stage: Stage) -> None:
        """Stop it."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        stage.note(f"{sum(self._resets.values())} connections were reset")


RULES: Mapping[str, tuple[str, Rule]] = {
    "links-slow": ("links between nodes take 40 to 80 ms one way", Rule(delay_ms=40, jitter_ms=40)),
    "links-lossy": ("links between nodes lose 3 % of packets, which TCP sends again", Rule(delay_ms=1, loss=0.03)),
    "links-thin": ("links between nodes pass 256 KiB/s", Rule(bytes_per_s=256 << 10)),
}


def bad_links() -> list[BadLinks]:
    """Return all rules as faults."""
    return [BadLinks(name, about, rule) for name, (about, rule) in RULES.items()]
