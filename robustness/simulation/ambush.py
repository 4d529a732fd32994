"""The moment at which a quorum of one half of a joint phase lies: it has to be made, for it hardly comes by itself.

A leader is in a joint phase for one exchange with its followers, and few runs have such a leader cut off just then.
Only who counts the new half alone is wrong, since every election in the phase, and every one after it, needs the old
half. So what it takes is voters of the old half that have the entry of the phase and do not know that it is committed:

    1  as soon as a leader of a shard is in the phase, a majority of the old half is cut off from it and from the others
    2  it may be paused, so that it still believes that it leads when they have elected another
    3  whoever they elect is written to, and what it says first is lost: so its first entry goes to the others together
       with the writes, and these are committed by the old half alone, before the phase begins for these voters too
    4  the leader that was cut off is asked for strong reads
"""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from robustness.simulation.node import SimulatedNode
    from robustness.simulation.world import World
    from themis_server.replication.driver import Driver
    from themis_server.replication.group import Group

_MS = 1000
_PATIENCE_US = 2_000 * _MS
"""How long a joint phase is waited for, and how long for another leader."""
_UNHEARD_US = 40 * _MS
_COMMITTED_US = 250 * _MS
"""When the writes are committed, if they are: the first heartbeat that is heard has everything sent again."""
_WRITES = 5
_READS = 8
_READ_EVERY_US = 40 * _MS


class Ambush:
    """Waits for a joint phase; at most one is under way."""

    def __init__(self, world: World, random: Random) -> None:
        self._world = world
        self._random = random
        self._ends_at_us = 0
        self._leader: SimulatedNode | None = None
        self._group = 0
        self._behind: list[int] = []
        self.sprung = self.won = 0
        """How often a leader was cut off in a joint phase, and how often another was then elected and written to."""

    def lay(self) -> None:
        """Wait for the next joint phase, and see to it that there is one."""
        if self._leader is None:
            self._ends_at_us = self._world.now_us + _PATIENCE_US
            self._world.operator.reshape(shards_only=True)

    @property
    def laid(self) -> bool:
        """Whether turns have to be looked at."""
        return self._world.now_us < self._ends_at_us

    def turned(self, node: SimulatedNode, driver: Driver) -> None:
        """A node finished a turn, while an ambush is laid."""
        if self._leader is None:
            for group in driver.groups.values():
                if group.id and group.is_leader and len(group.halves) == 2 and self._spring(node, group):
                    break
        elif node.id in self._behind:
            view = driver.views.get(self._group)
            if view is not None and view.is_leader:
                self._elected(node)

    def _spring(self, node: SimulatedNode, group: Group) -> bool:
        world = self._world
        new, old = group.halves
        # Those of the old half alone before those of both: the new half is to have its majority with the leader.
        candidates = sorted(old - {node.id}, key=lambda voter: (voter in new, voter))
        behind = candidates[: len(old) // 2 + 1]
        if 2 * len(behind) <= len(old) or 2 * len(new - set(behind)) <= len(new):
            return False
        self.sprung += 1
        self._leader, self._group, self._behind = node, group.id, behind
        self._ends_at_us = world.now_us + _PATIENCE_US
        world.note(node.id, "fault", f"g{group.id} is in a joint phase {group.halves}, cut off from {behind}")
        world.network.split([behind, [other for other in world.nodes if other not in behind]])
        if self._random.random() < 0.5:
            node.pause()
        world.after(_PATIENCE_US, self._end)
        return True

    def _elected(self, elected: SimulatedNode) -> None:
        world, leader = self._world, self._leader
        assert leader is not None
        self.won += 1
        self._ends_at_us = world.now_us
        world.network.split([[elected.id], [voter for voter in self._behind if voter != elected.id]])
        world.after(_UNHEARD_US, world.network.join, list(self._behind))
        for _ in range(_WRITES):
            world.one_shot(elected.id, self._group)
        world.after(_COMMITTED_US, leader.resume)
        for at in range(_READS):
            world.after(_COMMITTED_US + at * _READ_EVERY_US, world.one_shot, leader.id, self._group, "strong")

    def _end(self) -> None:
        """Let the leader go on, and the network be whole."""
        leader, self._leader = self._leader, None
        self._ends_at_us = 0
        if leader is not None:
            leader.resume()
        self._world.note(0, "network whole")
        self._world.network.heal()
