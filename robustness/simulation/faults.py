"""What goes wrong, and when.

Faults come at random intervals while the run lasts, each of a kind that the seed enabled, each for a while; several may
be in force at once. At the end of the time of faults everything is mended, and the cluster must become whole again.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import TYPE_CHECKING

from robustness.simulation.node import SimulatedNode
from themis_server.replication.outcome import Busy, NotLeader

if TYPE_CHECKING:
    from robustness.simulation.world import World
    from themis_server.replication.driver import Driver

_MS = 1000
_S = 1_000_000


class Faults:
    """The bad luck of one run."""

    def __init__(self, world: World, random: Random) -> None:
        self._world = world
        self._random = random
        self._kinds: dict[str, Callable[[], None]] = {
            "crash": self._crash,
            "crash_in_write": self._crash_in_write,
            "crash_in_install": self._crash_in_install,
            "burst": self._burst,
            "crash_all": self._crash_all,
            "kill": self._kill,
            "pause": self._pause,
            "isolate": self._isolate,
            "split": self._split,
            "one_way": self._one_way,
            "bridge": self._bridge,
            "raft_lost": self._raft_lost,
            "loss": self._loss,
            "delay": self._delay,
            "duplicates": self._duplicates,
            "slow_disk": self._slow_disk,
            "wall_clock": self._wall_clock,
            "transfer": self._transfer,
            "reset": self._reset,
            "idle_compaction": self._idle_compaction,
            "replace_replica": world.operator.replace_replica,
            "reshape": world.operator.reshape,
            "join": world.operator.join,
            "ambush": world.ambush.lay,
            "remove": self._remove,
        }
        self._over = False
        self.count = 0

    def begin(self) -> None:
        """Let things go wrong from now on."""
        self._next()

    def _next(self) -> None:
        gap_us = int(self._random.expovariate(1 / self._world.plan.fault_gap_us)) + _MS
        self._world.after(gap_us, self._strike)

    def _strike(self) -> None:
        if self._over:
            return
        self.count += 1
        self._kinds[self._random.choice(self._world.plan.faults)]()
        self._next()

    def end(self) -> None:
        """Mend everything, for good."""
        self._over = True
        world = self._world
        world.note(0, "all mended")
        world.network.heal()
        weather = world.network.weather
        weather.loss = weather.duplicates = 0.0
        weather.stragglers, weather.latency_us = 0.0, min(weather.latency_us, 2 * _MS)
        for node in world.nodes.values():
            node.sync_us = world.plan.sync_us
            node.power.restore()
            node.resume()
            self._restart(node)

    def restart_later(self, node: SimulatedNode) -> None:
        """Start a node that is down, after a while."""
        self._world.after(self._duration_us(), self._restart, node)

    def _restart(self, node: SimulatedNode) -> None:
        if not node.up and not node.retired:
            node.start()

    def _duration_us(self) -> int:
        """Return how long a fault lasts: now and then shorter than an election, now and then much longer."""
        return self._random.choice((20, 200, 600, 1_500, 3_000)) * _MS + self._random.randrange(100 * _MS)

    def _someone(self) -> SimulatedNode | None:
        """Return a node that is up: often one that leads."""
        up = [node for node in self._world.nodes.values() if node.up]
        leaders = [
            node for node in up if node.process and any(view.is_leader for view in node.process.driver.views.values())
        ]
        if leaders and self._random.random() < 0.6:
            return self._random.choice(leaders)
        return self._random.choice(up) if up else None

    # -- processes and power ------------------------------------------------------------------------------------
    def _crash(self) -> None:
        node = self._someone()
        if node is not None:
            node.lose_power()
            self.restart_later(node)

    def _crash_in_write(self) -> None:
        """Let the power fail between two operations of a turn: before a write, before its sync, before sending."""
        node = self._someone()
        if node is not None and not node.power.failing:
            operations = self._random.randrange(12)
            self._world.note(node.id, "fault", f"power fails after {operations} operations")
            node.power.fail_after(operations)

    def _crash_in_install(self) -> None:
        """Let the power fail while a snapshot takes the place of a state, on whatever nodes get one from now on."""
        for node in self._world.nodes.values():
            if node.up and not node.power.failing:
                node.power.fail_after(self._random.randrange(5), "state replace")

    def _burst(self) -> None:
        """Let many clients write to a leader at once, which often is cut off just then: so logs come to differ."""
        node = self._someone()
        if node is None:
            return
        for _ in range(self._random.randint(3, 12)):
            self._world.one_shot(node.id)
        if self._random.random() < 0.7:
            others = [other for other in self._world.nodes if other != node.id]
            delay_us = self._random.randrange(2 * _MS)
            self._world.note(0, "fault", f"a burst of writes at n{node.id}, which is then cut off")
            self._world.after(delay_us, self._world.network.split, [[node.id], others])
            self._heal_later()

    def _crash_all(self) -> None:
        for node in self._world.nodes.values():
            if node.up:
                node.lose_power()
                self.restart_later(node)

    def _kill(self) -> None:
        node = self._someone()
        if node is not None:
            node.kill()
            self.restart_later(node)

    def _pause(self) -> None:
        node = self._someone()
        if node is not None and not node.paused:
            node.pause()
            self._world.after(self._duration_us(), node.resume)

    # -- the network --------------------------------------------------------------------------------------------
    def _heal_later(self) -> None:
        self._world.after(self._duration_us(), self._heal)

    def _heal(self) -> None:
        self._world.note(0, "network whole")
        self._world.network.heal()

    def _isolate(self) -> None:
        node = self._someone()
        if node is not None:
            others = [other for other in self._world.nodes if other != node.id]
            self._world.note(0, "fault", f"n{node.id} is cut off")
            self._world.network.split([[node.id], others])
            self._heal_later()

    def _shuffled(self) -> list[int]:
        nodes = list(self._world.nodes)
        self._random.shuffle(nodes)
        return nodes

    def _split(self) -> None:
        nodes = self._shuffled()
        at = self._random.randint(1, len(nodes) - 1)
        self._world.note(0, "fault", f"split {nodes[:at]} | {nodes[at:]}")
        self._world.network.split([nodes[:at], nodes[at:]])
        self._heal_later()

    def _one_way(self) -> None:
        nodes = self._shuffled()
        deaf_to = nodes[1 : 1 + self._random.randint(1, len(nodes) - 1)]
        self._world.note(0, "fault", f"n{nodes[0]} is not heard by {deaf_to}")
        self._world.network.cut_one_way(nodes[0], deaf_to)
        self._heal_later()

    def _bridge(self) -> None:
        """Two halves that one node alone can speak to."""
        nodes = self._shuffled()
        half = max(1, (len(nodes) - 1) // 2)
        left, right = nodes[1 : 1 + half], nodes[1 + half :]
        self._world.note(0, "fault", f"{left} | n{nodes[0]} between | {right}")
        self._world.network.split([left, right])
        self._heal_later()

    def _raft_lost(self) -> None:
        """Let a node and the others not hear each other's Raft, while they go on to confirm who leads."""
        node = self._someone()
        if node is not None:
            self._world.note(0, "fault", f"Raft messages from and to n{node.id} are lost")
            self._world.network.lose_raft(node.id)
            self._world.after(1_000 * _MS + self._random.randrange(1_000 * _MS), self._heal)

    def _for_a_while(self, name: str, value: float) -> None:
        weather = self._world.network.weather
        usual = getattr(weather, name)
        self._world.note(0, "fault", f"network {name} {value}")
        setattr(weather, name, value)
        self._world.after(self._duration_us(), self._usual, name, min(usual, value))

    def _usual(self, name: str, value: float) -> None:
        if not self._over:
            setattr(self._world.network.weather, name, value)

    def _loss(self) -> None:
        self._for_a_while("loss", self._random.choice((0.02, 0.1, 0.4)))

    def _duplicates(self) -> None:
        self._for_a_while("duplicates", self._random.choice((0.05, 0.5)))

    def _delay(self) -> None:
        self._for_a_while("stragglers", self._random.choice((0.1, 0.4)))
        self._world.network.weather.straggle_us = self._random.choice((50, 300, 1_500)) * _MS

    # -- disks and clocks ---------------------------------------------------------------------------------------
    def _slow_disk(self) -> None:
        node = self._someone()
        if node is not None:
            node.sync_us = self._random.choice((5, 60, 700)) * _MS
            self._world.note(node.id, "fault", f"a sync takes {node.sync_us} us")
            self._world.after(self._duration_us(), self._quick_disk, node)

    def _quick_disk(self, node: SimulatedNode) -> None:
        node.sync_us = self._world.plan.sync_us

    def _wall_clock(self) -> None:
        node = self._someone()
        if node is not None:
            offset_us = self._random.choice((-3600, -5, -1, 0, 1, 5, 3600)) * _S
            self._world.note(node.id, "fault", f"the wall clock is {offset_us // _S} s off")
            node.clock.set_wall(offset_us)

    # -- what operators do --------------------------------------------------------------------------------------
    def _transfer(self) -> None:
        node = self._someone()
        if node is None or node.paused or node.process is None:
            return
        led = [view for view in node.process.driver.views.values() if view.is_leader]
        if led:
            view = self._random.choice(led)
            to = self._random.choice(sorted(view.members.voters))

            def transfer(driver: Driver) -> None:
                try:
                    driver.transfer_leader(view.group, to)
                except (NotLeader, Busy) as refused:
                    self._world.note(node.id, "no transfer", refused)

            self._world.note(node.id, "transfer", f"g{view.group} to n{to}")
            node.process.on_driver(transfer)

    def _reset(self) -> None:
        """Let the streams of a node break and be made anew."""
        node = self._someone()
        if node is not None:
            self._world.note(node.id, "fault", "its streams break")
            self._world.streams_down(node.id)
            self._world.streams_up(node.id)

    def _idle_compaction(self) -> None:
        node = self._someone()
        if node is not None and node.process is not None and not node.paused:
            node.process.maintain(idle=True)

    def _remove(self) -> None:
        """Remove a node for good, after its machine has burnt down."""
        node = self._someone()
        if node is not None and len(self._world.nodes) > 3 and not any(n.retired for n in self._world.nodes.values()):
            node.retired = True
            node.lose_power()
            self._world.operator.remove(node)
