"""A hundred nodes and three thousand shards: how well they are spread, what a join and a loss move, what a plan costs.

`pytest -s` prints the figures that docs/internals shows. A second of the simulated cluster is one plan.
"""

from __future__ import annotations

import time
from collections import Counter

import pytest

from server.tests.unit.metadata.world import World, node
from themis_server.metadata.placer import Settings
from themis_server.statemachine.meta import GROUP

NODES = 100
SHARDS = 3000
SETTINGS = Settings(replace_after_s=30, moves_max=64, grow_max=256, transfers_max=64)


def timed(world: World, plans: int = 10) -> float:
    """Return the CPU milliseconds of a plan, on average."""
    began_s = time.process_time()
    for _ in range(plans):
        world.planned()
    return (time.process_time() - began_s) / plans * 1000


def described(counted: Counter[str]) -> str:
    """Return least, mean and most of what nodes have."""
    values = counted.values()
    return f"{min(values)} .. {sum(values) / len(values):.1f} .. {max(values)}"


@pytest.mark.timeout(240)
def test_a_hundred_nodes_and_three_thousand_shards(capsys: pytest.CaptureFixture[str]) -> None:
    lines = []
    nodes = [node(n, rack=f"r{n % 10}", datacenter=f"dc{n % 3}") for n in range(1, NODES + 1)]
    world = World(nodes, SHARDS, settings=SETTINGS)
    forming_s = world.settle()
    lines.append(f"formed from one node in {forming_s} s, {world.moves} replicas placed or moved")
    lines.append(f"replicas a node: {described(world.replicas_by_node())}")
    lines.append(f"leaders a node:  {described(world.leaders_by_node())}, {world.transferred} transfers")
    lines.append(f"plan at rest: {timed(world):.1f} ms")
    leaders = world.leaders_by_node()
    for datacenter in ("dc0", "dc1", "dc2"):  # 34, 33 and 33 nodes for a third of the replicas each
        of = [world.replicas_by_node()[one.node_id] for one in nodes if one.datacenter == datacenter]
        assert max(of) - min(of) <= 2
    assert max(leaders.values()) - min(leaders.values()) <= 4
    racks = {one.node_id: (one.datacenter, one.rack) for one in world.topology.nodes}
    for shard in world.topology.shards:
        assert len({racks[node_id] for node_id in shard.voters}) == 3
        assert len({racks[node_id][0] for node_id in shard.voters}) == 3
    assert len(world.voters(GROUP)) == 5

    world.moves = world.transferred = 0
    world.join(node(NODES + 1, rack="r1", datacenter="dc1"))
    lines.append(f"plan when a node has joined: {timed(world):.1f} ms")
    joining_s = world.settle()
    share = world.replicas_by_node()[f"n{NODES + 1:03}"]
    lines.append(
        f"a node joins: {world.moves} moves for its {share} replicas, {world.transferred} transfers, {joining_s} s"
    )
    assert world.moves <= share + 5

    world.moves = world.transferred = 0
    lost = "n050"
    held = world.replicas_by_node()[lost]
    world.stop(lost)
    world.run(1)
    leaderless = sum(leader == "" for leader in world.leaders.values())
    world.run(30)
    lines.append(f"plan when a node is lost: {timed(world):.1f} ms")
    recovery_s = next(second for second in range(1000) if not _under_replicated(world, lost))
    world.settle()
    lines.append(
        f"a node is lost: {leaderless} shards without a majority, {held} replicas replaced in {recovery_s} s, "
        f"{world.moves} moves, {world.transferred} transfers"
    )
    lines.append(f"replicas a node: {described(world.replicas_by_node())}")
    lines.append(f"leaders a node:  {described(world.leaders_by_node())}")
    assert leaderless == 0
    assert world.moves <= held + 20

    with capsys.disabled():
        print()
        print("\n".join(lines))


def _under_replicated(world: World, lost: str) -> bool:
    world.second()
    return any(lost in {place.node_id for place in places} for group, places in world.real.items() if group != GROUP)
