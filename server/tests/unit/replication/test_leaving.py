"""Replicas that were taken out of their group: how they learn it, when they may be destroyed, how they come back."""

from __future__ import annotations

import pytest

from server.tests.unit.replication.moves import has_come_true, held, voters, wish, write
from server.tests.unit.replication.network import Member, Network, putting
from themis_server.replication.driver import DriverLimits, Work
from themis_server.replication.envelope import Envelope, decode
from themis_server.replication.group import Busy, NotLeader
from themis_server.replication.log import Log
from themis_server.replication.membership import ChangeKind
from themis_server.storage import keys


def with_learners(network: Network, *newcomers: int) -> Member:
    """Let nodes follow group 1 as learners; return its leader."""
    leader = network.leader(1)
    for newcomer in newcomers:
        network[newcomer].driver.add_group(network[newcomer].replica(1))
        leader.driver.groups[1].raft.propose_conf_change([("add_learner", newcomer)])
        write(network, 1)
        network.run(20)
    return leader


def exchange(leader: Member, come: tuple[int, ...], go: tuple[int, ...]) -> None:
    """Let the leader exchange voters of group 1 at once, itself maybe among them."""
    items: list[tuple[ChangeKind, int]] = [("add_voter", node) for node in come]
    items += [("remove", node) for node in go]
    leader.driver.groups[1].raft.propose_conf_change(items, transition="implicit")
    leader.propose(1, putting(9))


def test_who_was_taken_out_stays_until_most_of_those_who_remain_know_of_it() -> None:
    """They may need its vote to find out: until then a joint phase lasts for them, half of which is gone."""
    network = Network(range(1, 6), {1: (1, 2, 3)})
    write(network, *range(5))
    leader = with_learners(network, 4, 5)

    network.lose = lambda sender, to, envelope: bool(leader.removed) and to in (4, 5)
    exchange(leader, (4, 5), (1, 2, 3))
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

    notice = (1, group.raft.term_at(last), last)
    network[2].turn(Work(envelopes=[(1, Envelope(gone=[notice]))]))
    assert network[2].removed == [], "most of the others have to say so"
    network[2].turn(Work(envelopes=[(3, Envelope(gone=[notice]))]))
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


def test_one_voter_that_knows_is_not_enough_for_who_has_not_heard_of_the_change_itself() -> None:
    network = Network(range(1, 7), {1: (1, 2, 3)})
    write(network, *range(5))
    leader = with_learners(network, 4, 5, 6)
    followers = {1, 2, 3} - {leader.node_id}

    def only_six_hears(sender: int, to: int, envelope: bytes) -> bool:
        """Once the change is committed, Raft messages get through between its leader and node 6 only."""
        return bool(leader.removed) and {sender, to} != {leader.node_id, 6} and bool(decode(envelope).messages)

    network.lose = only_six_hears
    exchange(leader, (4, 5, 6), (1, 2, 3))
    network.until(lambda: bool(leader.removed))
    network.until(lambda: network[6].driver.views[1].members == voters(4, 5, 6))
    for node in network.members:
        network[node].driver.set_members(1, voters(4, 5, 6), 1)
    network.run(100)
    assert not any(network[node].driver.views[1].removed for node in followers)

    network.kill(6)
    network.lose = lambda sender, to, envelope: False
    network.until(lambda: any(network[stays].driver.views[1].is_leader for stays in (4, 5)))
    write(network, *range(5, 8))
    network.until(lambda: all(held(network[stays], *range(8)) for stays in (4, 5)))
    network.until(lambda: all(network[old].driver.views[1].released for old in (1, 2, 3)))


def test_who_was_taken_out_and_starts_again_goes_on_asking() -> None:
    network = Network((1, 2, 3, 4), {1: (1, 2, 3)})
    write(network, 1)
    goes = next(node for node in (1, 2, 3) if node != network.leader(1).node_id)
    wanted = voters(*({1, 2, 3, 4} - {goes}))
    network.lose = lambda sender, to, envelope: to == goes and bool(decode(envelope).gone)
    wish(network, wanted)
    network.until(lambda: network[goes].removed == [1])
    network.run(20)
    network[goes].state.sync()
    network.kill(goes)
    network.restart(goes)
    view = network[goes].driver.views[1]
    assert view.removed
    assert not view.released

    network.lose = lambda sender, to, envelope: False
    network[goes].driver.set_members(1, wanted, 2)
    network.until(lambda: view.released)


def test_who_was_taken_out_and_finds_nobody_of_those_who_stayed_asks_who_came_after_them() -> None:
    network = Network(range(1, 8), {1: (1, 2, 3)})
    write(network, 1)
    goes = next(node for node in (1, 2, 3) if node != network.leader(1).node_id)
    stayed = {1, 2, 3, 4} - {goes}
    network.lose = lambda sender, to, envelope: to == goes and bool(decode(envelope).gone)
    wish(network, voters(*stayed))
    network.until(lambda: network[goes].removed == [1] and has_come_true(network, voters(*stayed)))
    network.isolate(goes)
    wish(network, voters(5, 6, 7), 2)
    network.until(lambda: has_come_true(network, voters(5, 6, 7)), 800)
    network.until(lambda: all(network[node].driver.views[1].released for node in stayed))
    for node in stayed:
        network.kill(node)
    assert not network[goes].driver.views[1].released

    network.heal()
    network.lose = lambda sender, to, envelope: False
    network.until(lambda: network[goes].driver.views[1].released)


def test_a_replica_that_was_taken_out_is_taken_in_again_by_a_snapshot_as_it_is() -> None:
    network = Network((1, 2, 3, 4), {1: (1, 2, 3)}, DriverLimits(retain_bytes=128 << 10, compact_bytes=64 << 10))
    write(network, 1)
    goes = next(node for node in (1, 2, 3) if node != network.leader(1).node_id)
    network.lose = lambda sender, to, envelope: to == goes and bool(decode(envelope).gone)
    stays = {1, 2, 3} - {goes}
    wish(network, voters(*stays))
    network.until(lambda: network[goes].removed == [1])
    for number in range(100):
        network.leader(1).propose(1, putting(number, b'{"a":"%b"}' % (b"x" * 4000)))
        network.step()
    network.run(5)
    leader = network.leader(1)
    leader.state.sync()
    leader.driver.compact(leader.driver.compaction_due(idle=False))
    assert not network[goes].driver.views[1].released

    wanted = voters(*stays, learners=(goes,))  # a learner: the snapshot is all that tells it so
    wish(network, wanted, 2)
    network.until(lambda: has_come_true(network, wanted))
    network.run(100)
    write(network, 200)
    network.run(10)

    assert network[goes].snapshots.installed == 1
    assert not network[goes].driver.views[1].removed
    assert network[goes].content(1) == leader.content(1)
