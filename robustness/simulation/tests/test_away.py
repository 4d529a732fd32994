"""A node comes back to a metadata leader that joined while it was away, and that it therefore cannot answer."""

from __future__ import annotations

from dataclasses import replace

import pytest

from robustness.simulation.plan import draw
from robustness.simulation.world import World
from themis_server.metadata import transitions
from themis_server.metadata.topology import ReplicaPlace, Topology
from themis_server.statemachine.meta import GROUP as METADATA_GROUP

pytestmark = pytest.mark.timeout(60)

_S = 1_000_000
NEWCOMER = 4
AWAY = 3


def leads_metadata(world: World, number: int) -> bool:
    process = world.nodes[number].process
    return process is not None and process.driver.groups[METADATA_GROUP].is_leader


def everybody_votes(topology: Topology) -> Topology:
    voters = tuple(ReplicaPlace(node.node_id, "voter") for node in topology.nodes)
    return transitions.place(topology, {}, metadata=voters)


def test_it_is_told_where_the_leader_is_and_follows_the_topology_again() -> None:
    plan = replace(
        draw(1), nodes=4, voters=3, shards=1, drift=0.0, fault_us=12 * _S, fault_gap_us=1000 * _S, faults=("crash",)
    )
    world = World(plan)

    def lead() -> None:
        for node in world.nodes.values():
            if node.process is not None and leads_metadata(world, node.id):
                node.process.on_driver(lambda driver: driver.transfer_leader(METADATA_GROUP, NEWCOMER))

    world.at(2 * _S, world.nodes[AWAY].kill)
    world.at(2 * _S + 1, world.operator.join)
    world.at(5 * _S, world.operator._change, "make everybody a voter", everybody_votes)
    world.at(10 * _S, lead)
    led: list[bool] = []
    world.at(12 * _S - 1, lambda: led.append(leads_metadata(world, NEWCOMER)))
    try:
        world.run()  # at its end whoever is down comes back, and the cluster must become whole

        assert led == [True]
        assert leads_metadata(world, NEWCOMER)
        returned = world.nodes[AWAY].process
        assert returned is not None
        assert returned.agent.view.current.node(f"n{NEWCOMER}") is not None
    finally:
        world.close()
