"""Groups whose members change while they work: newcomers by snapshot, leaders that go, replicas that were forgotten."""

from __future__ import annotations

import pytest

from server.tests.unit.replication.network import Copy, Member, Network, putting
from server.tests.unit.replication.turning import succeeded
from themis_server.replication.driver import DriverLimits, Work
from themis_server.replication.envelope import Envelope
from themis_server.replication.group import Busy, NotLeader
from themis_server.replication.log import Log
from themis_server.replication.membership import Members
from themis_server.replication.work import Arrived
from themis_server.storage import keys


def wish(network: Network, members: Members, epoch: int = 1, group: int = 1) -> None:
    """Tell all nodes whom a group shall consist of, as a change of the topology would."""
    for node_id, member in network.members.items():
        if node_id not in network.alive:
            continue
        if group not in member.driver.groups and node_id in members.all:
            member.driver.add_group(member.replica(group))
        member.driver.set_members(group, members, epoch)


def voters(*ids: int, learners: tuple[int, ...] = ()) -> Members:
    return Members(frozenset(ids), frozenset(learners))


def has_come_true(network: Network, members: Members, group: int = 1) -> bool:
    return all(
        group in network[node].driver.groups
        and network[node].driver.views[group].members == members
        and network[node].driver.views[group].settled
        and network[node].driver.views[group].leader
        for node in members.all & network.alive
    )


def write(network: Network, *numbers: int, group: int = 1) -> None:
    """Write entities through whoever leads, again after a refusal, until all are acknowledged."""
    for number in numbers:
        for _ in range(100):
            leader = network.leader(group)
            (handle,) = leader.propose(group, putting(number, b'{"n":%d}' % number))
            network.until(lambda leader=leader, handle=handle: handle in leader.answers)  # type: ignore[misc]
            if succeeded(leader.answers[handle]):
                break
            assert isinstance(leader.answers[handle], NotLeader | Busy)
            network.step()
        else:
            raise AssertionError("nobody takes it")


def held(member: Member, *numbers: int, group: int = 1) -> bool:
    return all(member.document(group, number) == b'{"n":%d}' % number for number in numbers)


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


def test_who_was_taken_out_stays_until_most_of_those_who_remain_know_of_it() -> None:
    """They may need its vote to find out: until then a joint phase lasts for them, half of which is gone."""
    network = Network(range(1, 6), {1: (1, 2, 3)})
    write(network, *range(5))
    leader = network.leader(1)
    raft = leader.driver.groups[1].raft
    for newcomer in (4, 5):
        network[newcomer].driver.add_group(network[newcomer].replica(1))
        raft.propose_conf_change([("add_learner", newcomer)])
        write(network, 1)
        network.run(20)

    network.lose = lambda sender, to, envelope: bool(leader.removed) and to in (4, 5)
    raft.propose_conf_change(
        [("add_voter", 4), ("add_voter", 5), *(("remove", old) for old in (1, 2, 3))], transition="implicit"
    )
    leader.propose(1, putting(9))
    network.until(lambda: all(network[old].removed for old in (1, 2, 3)))
    network.run(60)
    assert all(network[old].driver.views[1].removed for old in (1, 2, 3))
    assert not any(network[old].driver.views[1].released for old in (1, 2, 3))

    network.lose = lambda sender, to, envelope: False
    network.until(lambda: all(network[old].driver.views[1].released for old in (1, 2, 3)))
    for old in (1, 2, 3):
        network.kill(old)
    write(network, *range(10, 15))
    network.until(lambda: all(held(network[stays], *range(10, 15)) for stays in (4, 5)))


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


# Replicas that were taken out


def test_a_replica_that_waits_for_its_snapshot_helps_nobody_to_lead() -> None:
    # 3 is away while 1 and 2 commit entries and 1 then leaves, is destroyed and taken in again, with nothing. If it
    # gave its vote to 3, which still takes {1, 2, 3} for the members, those entries would be lost.
    network = Network((1, 2, 3, 4), {1: (1, 2, 3)})
    write(network, 1)
    stays = network.leader(1).node_id
    leaves, away = (node for node in (1, 2, 3) if node != stays)
    network.isolate(away)
    write(network, 2)
    wish(network, voters(stays, 4))
    network.cut = {(away, other) for other in (1, 2, 3, 4)} | {(other, away) for other in (1, 2, 3, 4)}
    network.until(lambda: network[leaves].removed == [1], 800)
    network[leaves].driver.remove_group(1)
    network.run(10)
    network.kill(stays)
    network.kill(4)
    network[leaves].driver.add_group(network[leaves].replica(1))

    network.heal()
    network.run(100)

    assert not network[away].driver.views[1].is_leader
    assert network[leaves].driver.groups[1].is_waiting


def test_a_replica_that_was_removed_while_it_was_away_learns_it_when_it_is_back() -> None:
    network = Network((1, 2, 3, 4), {1: (1, 2, 3)})
    write(network, 1)
    away = next(node for node in (1, 2, 3) if node != network.leader(1).node_id)
    network.kill(away)
    wanted = voters(*({1, 2, 3, 4} - {away}))
    wish(network, wanted)
    network.until(lambda: has_come_true(network, wanted))
    term = network.leader(1).driver.views[1].term

    network.restart(away)
    network[away].driver.set_members(1, wanted, 1)

    network.until(lambda: network[away].removed == [1])
    assert network.leader(1).driver.views[1].term == term, "it did not disturb the others"


def test_it_learns_it_even_if_nobody_of_the_old_members_is_left() -> None:
    network = Network(range(1, 7), {1: (1, 2, 3)})
    write(network, 1)
    away = next(node for node in (1, 2, 3) if node != network.leader(1).node_id)
    network.kill(away)
    wish(network, voters(4, 5, 6))
    network.until(lambda: has_come_true(network, voters(4, 5, 6)), 800)
    for node in {1, 2, 3} - {away}:
        network.kill(node)

    network.restart(away)
    network[away].driver.set_members(1, voters(4, 5, 6), 1)

    network.until(lambda: network[away].removed == [1])


def test_who_has_acknowledged_more_since_does_not_believe_that_it_is_gone() -> None:
    network = Network((1, 2, 3), {1: (1, 2, 3)})
    write(network, 1)
    group = network[2].driver.groups[1]
    last = group.raft.last_index

    for notice in ((1, group.raft.term_at(last), last - 1), (1, group.raft.term_at(last) - 1, last + 10), (7, 9, 9)):
        network[2].turn(Work(envelopes=[(1, Envelope(gone=[notice]))]))
    assert network[2].removed == []

    network[2].turn(Work(envelopes=[(1, Envelope(gone=[(1, group.raft.term_at(last), last)]))]))
    assert network[2].removed == [1]


def test_a_member_that_lags_tells_a_newcomer_nothing_that_it_believes() -> None:
    network = Network((1, 2, 3, 4), {1: (1, 2, 3)})
    leader = network.leader(1).node_id
    lags = next(node for node in (1, 2, 3) if node != leader)
    network.isolate(lags)
    wish(network, voters(1, 2, 3, 4))
    network.until(lambda: network[4].driver.views[1].members == voters(1, 2, 3, 4))
    network.kill(leader)
    network.heal()

    network.until(lambda: any(network[node].driver.views[1].is_leader for node in network.alive))
    write(network, 2)
    assert all(not network[node].removed for node in network.alive)


def test_a_replica_is_destroyed_and_its_vote_stays() -> None:
    network = Network((1, 2, 3), {1: (1, 2, 3), 2: (1, 2, 3)})
    write(network, 1)
    write(network, 1, group=2)
    follower = next(m for m in network.members.values() if m is not network.leader(1))

    with pytest.raises(Busy):
        follower.driver.remove_group(1)  # it is a member still
    wish(network, voters(*({1, 2, 3} - {follower.node_id})))
    network.until(lambda: follower.removed == [1])
    waits = follower.barrier(1)
    promised = follower.driver.groups[1].hard_state
    follower.driver.remove_group(1)
    while follower.driver.has_more:
        network.step()

    assert isinstance(follower.answers[waits], NotLeader)
    assert list(follower.log.scan(*keys.log_range(1, 0, 1000))) == []
    assert follower.content(1) == {}
    assert follower.document(2, 1) is not None
    assert 1 not in follower.driver.views
    tombstone = Log(follower.log).tombstone(1)
    assert tombstone is not None
    assert (tombstone.term, tombstone.vote) == (promised.term, promised.vote)
    assert Log(follower.log).groups() == [2]


def test_a_replica_that_comes_back_starts_from_a_snapshot_and_remembers_its_vote() -> None:
    network = Network((1, 2, 3), {1: (1, 2, 3)})
    write(network, *range(5))
    leader = network.leader(1).node_id
    goes = next(node for node in (1, 2, 3) if node != leader)
    wanted = voters(*({1, 2, 3} - {goes}))
    wish(network, wanted, 1)
    network.until(lambda: network[goes].removed == [1])
    network[goes].driver.remove_group(1)
    with pytest.raises(Busy):
        network[goes].driver.add_group(network[goes].replica(1))
    network.run(10)

    wish(network, voters(1, 2, 3), 2)
    assert network[goes].driver.groups[1].raft.term >= 1
    network.until(lambda: has_come_true(network, voters(1, 2, 3)))
    write(network, 5)
    network.run(5)

    assert held(network[goes], *range(6))


def test_a_node_that_restarts_while_a_group_waits_for_its_snapshot_waits_on() -> None:
    network = Network((1, 2), {1: (1,)})
    write(network, *range(5))
    wish(network, voters(1, 2))
    network.run(2)
    network.kill(2)
    network.restart(2)
    wish(network, voters(1, 2))

    network.until(lambda: has_come_true(network, voters(1, 2)))

    assert held(network[2], *range(5))


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
