"""Groups whose members change while they work: newcomers by snapshot, leaders that go, replicas that were forgotten."""

from __future__ import annotations

import pytest

from server.tests.unit.replication.moves import has_come_true, held, voters, wish, write
from server.tests.unit.replication.network import Copy, Network, putting
from themis_server.replication.driver import DriverLimits, Work
from themis_server.replication.envelope import Envelope
from themis_server.replication.membership import Members
from themis_server.replication.work import Arrived


def test_a_cluster_of_one_grows_to_three_under_writes() -> None:
    network = Network((1, 2, 3), {1: (1,)})
    write(network, *range(10))

    wish(network, voters(1, 2, 3))
    write(network, *range(10, 20))
    network.until(lambda: has_come_true(network, voters(1, 2, 3)))
    write(network, *range(20, 25))
    network.run(20)

    assert all(held(member, *range(25)) for member in network.members.values())
    assert network[1].content(1) == network[2].content(1) == network[3].content(1)
    assert network[2].snapshots.installed == 1
    assert not network[1].driver.views[1].sole_voter


def test_after_the_growth_the_first_node_can_die() -> None:
    network = Network((1, 2, 3), {1: (1,)})
    wish(network, voters(1, 2, 3))
    network.until(lambda: has_come_true(network, voters(1, 2, 3)))
    write(network, *range(10))

    network.kill(1)
    write(network, 10)

    assert held(network.leader(1), *range(11))


@pytest.mark.parametrize("leads", [True, False])
def test_a_replica_is_replaced(leads: bool) -> None:
    network = Network((1, 2, 3, 4), {1: (1, 2, 3)})
    leader = network.leader(1).node_id
    goes = leader if leads else next(node for node in (1, 2, 3) if node != leader)
    write(network, *range(5))

    wanted = voters(*({1, 2, 3, 4} - {goes}))
    wish(network, wanted)
    network.until(lambda: has_come_true(network, wanted))
    write(network, *range(5, 10))
    network.until(lambda: network[goes].removed == [1])
    network.run(20)

    assert all(held(network[node], *range(10)) for node in wanted.voters)
    assert network[goes].driver.views[1].removed


def test_all_replicas_move_to_other_nodes_one_wish_after_another_coming_true() -> None:
    network = Network(range(1, 7), {1: (1, 2, 3)})
    write(network, *range(10))

    wish(network, voters(4, 5, 6))
    network.until(lambda: has_come_true(network, voters(4, 5, 6)), 800)
    for node in (1, 2, 3):
        network.until(lambda node=node: network[node].removed == [1])  # type: ignore[misc]
    for node in (1, 2, 3):
        network.kill(node)
    write(network, *range(10, 15))

    assert held(network.leader(1), *range(15))


def test_an_older_wish_changes_nothing() -> None:
    network = Network((1, 2, 3), {1: (1, 2, 3)})
    wish(network, voters(1, 2, 3), epoch=5)

    wish(network, voters(1), epoch=4)
    network.run(40)

    assert has_come_true(network, voters(1, 2, 3))
    assert network[1].driver.views[1].config_epoch == 5


def test_a_dead_member_is_replaced_by_a_living_one() -> None:
    network = Network((1, 2, 3, 4), {1: (1, 2, 3)})
    write(network, *range(5))
    dead = next(node for node in (1, 2, 3) if node != network.leader(1).node_id)
    network.kill(dead)

    wanted = voters(*({1, 2, 3, 4} - {dead}))
    wish(network, wanted)

    network.until(lambda: has_come_true(network, wanted))
    write(network, 5)
    assert held(network[4], *range(5))


def test_a_member_that_is_not_there_is_waited_for_and_nobody_goes_meanwhile() -> None:
    network = Network((1, 2, 3, 4), {1: (1, 2, 3)})
    network.leader(1)
    network.kill(4)

    wish(network, voters(1, 2, 4))
    network.run(100)

    assert network.leader(1).driver.views[1].members == Members(frozenset({1, 2, 3}), frozenset({4}))
    assert not network.leader(1).driver.views[1].settled


def test_a_new_leader_goes_on_with_the_wish_of_the_old_one() -> None:
    network = Network((1, 2, 3, 4), {1: (1, 2, 3)})
    old = network.leader(1)
    write(network, *range(5))
    wanted = voters(*[node for node in (1, 2, 3, 4) if node != old.node_id])
    wish(network, wanted)
    network.run(3)

    network.kill(old.node_id)

    network.until(lambda: has_come_true(network, wanted))
    assert held(network[4], *range(5))


@pytest.mark.parametrize("at", range(0, 30, 3))
def test_a_leader_that_dies_in_the_midst_of_a_change_leaves_a_group_that_arrives(at: int) -> None:
    network = Network(range(1, 7), {1: (1, 2, 3)})
    write(network, 1)
    wanted = voters(3, 4, 5)
    wish(network, wanted)
    network.run(at)

    victim = network.leader(1).node_id
    network.kill(victim)
    network.run(3)
    network.restart(victim)
    wish(network, wanted)

    network.until(lambda: has_come_true(network, wanted), 800)
    write(network, 2)
    assert held(network.leader(1), 1, 2)


def test_whoever_is_left_as_the_only_voter_leads_by_itself() -> None:
    network = Network((1, 2), {1: (1, 2)})
    write(network, 1)
    leader = network.leader(1).node_id
    wish(network, voters(3 - leader))
    network.until(lambda: network[3 - leader].driver.views[1].members == voters(3 - leader))
    network.kill(leader)

    write(network, 2)

    assert held(network[3 - leader], 1, 2)


def test_a_follower_that_is_left_as_the_only_voter_stands_at_once() -> None:
    network = Network((1, 2), {1: (1, 2)})
    write(network, 1)
    leader = network.leader(1)
    stays = network[3 - leader.node_id]
    leader.driver.groups[1].raft.propose_conf_change([("remove", leader.node_id)])

    assert network.until(lambda: stays.driver.views[1].is_leader) < 8
    write(network, 2)

    assert held(stays, 1, 2)


def test_a_group_is_settled_only_when_a_majority_knows_its_members() -> None:
    network = Network((1, 2, 3, 4), {1: (1, 2, 3)})
    leader = network.leader(1)
    goes = next(node for node in (1, 2, 3) if node != leader.node_id)
    wanted = voters(*({1, 2, 3, 4} - {goes}))
    wish(network, wanted)
    network.until(lambda: leader.driver.views[1].members == wanted)
    assert not leader.driver.views[1].settled

    network.isolate(leader.node_id)
    network.run(5)
    assert not leader.driver.views[1].settled

    network.heal()
    network.until(lambda: network.leader(1).driver.views[1].settled)


def test_a_membership_that_was_told_to_others_is_not_forgotten_by_a_power_failure() -> None:
    network = Network((1, 2), {1: (1, 2)})
    write(network, 1)
    stays = network.leader(1).node_id
    goes = 3 - stays
    wish(network, voters(stays))
    network.until(lambda: network[goes].removed == [1])
    network[goes].driver.remove_group(1)
    network.run(10)

    network.kill(stays)  # its state was never synced
    network.restart(stays)

    assert network[stays].driver.views[1].is_leader
    write(network, 2)
    assert held(network[stays], 1, 2)


def test_voters_do_not_go_while_too_few_of_those_who_stay_can_go_on() -> None:
    network = Network((1, 2, 3), {1: (1, 2, 3)})
    write(network, 1)
    leader = network.leader(1)
    behind, _ = (node for node in (1, 2, 3) if node != leader.node_id)
    network.isolate(behind)
    for number in range(100):
        leader.propose(1, putting(number))
        network.step()

    wish(network, voters(leader.node_id, behind))
    network.run(20)

    assert leader.driver.views[1].members == voters(1, 2, 3)
    network.heal()
    network.until(lambda: has_come_true(network, voters(leader.node_id, behind)))


def test_a_member_that_has_lost_everything_is_taken_out_and_in_again() -> None:
    network = Network((1, 2, 3), {1: (1, 2, 3)})
    write(network, *range(5))
    leader = network.leader(1).node_id
    wiped = next(node for node in (1, 2, 3) if node != leader)
    network.kill(wiped)
    network.members[wiped].log.__init__()  # type: ignore[misc]
    network.members[wiped].state.__init__()  # type: ignore[misc]
    network.restart(wiped)
    wish(network, voters(1, 2, 3))

    network.until(lambda: network[wiped].snapshots.installed == 1)
    network.until(lambda: has_come_true(network, voters(1, 2, 3)))
    write(network, 5)
    network.run(5)

    assert held(network[wiped], *range(6))


# Snapshots


def test_a_replica_that_lags_beyond_the_log_is_sent_a_snapshot_and_goes_on_from_there() -> None:
    network = Network((1, 2, 3), {1: (1, 2, 3)}, DriverLimits(retain_bytes=128 << 10, compact_bytes=64 << 10))
    write(network, 0)
    away = next(node for node in (1, 2, 3) if node != network.leader(1).node_id)
    network.kill(away)
    for number in range(1, 200):
        leader = network.leader(1)
        leader.propose(1, putting(number, b'{"n":%d,"a":"%b"}' % (number, b"x" * 4000)))
        network.step()
    network.run(5)
    leader = network.leader(1)
    leader.state.sync()
    leader.driver.compact(leader.driver.compaction_due(idle=False))
    assert leader.driver.groups[1].start.index > 50

    network.restart(away)
    network.until(lambda: network[away].snapshots.installed == 1)
    write(network, 500)
    network.run(10)

    assert network[away].content(1) == leader.content(1)
    assert network[away].driver.views[1].installs == 2
    network.kill(away)
    network.restart(away)
    network.run(10)
    assert network[away].content(1) == leader.content(1)


def test_while_a_snapshot_is_installed_its_group_is_not_to_be_read_and_others_go_on() -> None:
    network = Network((1, 2), {1: (1,), 2: (1, 2)})
    write(network, *range(5))
    network[2].snapshots.slices = 40
    wish(network, voters(1, 2))
    view = network[2].driver.views[1]

    network.until(lambda: view.installs == 1)
    write(network, 1, group=2)
    assert view.installs == 1
    network.until(lambda: view.installs == 2)

    assert held(network[2], *range(5))
    assert view.version == network[1].driver.views[1].version


def test_a_snapshot_in_an_envelope_is_refused() -> None:
    network = Network((1, 2), {1: (1,)})
    write(network, 1)
    wish(network, voters(1, 2))
    network.until(lambda: bool(network[1].snapshots.sent))
    ((_, _, message, _),) = network[1].snapshots.sent

    network[2].turn(Work(envelopes=[(1, Envelope([(1, [message])]))]))

    assert network[2].driver.counters.refused == 1
    assert network[2].driver.groups[1].is_waiting
    network.until(lambda: has_come_true(network, voters(1, 2)))


def test_a_snapshot_that_is_of_no_use_is_discarded() -> None:
    network = Network((1, 2), {1: (1,)})
    write(network, *range(5))
    wish(network, voters(1, 2))
    network.until(lambda: bool(network[1].snapshots.sent))
    kept = list(network[1].snapshots.sent)
    network.until(lambda: has_come_true(network, voters(1, 2)))

    group, _, message, _ = kept[0]
    network[2].turn(Work(snapshots=[Arrived(group, 1, message, Copy([])), Arrived(77, 1, message, Copy([]))]))

    assert network[2].snapshots.discarded == 2
    assert held(network[2], *range(5))
