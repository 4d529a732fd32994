"""The placer, second by second on a simulated cluster. `World` checks at every step that no majority is given away."""

from __future__ import annotations

import itertools
import random
from collections import Counter

import pytest
from msgspec.structs import replace

from server.tests.unit.metadata.world import World, node
from themis_server.metadata import transitions
from themis_server.metadata.placer import Observed, Settings, plan
from themis_server.metadata.placer.survey import Survey
from themis_server.metadata.topology import NodeKind
from themis_server.statemachine.meta import GROUP

SOON = Settings(replace_after_s=20)


def spread(counted: Counter[str]) -> int:
    """How much the fullest and the emptiest differ."""
    return max(counted.values()) - min(counted.values())


# Growing


def test_a_cluster_of_one_plans_nothing() -> None:
    assert World([node(1)]).planned().topology is None


def test_two_nodes_of_a_cluster_that_wants_three_replicas_stay_as_they_are() -> None:
    world = World([node(1), node(2)])
    world.settle()

    assert all(shard.voters == {"n001"} for shard in world.topology.shards)
    assert world.voters(GROUP) == {"n001"}


def test_two_replicas_are_made_where_two_are_wanted() -> None:
    world = World([node(1), node(2)], replicas=2)
    world.settle()

    assert all(shard.voters == {"n001", "n002"} for shard in world.topology.shards)


def test_with_the_third_node_every_shard_has_three_replicas_and_leaders_spread() -> None:
    world = World([node(1), node(2), node(3)])
    world.settle()

    assert all(shard.voters == {"n001", "n002", "n003"} for shard in world.topology.shards)
    assert spread(world.leaders_by_node()) <= 1
    assert world.voters(GROUP) == {"n001", "n002", "n003"}


def test_a_node_that_has_not_started_yet_is_given_nothing() -> None:
    world = World([node(1), node(2)])
    world.change(transitions.admit(world.topology, node(3)))
    world.alive.add("n003")
    world.settle()

    assert all(len(shard.voters) == 1 for shard in world.topology.shards)


def test_a_node_that_is_degraded_is_given_nothing_new() -> None:
    world = World([node(1), node(2), node(3), node(4)])
    world.unhealthy = {"n002"}
    world.settle()

    assert world.replicas_by_node()["n002"] == 0


# Spreading


def test_replicas_stand_in_racks_of_their_own_where_racks_suffice() -> None:
    world = World([node(n, rack=f"r{n % 3}") for n in range(1, 10)], shards=30)
    world.settle()

    racks = {one.node_id: one.rack for one in world.topology.nodes}
    assert all(len({racks[node_id] for node_id in shard.voters}) == 3 for shard in world.topology.shards)
    assert spread(world.replicas_by_node()) <= 1


def test_where_racks_do_not_suffice_replicas_share_one_but_never_a_node() -> None:
    world = World([node(n, rack=f"r{n % 2}") for n in range(1, 5)], shards=12)
    world.settle()

    assert all(len(shard.voters) == 3 for shard in world.topology.shards)


def test_replicas_are_spread_over_datacenters() -> None:
    world = World([node(n, datacenter=f"dc{n % 3}") for n in range(1, 10)], shards=12)
    world.settle()

    homes = {one.node_id: one.datacenter for one in world.topology.nodes}
    assert all(len({homes[node_id] for node_id in shard.voters}) == 3 for shard in world.topology.shards)


def test_a_rack_that_is_added_later_takes_replicas_out_of_a_shared_one() -> None:
    world = World([node(1, rack="a"), node(2, rack="a"), node(3, rack="b")], shards=6)
    world.settle()
    world.join(node(4, rack="c"))
    world.settle()

    racks = {one.node_id: one.rack for one in world.topology.nodes}
    assert all(len({racks[node_id] for node_id in shard.voters}) == 3 for shard in world.topology.shards)


# A node joins


def test_a_new_node_takes_its_share_with_as_few_moves_as_that_needs() -> None:
    world = World([node(n) for n in range(1, 6)], shards=40)
    world.settle()
    world.moves = 0

    world.join(node(6))
    world.settle()

    assert spread(world.replicas_by_node()) <= 1
    assert world.moves == 20 == world.replicas_by_node()["n006"]


def test_no_more_shards_move_at_once_than_allowed() -> None:
    world = World([node(n) for n in range(1, 4)], shards=40, settings=Settings(moves_max=2), settle_s=5)
    world.settle()
    world.join(node(4))
    for _ in range(40):
        world.second()
        unsettled = [g for g, (places, _) in world.desired().items() if g and set(places) != set(world.real[g])]
        assert len(unsettled) <= 2


# A node goes away


def test_a_node_that_is_away_for_a_while_keeps_its_replicas() -> None:
    world = World([node(n) for n in range(1, 5)], settings=SOON)
    world.settle()
    before = world.topology.shards

    world.stop("n002")
    world.run(15)
    world.start("n002")
    world.run(30)

    assert world.topology.shards == before


def test_replicas_of_a_node_that_stays_away_are_replaced_by_a_spare() -> None:
    world = World([node(n) for n in range(1, 5)], settings=SOON)
    world.settle()

    world.stop("n002")
    world.run(21)
    world.settle()

    assert world.replicas_by_node()["n002"] == 0
    assert all(len(shard.voters) == 3 for shard in world.topology.shards)
    assert "n002" not in world.voters(GROUP)


def test_without_a_spare_replicas_stay_where_they_are() -> None:
    world = World([node(n) for n in range(1, 4)], settings=SOON)
    world.settle()
    before = world.topology

    world.stop("n002")
    world.run(100)

    assert world.topology.shards == before.shards
    assert world.voters(GROUP) >= {"n001", "n003"}


def test_a_change_that_is_under_way_is_taken_back_when_the_node_comes_back() -> None:
    world = World([node(n) for n in range(1, 5)], settings=SOON, settle_s=50)
    world.settle()
    before = {shard.group: shard.node_ids for shard in world.topology.shards}
    world.stop("n002")
    world.run(25)
    assert any(shard.replacing == "n002" for shard in world.topology.shards)

    world.start("n002")
    world.second()

    assert {shard.group: shard.node_ids for shard in world.topology.shards} == before


def test_a_change_that_was_made_is_not_taken_back() -> None:
    world = World([node(n) for n in range(1, 5)], settings=SOON, settle_s=0)
    world.settle()
    world.stop("n002")
    world.settle()
    made = {shard.group: shard.node_ids for shard in world.topology.shards}

    world.start("n002")
    world.second()

    assert sum(made[shard.group] != shard.node_ids for shard in world.topology.shards) <= SOON.moves_max  # balance
    assert not any(shard.replacing and shard.before for shard in world.topology.shards if "n002" in shard.node_ids)


def test_if_the_replacement_goes_away_too_another_is_chosen() -> None:
    world = World([node(n) for n in range(1, 6)], settings=SOON, shards=4, settle_s=100)
    world.settle()
    (held,) = [next(s for s in world.topology.shards if "n002" in s.node_ids)]
    world.stop("n002")
    world.run(25)
    moved = next(s for s in world.topology.shards if s.group == held.group)
    (target,) = moved.node_ids - held.node_ids

    world.stop(target)
    world.settle_s = 2
    world.settle()

    shard = next(s for s in world.topology.shards if s.group == held.group)
    assert not shard.node_ids & {"n002", target}


def test_a_shard_without_a_majority_is_left_alone_and_does_not_hold_up_the_others() -> None:
    world = World([node(n) for n in range(1, 8)], shards=35, settings=SOON)
    world.settle()
    lost = ("n001", "n002")

    world.stop(*lost)
    world.run(21)
    world.settle()

    for shard in world.topology.shards:
        assert shard.voters & set(lost) == set() or len(shard.voters & set(lost)) == 2


def test_nothing_is_balanced_while_voters_are_away() -> None:
    world = World([node(n) for n in range(1, 4)], shards=30, settings=Settings(replace_after_s=1000))
    world.settle()
    world.stop("n002")
    world.join(node(4))
    world.moves = 0

    world.run(50)

    assert world.moves == 0


# Draining


def test_a_drained_node_leads_nothing_then_holds_nothing() -> None:
    world = World([node(n) for n in range(1, 5)])
    world.settle()
    world.change(transitions.drain(world.topology, "n002"))

    world.run(2)
    assert world.leaders_by_node()["n002"] <= 2
    world.settle()

    assert world.replicas_by_node()["n002"] == world.leaders_by_node()["n002"] == 0
    assert "n002" not in world.voters(GROUP)
    assert transitions.remove(world.topology, "n002").node("n002") is None


def test_without_a_spare_a_drained_node_gives_up_its_leaders_only() -> None:
    world = World([node(n) for n in range(1, 4)])
    world.settle()
    world.change(transitions.drain(world.topology, "n002"))
    world.settle()

    assert world.leaders_by_node()["n002"] == 0
    assert all(len(shard.voters) == 3 for shard in world.topology.shards)
    assert world.voters(GROUP) == {"n001", "n002", "n003"}


def test_a_drain_waits_while_another_voter_is_away() -> None:
    world = World([node(n) for n in range(1, 6)], shards=20, settings=Settings(replace_after_s=1000))
    world.settle()
    both = {shard.group for shard in world.topology.shards if {"n002", "n003"} <= shard.voters}
    alone = {shard.group for shard in world.topology.shards if "n002" in shard.voters} - both
    assert both
    assert alone
    world.stop("n003")
    world.change(transitions.drain(world.topology, "n002"))
    world.run(60)

    assert {shard.group for shard in world.topology.shards if "n002" in shard.voters} == both


def test_a_node_that_is_drained_and_gone_is_replaced_soon() -> None:
    world = World([node(n) for n in range(1, 5)])
    world.settle()
    world.change(transitions.drain(world.topology, "n002"))
    world.stop("n002")
    world.run(31)
    world.settle()

    assert world.replicas_by_node()["n002"] == 0


def test_the_only_replica_of_a_shard_moves_with_its_leader() -> None:
    world = World([node(1), node(2)], replicas=1)
    world.settle()
    world.change(transitions.drain(world.topology, "n001"))
    world.settle()

    assert all(shard.voters == {"n002"} for shard in world.topology.shards)


# What is safe


@pytest.mark.parametrize(
    ("away", "then", "safe"),
    [
        ("", "1 2 4", True),  # of free will, and all are there
        ("3", "1 2 4", True),  # the one that is away goes
        ("3", "1 4 3", False),  # one of two that are left would go
        ("4", "1 2 4", False),  # its successor is not there
        ("2 3", "1 4 5", False),  # no majority could decide it
        ("", "1 2 3 4 5", True),  # growing
        ("3", "1 2 3 4 5", True),
        ("4 5", "1 2 3 4 5", True),
        ("3 4 5", "1 2 3 4 5", False),  # no majority afterwards
        ("3", "1 2", True),
        ("3", "1", False),
        ("3", "1 3", False),
    ],
)
def test_a_majority_is_there_before_and_after_and_none_that_lives_is_given_up_while_others_are_away(
    away: str, then: str, safe: bool
) -> None:
    world = World([node(n) for n in range(1, 6)], shards=1)
    world.stop(*[f"n00{n}" for n in away.split()])
    survey = Survey(world.topology, Observed(world.reports()), 0, Settings())

    assert survey.safe({"n001", "n002", "n003"}, {f"n00{n}" for n in then.split()}) is safe


def test_what_is_reported_by_an_older_topology_is_not_taken_for_settled() -> None:
    world = World([node(n) for n in range(1, 4)], shards=40)
    world.settle()
    world.join(node(4))
    before = Observed(world.reports())
    first = plan(world.topology, before, world.now_s, world.settings)
    assert first.topology is not None

    assert plan(first.topology, before, world.now_s, world.settings).topology is None


def test_a_shard_that_two_nodes_claim_to_lead_is_left_alone() -> None:
    world = World([node(n) for n in range(1, 4)], shards=2)
    reports = world.reports()
    reports["n002"] = replace(reports["n002"], led=(1,), epoch=9)

    made = plan(world.topology, Observed(reports), 0, world.settings)

    assert made.topology is not None
    assert [len(shard.voters) for shard in made.topology.shards] == [1, 3]


def test_the_report_of_another_data_directory_under_the_name_of_a_node_counts_for_nothing() -> None:
    world = World([node(n) for n in range(1, 4)])
    reports = world.reports()
    reports["n002"] = replace(reports["n002"], instance="another directory")

    assert plan(world.topology, Observed(reports), 0, world.settings).topology is None


# Another number of replicas


def test_replicas_are_taken_off_a_few_shards_at_a_time() -> None:
    world = World([node(n) for n in range(1, 4)], shards=20, settings=Settings(moves_max=2))
    world.settle()
    world.change(transitions.set_replicas(world.topology, 1))

    made = world.second().topology

    assert made is not None
    assert sum(len(shard.voters) == 1 for shard in made.shards) == 2


@pytest.mark.parametrize("replicas", [1, 2, 3, 5])
def test_shards_get_and_lose_replicas_until_they_have_as_many_as_wanted(replicas: int) -> None:
    world = World([node(n) for n in range(1, 7)])
    world.settle()
    world.change(transitions.set_replicas(world.topology, replicas))
    world.settle()

    assert {len(shard.voters) for shard in world.topology.shards} == {replicas}
    assert spread(world.replicas_by_node()) <= 2


# Nodes that only read


def test_a_read_replica_has_a_learner_of_every_shard_and_never_votes() -> None:
    reader: NodeKind = "read_replica"
    world = World([node(1), node(2), node(3), node(4, kind=reader)])
    world.settle()

    for shard in world.topology.shards:
        assert [place.role for place in shard.replicas if place.node_id == "n004"] == ["learner"]
        assert shard.voters == {"n001", "n002", "n003"}
    assert world.voters(GROUP) == {"n001", "n002", "n003"}
    world.change(transitions.drain(world.topology, "n004"))
    world.settle()
    assert not any("n004" in shard.node_ids for shard in world.topology.shards)
    assert transitions.remove(world.topology, "n004").node("n004") is None


# The metadata


def test_every_node_has_the_metadata_and_an_odd_number_of_them_votes_in_racks_of_their_own() -> None:
    world = World([node(n, rack=f"r{n % 5}") for n in range(1, 11)])
    world.settle()

    assert {place.node_id for place in world.topology.metadata} == {one.node_id for one in world.topology.nodes}
    voters = world.voters(GROUP)
    assert len(voters) == len({one.rack for one in world.topology.nodes if one.node_id in voters}) == 5


def test_a_lost_voter_of_the_metadata_is_succeeded() -> None:
    world = World([node(n) for n in range(1, 8)], settings=SOON)
    world.settle()
    (lost, *_) = world.voters(GROUP)
    world.stop(lost)
    world.run(21)
    world.settle()

    assert len(world.voters(GROUP)) == 5
    assert lost not in world.voters(GROUP)


@pytest.mark.parametrize(("nodes", "left"), [(3, 3), (4, 3), (5, 3), (6, 5), (7, 5)])
def test_a_drained_node_gives_up_its_vote_on_the_metadata_unless_only_two_others_could_have_one(
    nodes: int, left: int
) -> None:
    world = World([node(n) for n in range(1, nodes + 1)])
    world.settle()
    leaving = min(world.voters(GROUP))
    world.change(transitions.drain(world.topology, leaving))
    world.settle()

    assert len(world.voters(GROUP)) == left
    assert (leaving in world.voters(GROUP)) is (nodes == 3)


# Leaders


def test_leaders_are_not_moved_to_who_lags() -> None:
    world = World([node(1), node(2), node(3)])
    world.lagging = set(range(1, 9))
    world.settle()

    assert world.leaders_by_node()["n001"] == 8


def test_leaders_come_back_to_a_node_that_came_back() -> None:
    world = World([node(1), node(2), node(3)], shards=30)
    world.settle()
    world.stop("n002")
    world.run(3)
    world.start("n002")
    assert world.leaders_by_node()["n002"] == 0

    world.settle()

    assert spread(world.leaders_by_node()) <= 1


def test_few_leaders_move_at_once_and_none_twice_in_a_row() -> None:
    settings = Settings(transfers_max=3, transfer_pause_s=10)
    world = World([node(1), node(2), node(3)], shards=40, settings=settings)
    moved: dict[int, list[int]] = {}
    for second in range(200):
        made = world.second()
        assert len(made.transfers) <= 3
        for transfer in made.transfers:
            moved.setdefault(transfer.group, []).append(second)

    gaps = [later - earlier for seconds in moved.values() for earlier, later in itertools.pairwise(seconds)]
    assert min(gaps, default=10) >= 10


# All of it together


@pytest.mark.parametrize("seed", range(12))
def test_whatever_comes_and_goes_no_majority_is_given_away_and_it_ends_in_balance(seed: int) -> None:
    chance = random.Random(seed)
    nodes = [node(n, rack=f"r{chance.randrange(4)}") for n in range(1, 8)]
    world = World(nodes, shards=20, settings=Settings(replace_after_s=15), settle_s=chance.randrange(6))
    joined = 7
    for _ in range(40):
        everyone = [one.node_id for one in world.topology.nodes]
        match chance.randrange(6):
            case 0 if len(world.alive) > len(everyone) - 2:
                world.stop(chance.choice(sorted(world.alive)))
            case 1:
                world.start(*everyone)
            case 2 if joined < 12:
                joined += 1
                world.join(node(joined, rack=f"r{chance.randrange(4)}"))
            case 3 if sum(one.state == "leaving" for one in world.topology.nodes) < 2:
                world.change(transitions.drain(world.topology, chance.choice(everyone)))
            case 4:
                world.change(transitions.undrain(world.topology, chance.choice(everyone)))
            case 5:
                world.change(transitions.set_replicas(world.topology, chance.choice([3, 3, 3, 5])))
        world.run(chance.randrange(1, 30))
    for one in world.topology.nodes:
        world.change(transitions.undrain(world.topology, one.node_id))
    world.change(transitions.set_replicas(world.topology, 3))
    world.start(*[one.node_id for one in world.topology.nodes])
    world.settle()

    racks = {one.node_id: one.rack for one in world.topology.nodes}
    for shard in world.topology.shards:
        assert len(shard.voters) == 3
        assert len({racks[node_id] for node_id in shard.voters}) == min(3, len(set(racks.values())))
    assert spread(world.leaders_by_node()) <= 2
