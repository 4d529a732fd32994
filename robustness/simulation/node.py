"""A simulated machine: disks, clocks and a power supply that outlive the process that runs on it."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, Any

import themis_raft
from robustness.simulation.clocks import NodeClock
from robustness.simulation.disk import Power, PowerLoss, SimulatedDisk, StateDisk
from robustness.simulation.invariants import Violation
from robustness.simulation.process import Process
from robustness.simulation.serving import COLLECTION, unpacked
from themis_server.metadata.topology import Node, Topology
from themis_server.storage import keys
from themis_server.storage.engine import EngineError

if TYPE_CHECKING:
    from robustness.simulation.clients import Attempt
    from robustness.simulation.world import World

_RACKS = 3
_SLOW_SYNC_US = 2_000
_PROBES = 3
_SLICE_US = 12_000


class SimulatedNode:
    """One node."""

    def __init__(self, world: World, number: int, random: Random) -> None:
        """Make a machine with empty disks.

        Args:
            world: where it stands.
            number: its number, which is its Raft id as well.
            random: its luck.
        """
        self.id = number
        self.random = random
        self._world = world
        self.power = Power()
        self.log = SimulatedDisk("log", self.power, self._log_sync, _nothing)
        self.state = StateDisk("state", self.power, _nothing, self._slice)
        self.clock = NodeClock(random.uniform(-world.plan.drift, world.plan.drift), random.randrange(10**9))
        self.sync_us = world.plan.sync_us
        self.instance = f"{number:032x}"
        self.genesis: list[int] = []
        """The voters of the groups that begin on this node; empty on a node that joins later."""
        self.genesis_groups: list[int] = []
        self.has_begun = False
        self.first_topology: Topology
        """What the node was told when it joined."""
        self.process: Process | None = None
        self.paused = False
        self.retired = False
        """It will never start again."""
        self.lives = 0

    @property
    def entry(self) -> Node:
        """The node as the topology should have it."""
        return entry(self.id)

    @property
    def up(self) -> bool:
        """Whether its process runs (it may be paused)."""
        return self.process is not None

    def start(self) -> None:
        """Start the process from what the disks hold."""
        self.power.restore()
        self.lives += 1
        self.paused = False
        self._world.note(self.id, "start")
        self.clock.now_us, self.clock.inside_us = self._world.now_us, 0
        process = self.process = Process(self._world, self)
        try:
            process.start()
        except PowerLoss:
            self.lose_power()
            self._world.faults.restart_later(self)
            return
        except (EngineError, themis_raft.RaftError) as error:
            raise Violation("a node starts from its disks", f"n{self.id}: {error!r}") from error
        if self.process is process:
            self._world.streams_up(self.id)

    def lose_power(self) -> None:
        """End the process, and lose what was not synced."""
        where, self.power.lost = self.power.where, True
        self._end()
        lost = self.log.lose_power(self.random), self.state.lose_power(self.random)
        self._world.note(self.id, "power loss", where, f"lost writes: log {lost[0]}, state {lost[1]}")

    def kill(self) -> None:
        """End the process (kill -9); the disks keep everything that was written."""
        self._world.note(self.id, "kill")
        self.power.lost = True  # nothing that the process still has in hand may reach the disks
        self._end()
        self.log.end_process()
        self.state.end_process()

    def _end(self) -> None:
        process, self.process = self.process, None
        self.paused = False
        if process is not None:
            process.end()
            self._world.streams_down(self.id)

    def pause(self) -> None:
        """Stop the process (SIGSTOP): what arrives waits."""
        if self.process is not None and not self.paused:
            self._world.note(self.id, "pause")
            self.paused = True
            self.process.loop.hold()

    def resume(self) -> None:
        """Let the process go on."""
        if self.process is not None and self.paused:
            self._world.note(self.id, "resume")
            self.paused = False
            self.process.loop.release()
            self.process.wake()

    def receive(self, frm: int, payload: object) -> None:
        """A message of another node arrives."""
        if self.process is not None:
            self.process.receive(frm, payload)

    def request(self, attempt: Attempt) -> None:
        """A client's request arrives, or its connection is refused."""
        if self.process is not None:
            self.process.serving.request(attempt)
        else:
            refused = ConnectionRefusedError()
            self._world.after(self._world.network.latency_us(), attempt.client.answered, attempt, refused)

    # -- looking at the disks ------------------------------------------------------------------------------------
    def entities(self, group: int) -> dict[tuple[int, bytes], tuple[int, Any]]:
        """Return every entity of a shard here: (version, document) by (collection, uuid)."""
        prefix = keys.entity_prefix(group, COLLECTION)
        found = self.state.scan(*keys.entity_range(group, COLLECTION))
        return {(COLLECTION, key[len(prefix) :]): unpacked(stored) for key, stored in found}

    def logged(self, group: int) -> dict[int, tuple[int, bytes]]:
        """Return the log of a group on disk: (term, entry) by index."""
        found = {}
        for _, stored in self.log.scan(*keys.log_range(group, 0, 1 << 62)):
            index, term = themis_raft.entry_index_term(stored[4:])
            found[index] = (term, stored[4:])
        return found

    def _slice(self) -> None:
        self.clock.inside_us += self.random.randrange(_SLICE_US)
        if self.process is not None:
            self.process.serving.probe()

    def _log_sync(self) -> None:
        duration_us = int(self.sync_us * (0.5 + self.random.random()))
        if duration_us < _SLOW_SYNC_US or self.process is None:
            self.clock.inside_us += duration_us
            return
        for _ in range(_PROBES):
            self.clock.inside_us += duration_us // _PROBES
            self.process.serving.probe()


def _nothing() -> None:
    """Take no time: whoever waits for this is no thread that is simulated."""


def entry(number: int) -> Node:
    """Return node `number` as a topology has it."""
    return Node(
        f"n{number}",
        number,
        f"http://n{number}",
        "dc",
        f"rack{number % _RACKS}",
        "up",
        "0",
        peer=f"n{number}:1",
        instance=f"{number:032x}",
    )
