"""Operators: nodes join, replicas move, nodes are removed; and in the end the cluster must be as they asked for.

A change is made as the server makes one: by the keeper of some node, with compare-and-swap through group 0. The node
may die meanwhile, and then nobody knows whether it was made; the next one goes on from whatever is there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from random import Random
from typing import TYPE_CHECKING

from msgspec import structs

from robustness.simulation.node import SimulatedNode, entry
from robustness.simulation.process import Process
from themis_server.errors import ThemisServerError
from themis_server.metadata import duties, transitions
from themis_server.metadata.topology import ReplicaPlace, Role, Topology

if TYPE_CHECKING:
    from robustness.simulation.world import World

_METADATA_VOTERS_MAX = 5
_PATIENCE_S = 4.0
_AGAIN_US = 1_500_000

Transition = Callable[[Topology], Topology]


class Operator:
    """Whoever runs the cluster."""

    def __init__(self, world: World, random: Random) -> None:
        self._world = world
        self._random = random
        self._joining = 0
        self._removed: set[int] = set()
        self.resting = False
        self.changes = 0

    def rest(self) -> None:
        """Ask for nothing more."""
        self.resting = True

    def _running(self) -> list[Process]:
        return [node.process for node in self._world.nodes.values() if node.process is not None and not node.paused]

    def _process(self) -> Process | None:
        running = self._running()
        return self._random.choice(running) if running else None

    def _change(
        self, what: str, transition: Transition, then: Callable[[Topology], None] = lambda topology: None
    ) -> None:
        process = self._process()
        if process is None or self.resting:
            return
        self._world.note(process.id, "operator", what)

        async def change() -> None:
            try:
                async with asyncio.timeout(_PATIENCE_S):
                    topology = await process.agent.keeper.change(transition)
            except (ThemisServerError, TimeoutError) as error:
                self._world.note(process.id, "not changed", what, error)
                return
            self.changes += 1
            self._world.note(process.id, "changed", what, f"epoch {topology.epoch}")
            process.agent.look()
            then(topology)

        process.loop.inside(lambda: process.loop.create_task(change()))

    # -- what can be asked for ----------------------------------------------------------------------------------
    def join(self) -> None:
        """Let a further node join: admitted, given a replica of the metadata, started."""
        number = len(self._world.nodes) + 1
        if number <= self._world.plan.nodes and not self._joining:
            self._joining = number
            self._admit(number)

    def _admit(self, number: int) -> None:
        """Admit a node, again and again until an answer says that it is."""
        if number in self._world.nodes:
            return

        def admitted(topology: Topology) -> None:
            if number not in self._world.nodes:
                self._world.join(topology)
                self._joining = 0

        def admit(topology: Topology) -> Topology:
            if topology.node(f"n{number}") is None:
                topology = transitions.admit(topology, structs.replace(entry(number), state="joining"))
            return _with_metadata(topology, f"n{number}")

        self._change(f"join n{number}", admit, admitted)
        self._world.after(_AGAIN_US, self._admit, number)

    def replace_replica(self) -> None:
        """Move a replica of a shard to a node that has none."""
        pick = self._random.random()

        def move(topology: Topology) -> Topology:
            shard = topology.shards[int(pick * len(topology.shards))]
            targets = [
                node.node_id for node in topology.nodes if node.state == "up" and node.node_id not in shard.node_ids
            ]
            sources = sorted(shard.node_ids)
            if not targets:
                return topology
            source, target = sources[int(pick * 7919) % len(sources)], targets[int(pick * 104729) % len(targets)]
            return transitions.replace_replica(topology, shard.shard_id, source, target)

        self._change("replace a replica", move)

    def reshape(self, *, shards_only: bool = False) -> None:
        """Give a shard, or the metadata, other members: more, fewer, or in other roles."""
        seed = self._random.random()

        def shape(topology: Topology) -> Topology:
            random = Random(seed)
            names = [node.node_id for node in topology.nodes if node.state != "leaving"]
            random.shuffle(names)
            voters = random.randint(1, min(5, len(names)))
            learners = random.randint(0, len(names) - voters)
            places = tuple(ReplicaPlace(name, "voter") for name in names[:voters])
            places += tuple(ReplicaPlace(name, "learner") for name in names[voters : voters + learners])
            if random.random() < 0.25 and not shards_only:
                rest = tuple(ReplicaPlace(name, "learner") for name in names[len(places) :])
                return transitions.place(topology, {}, metadata=places + rest)
            return transitions.place(topology, {random.choice(topology.shards).group: places})

        self._change("reshape", shape)

    def remove(self, node: SimulatedNode) -> None:
        """Remove a node that is down, for good; its disks are not seen again."""

        def gone(topology: Topology) -> Topology:
            if topology.node(f"n{node.id}") is None:
                return topology
            return transitions.remove(topology, f"n{node.id}", force=True)

        if node.id not in self._removed:
            self._change(f"remove n{node.id}", gone, lambda topology: self._removed.add(node.id))
            self._world.after(_AGAIN_US, self.remove, node)

    # -- the end ------------------------------------------------------------------------------------------------
    def not_whole(self) -> str:
        """Return what keeps the cluster from being as it was asked for; empty when nothing does."""
        world = self._world
        waiting = [client.current for client in world.clients if client.current is not None]
        if waiting:
            return f"{waiting[0]} has no end"
        running = {node.id: node.process for node in world.nodes.values() if node.process is not None}
        topology = max((process.agent.view.current for process in running.values()), key=lambda known: known.epoch)
        if self._joining:
            return f"n{self._joining} has not joined"
        members = {node.raft_id for node in topology.nodes}
        for number, process in running.items():
            if number in members and process.agent.epoch != topology.epoch:
                return f"n{number} knows the topology of epoch {process.agent.epoch}, it is {topology.epoch}"
        for group, wanted in duties.memberships(topology).items():
            missing = self._group_not_whole(group, wanted, running)
            if missing:
                return f"group {group}: {missing}"
        return ""

    def _group_not_whole(self, group: int, wanted: duties.Membership, running: dict[int, Process]) -> str:
        chronicle = self._world.checks.chronicles[group]
        leaders = [
            process
            for process in running.values()
            if group in process.driver.groups and process.driver.groups[group].is_leader
        ]
        if len(leaders) != 1:
            return f"{len(leaders)} leaders"
        if not leaders[0].driver.views[group].settled:
            return f"its members are {leaders[0].driver.views[group].members}, and should be {wanted}"
        for number in wanted.voters | wanted.learners:
            if number not in running:
                return f"n{number} does not run"
            if group not in running[number].driver.groups:
                return f"n{number} has no replica"
            applied = running[number].driver.groups[group].machine.state.applied_index
            if applied < chronicle.last or chronicle.last <= 1:
                return f"n{number} has applied entry {applied} of {chronicle.last}"
        for number, process in running.items():
            if number not in wanted.voters | wanted.learners and group in process.driver.groups:
                return f"n{number} still has a replica"
        return ""


def _with_metadata(topology: Topology, node_id: str) -> Topology:
    """Give a node a replica of the metadata, if it has none: every node has one."""
    if any(place.node_id == node_id for place in topology.metadata) or not topology.metadata:
        return topology
    voters = sum(place.role == "voter" for place in topology.metadata)
    role: Role = "voter" if voters < _METADATA_VOTERS_MAX else "learner"
    return structs.replace(
        topology,
        metadata=(*topology.metadata, ReplicaPlace(node_id, role)),
        metadata_since=topology.epoch,
    )
