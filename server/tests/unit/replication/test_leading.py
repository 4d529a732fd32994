"""Who leads: elections by rank, hand-overs, what nodes tell each other about it, and exact ends of what waits."""

from __future__ import annotations

import pytest

import themis_raft
from server.tests.unit.replication.network import TIMING, Member, Network, putting
from server.tests.unit.replication.turning import succeeded
from themis_server.replication.driver import DriverLimits, Work
from themis_server.replication.elections import RaftTiming, election_timeout
from themis_server.replication.envelope import Envelope
from themis_server.replication.group import Busy, NotLeader, OutcomeUnknown

GROUPS = range(1, 7)


@pytest.fixture
def network() -> Network:
    network = Network((1, 2, 3), dict.fromkeys(GROUPS, (1, 2, 3)))
    for group in GROUPS:
        network.leader(group)
    network.run(5)
    return network


def others(network: Network, leader: Member) -> list[Member]:
    return [member for member in network.members.values() if member is not leader]


# Elections


@pytest.mark.parametrize("voters", [(1, 2, 3), (7, 8, 9, 10, 11)])
def test_no_two_voters_of_a_group_wait_equally_long(voters: tuple[int, ...]) -> None:
    for group in range(50):
        waits = [election_timeout(group, voter, voters, TIMING) for voter in voters]
        assert len(set(waits)) == len(voters)
        assert min(waits) > TIMING.election_ticks
        assert max(waits) < 2 * TIMING.election_ticks


def test_the_groups_of_a_dead_node_go_to_many_successors() -> None:
    voters = (1, 2, 3, 4, 5)
    first = [min(voters, key=lambda voter: election_timeout(group, voter, voters, TIMING)) for group in range(100)]

    assert all(first.count(voter) > 8 for voter in voters)


@pytest.mark.parametrize("timing", [RaftTiming(2, 1), RaftTiming(3, 2), RaftTiming(100, 99), RaftTiming(10, 1)])
def test_waits_are_what_the_core_takes(timing: RaftTiming) -> None:
    for voter in range(1, 10):
        assert timing.election_ticks <= election_timeout(1, voter, range(1, 10), timing) < 2 * timing.election_ticks


def leads_all(network: Network, group: int) -> bool:
    return any(
        network[node].driver.views[group].is_leader and network[node].driver.views[group].applied
        for node in network.alive
    )


@pytest.mark.parametrize("count", [3, 5])
def test_a_dead_leader_is_replaced_in_less_than_twenty_ticks(count: int) -> None:
    nodes = tuple(range(1, count + 1))
    for busy in (True, False):
        network = Network(nodes, dict.fromkeys(GROUPS, nodes))
        for group in GROUPS:
            network.leader(group)
        network.run(3 if busy else 40)
        for _ in range((count - 1) // 2):
            dead = network.leader(1)
            led = [group for group in GROUPS if dead.driver.views[group].is_leader]
            network.kill(dead.node_id)
            ticks = 0
            while not all(leads_all(network, group) for group in led):
                network.step(turns=4)
                ticks += 1
            assert ticks < 20
            network.run(5)


def test_the_only_voter_leads_again_after_somebody_who_is_none_made_it_step_down() -> None:
    member = Network((1,), {1: (1,)})[1]
    # A request for votes in term 50 by node 2, which the leader that was asked to made stand: it overrides leases.
    asked = b"\x08\x05\x10\x01\x18\x02\x20\x32\x28\x01\x30\x01\x62\x10CampaignTransfer"
    assert themis_raft.describe_message(asked).startswith("2->1 MsgRequestVote term:50")

    member.turn(Work(envelopes=[(2, Envelope([(1, [asked])]))]))

    assert member.driver.views[1].is_leader
    assert member.driver.views[1].term > 50
    (handle,) = member.propose(1, putting(1))
    assert succeeded(member.answers[handle])


# Hand-over


def test_leadership_is_handed_to_whom_it_shall_be(network: Network) -> None:
    leader = network.leader(1)
    to = others(network, leader)[1]

    leader.driver.transfer_leader(1, to.node_id)
    network.until(lambda: to.driver.views[1].is_leader, 10)

    network.run(2)
    assert (leader.driver.views[1].leader, leader.driver.views[1].term) == (to.node_id, to.driver.views[1].term)


def test_who_does_not_lead_hands_nothing_over_and_nobody_without_a_vote_leads(network: Network) -> None:
    leader = network.leader(1)

    with pytest.raises(NotLeader):
        others(network, leader)[0].driver.transfer_leader(1, leader.node_id)
    with pytest.raises(NotLeader):
        leader.driver.transfer_leader(99, 1)
    with pytest.raises(Busy):
        leader.driver.transfer_leader(1, 99)
    network.run(3)
    assert leader.driver.views[1].is_leader


def test_during_a_hand_over_a_write_is_refused_with_the_name_of_the_successor(network: Network) -> None:
    leader = network.leader(1)
    to = others(network, leader)[0]
    (before,) = leader.propose(1, putting(1))
    leader.driver.transfer_leader(1, to.node_id)

    (refused,) = leader.propose(1, putting(2))

    result = leader.answers[refused]
    assert isinstance(result, NotLeader)
    assert result.leader == to.node_id
    network.run(10)
    assert succeeded(leader.answers[before]), "what was proposed before is acknowledged"
    assert to.document(1, 1) is not None
    assert to.document(1, 2) is None


def test_a_hand_over_to_a_node_that_is_away_comes_to_nothing_and_writes_go_on(network: Network) -> None:
    leader = network.leader(1)
    to = others(network, leader)[0]
    network.isolate(to.node_id)
    leader.driver.transfer_leader(1, to.node_id)

    network.run(15)
    (handle,) = leader.propose(1, putting(1))
    network.run(4)

    assert succeeded(leader.answers[handle])


def test_a_node_that_stops_hands_everything_over_and_no_write_is_lost(network: Network) -> None:
    stopping = network.leader(1)
    led = [group for group in GROUPS if stopping.driver.views[group].is_leader]
    handles = [stopping.propose(group, putting(1))[0] for group in led]

    stopping.driver.hand_over()
    assert stopping.driver.leads_elsewhere == len(led)
    network.until(lambda: not stopping.driver.leads_elsewhere and not stopping.driver.waits_for_entries, 30)

    assert all(succeeded(stopping.answers[handle]) for handle in handles)
    for group in led:
        assert network.leader(group) is not stopping


def test_a_node_that_nobody_can_succeed_has_nothing_to_hand_over(network: Network) -> None:
    lonely = network.leader(1)
    for other in others(network, lonely):
        network.kill(other.node_id)
    network.run(9)

    lonely.driver.hand_over()

    assert lonely.driver.leads_elsewhere == 0
    assert Network((1,), {1: (1,)})[1].driver.leads_elsewhere == 0


# What nodes tell each other


def test_a_node_without_a_replica_learns_who_leads() -> None:
    network = Network((1, 2, 3, 4), {1: (1, 2, 3)})
    for member in network.members.values():
        member.driver.set_peers(frozenset({1, 2, 3, 4}) - {member.node_id})
    leader = network.leader(1)
    network.run(3)

    assert network[4].driver.known_leaders() == {1: (leader.driver.views[1].term, leader.node_id)}

    network.kill(leader.node_id)
    successor = network.leader(1)
    network.run(3)
    assert network[4].driver.known_leaders() == {1: (successor.driver.views[1].term, successor.node_id)}


def test_what_was_said_and_lost_is_said_again() -> None:
    network = Network((1, 2), {1: (1,)})
    network[1].driver.set_peers(frozenset({2}))
    network[2].driver.set_peers(frozenset({1}))
    network.isolate(1)
    network.run(5)
    network.heal()

    network.until(lambda: network[2].driver.known_leaders() == {1: (2, 1)}, 101)


def test_a_newer_term_wins_over_what_others_say(network: Network) -> None:
    leader = network.leader(1)
    view = leader.driver.views[1]

    leader.turn(Work(envelopes=[(2, Envelope(led=[(1, view.term - 1)])), (3, Envelope(led=[(2, 99)]))]))

    assert leader.driver.known_leaders()[1] == (view.term, leader.node_id)
    assert leader.driver.known_leaders()[2] == (99, 3)


# Exact ends


def test_a_snapshot_that_takes_the_place_of_a_proposal_leaves_its_end_unknown() -> None:
    limits = DriverLimits(retain_bytes=64 << 10, compact_bytes=32 << 10)
    network = Network((1, 2, 3), {1: (1, 2, 3)}, limits)
    old = network.leader(1)
    network.run(5)
    network.isolate(old.node_id)
    (handle,) = old.propose(1, putting(7, b'{"lost":1}'))
    successor = others(network, old)[0]
    network.until(lambda: any(member.driver.views[1].is_leader for member in others(network, old)))
    successor = next(member for member in others(network, old) if member.driver.views[1].is_leader)
    for number in range(100):
        successor.propose(1, putting(number, b'{"a":"%b"}' % (b"x" * 4000)))
        if number % 4 == 0:  # before the deposed leader gives its proposal up
            network.step()
    network.run(5)
    successor.state.sync()
    successor.driver.compact(successor.driver.compaction_due(idle=False))
    assert handle not in old.answers

    network.heal()
    network.until(lambda: old.snapshots.installed == 1)
    network.run(5)

    assert isinstance(old.answers[handle], OutcomeUnknown | NotLeader)
    assert old.content(1) == successor.content(1)


def test_a_proposal_of_a_node_that_stays_cut_off_ends_as_unknown(network: Network) -> None:
    leader = network.leader(1)
    network.isolate(leader.node_id)
    (handle,) = leader.propose(1, putting(1))

    network.until(lambda: handle in leader.answers, 140)

    assert isinstance(leader.answers[handle], OutcomeUnknown)
    network.heal()
    network.run(50)
    assert all(member.document(1, 1) is None for member in network.members.values())


def test_a_proposal_of_a_node_that_is_cut_off_stays_until_it_is_known(network: Network) -> None:
    leader = network.leader(1)
    network.isolate(leader.node_id)
    (handle,) = leader.propose(1, putting(1))

    network.run(100)
    assert handle not in leader.answers

    network.heal()
    network.until(lambda: handle in leader.answers)
    assert isinstance(leader.answers[handle], NotLeader)
    assert all(member.document(1, 1) is None for member in network.members.values())


def test_a_write_that_a_successor_committed_is_acknowledged_by_who_proposed_it(network: Network) -> None:
    leader = network.leader(1)
    (handle,) = leader.propose(1, putting(1))
    network.step()
    network.isolate(leader.node_id)  # the others have the entry, and it cannot learn so
    network.run(60)
    assert handle not in leader.answers
    assert any(m.driver.views[1].is_leader for m in others(network, leader))

    network.heal()
    network.until(lambda: handle in leader.answers)

    assert succeeded(leader.answers[handle])
    assert leader.document(1, 1) is not None


def test_a_group_that_is_not_here_has_no_leader_here(network: Network) -> None:
    member = network[1]

    (write,) = member.propose(99, putting(1))
    read = member.barrier(99)

    for handle in (write, read):
        result = member.answers[handle]
        assert isinstance(result, NotLeader)
        assert result.leader == 0
