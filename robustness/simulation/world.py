"""The queue of events: what happens next in the simulated world.

Everything that takes time is an event at a microsecond; events of one microsecond happen in the order in which they
were made. So a run is a function of the seed.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Any

from msgspec import structs

from robustness.simulation.ambush import Ambush
from robustness.simulation.clients import Client
from robustness.simulation.faults import Faults
from robustness.simulation.invariants import Checks, Violation
from robustness.simulation.network import Network
from robustness.simulation.node import SimulatedNode, entry
from robustness.simulation.operators import Operator
from robustness.simulation.plan import Plan
from robustness.simulation.trace import Trace
from themis_server.metadata.topology import ReplicaPlace, Topology, initial
from themis_server.statemachine.meta import GROUP as METADATA_GROUP

_START_UNIX_MS = 1_767_225_600_000
_LOOK_US = 100_000
_WARM_UP_US = 1_000_000
_METADATA_VOTERS = 5
_GENESIS_EPOCH = 1


class World:
    """A cluster, its clients, and all that befalls them."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.now_us = 0
        self.trace = Trace()
        self._queue: list[tuple[int, int, Callable[..., None], tuple[Any, ...]]] = []
        self._events = 0
        groups = [METADATA_GROUP, *range(1, plan.shards + 1)]
        self.checks = Checks(groups, METADATA_GROUP)
        self.network = Network(self, self._random("network"), replace(plan.weather))
        self.operator = Operator(self, self._random("operator"))
        self.ambush = Ambush(self, self._random("ambush"))
        self.faults = Faults(self, self._random("faults"))
        self.nodes: dict[int, SimulatedNode] = {}
        voters = list(range(1, plan.voters + 1))
        self.genesis = genesis(voters, plan.shards)
        for number in voters:
            node = self.nodes[number] = SimulatedNode(self, number, self._random(f"node {number}"))
            node.genesis, node.genesis_groups, node.first_topology = voters, groups, self.genesis
        self.clients = [Client(self, number, self._random(f"client {number}")) for number in range(1, plan.clients + 1)]

    def _random(self, purpose: str) -> Random:
        return Random(f"{self.plan.seed} {purpose}")

    # -- time ---------------------------------------------------------------------------------------------------
    def at(self, when_us: int, call: Callable[..., None], *arguments: Any) -> None:
        """Call something at a time."""
        self._events += 1
        heapq.heappush(self._queue, (when_us, self._events, call, arguments))

    def after(self, delay_us: int, call: Callable[..., None], *arguments: Any) -> None:
        """Call something after a while."""
        self._events += 1
        heapq.heappush(self._queue, (self.now_us + delay_us, self._events, call, arguments))

    def unix_ms(self) -> int:
        """Return the true wall clock time, which clients go by."""
        return _START_UNIX_MS + self.now_us // 1000

    def note(self, node: int, what: str, *details: Any) -> None:
        """Remember in the trace that something happened now."""
        self.trace.note(self.now_us, node, what, *details)

    def _run_until(self, end_us: int, done: Callable[[], bool] = lambda: False) -> None:
        queue = self._queue
        next_look_us = self.now_us + _LOOK_US
        while queue and queue[0][0] <= end_us:
            when_us, _, call, arguments = heapq.heappop(queue)
            self.now_us = when_us
            call(*arguments)
            if when_us >= next_look_us:
                if done():
                    return
                next_look_us = when_us + _LOOK_US
        self.now_us = max(self.now_us, end_us)

    # -- nodes --------------------------------------------------------------------------------------------------
    def join(self, topology: Topology) -> None:
        """Let a further node start, which was admitted with `topology`."""
        number = len(self.nodes) + 1
        node = self.nodes[number] = SimulatedNode(self, number, self._random(f"node {number}"))
        node.first_topology = topology
        node.start()

    def one_shot(self, leader: int, group: int = 0, read: str = "") -> None:
        """Let a further client do one write, or one read of a kind, at the node that it takes for the leader.

        Args:
            leader: the node that is asked first.
            group: of which shard; 0: of any.
            read: the kind of the read; empty: a write.
        """
        number = len(self.clients) + 1
        client = Client(self, number, self._random(f"client {number}"))
        self.clients.append(client)
        client.act_once(leader, group, read)

    def streams_up(self, number: int) -> None:
        """Tell nodes that see each other that there are streams between them."""
        for other, node in self.nodes.items():
            if other != number and node.up:
                self.after(self.network.latency_us(), self._stream, number, other, True)
                self.after(self.network.latency_us(), self._stream, other, number, True)

    def streams_down(self, number: int) -> None:
        """Tell everybody that the streams of a node broke."""
        for other in self.nodes:
            if other != number:
                self.after(self.network.latency_us(), self._stream, other, number, False)

    def _stream(self, number: int, peer: int, up: bool) -> None:
        process = self.nodes[number].process
        if process is not None and (self.network.reachable(number, peer) or not up):
            process.stream(peer, up=up)

    # -- the run ------------------------------------------------------------------------------------------------
    def run(self) -> None:
        """Run from the start to the end. Raises `Violation` as soon as an invariant does not hold."""
        for node in self.nodes.values():
            node.start()
        for client in self.clients:
            self.after(_WARM_UP_US, client.begin)
        self.after(_WARM_UP_US, self.faults.begin)
        self._run_until(self.plan.fault_us)
        self.faults.end()
        for client in self.clients:
            client.stopping = True
        self._run_until(self.now_us + self.plan.heal_us, self._whole)
        self.operator.rest()
        missing = self.operator.not_whole()
        if missing:
            raise Violation("the cluster becomes whole again", missing)
        self._look_back()

    def close(self) -> None:
        """End every process, so that nothing of the run is left over."""
        for node in self.nodes.values():
            if node.process is not None:
                node.process.end()

    def _whole(self) -> bool:
        return not self.operator.not_whole()

    def _look_back(self) -> None:
        for client in self.clients:
            for operation in client.operations:
                if operation.command:
                    self.checks.write_ended(operation)
        for node in self.nodes.values():
            if node.process is not None:
                for group in node.process.driver.groups:
                    self.checks.contents(node, group)
        self.checks.logs_match(list(self.nodes.values()))


def genesis(voters: list[int], shards: int) -> Topology:
    """Return the topology of a cluster that begins with replicas of everything on all of `voters`."""
    places = tuple(ReplicaPlace(f"n{number}", "voter") for number in voters)
    first = initial(entry(voters[0]), shards, 1, replicas=len(voters), cluster="simulated")
    return structs.replace(
        first,
        epoch=_GENESIS_EPOCH,
        nodes=tuple(entry(number) for number in voters),
        shards=tuple(structs.replace(shard, replicas=places) for shard in first.shards),
        metadata=places[:_METADATA_VOTERS],
    )
