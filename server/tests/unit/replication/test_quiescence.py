"""Groups in which nothing happens sleep, and wake in time: many groups, real drivers, lost messages."""

from __future__ import annotations

import pytest

from server.tests.unit.replication.network import Member, Network, putting
from server.tests.unit.replication.turning import succeeded
from themis_server.replication.driver import Work
from themis_server.replication.envelope import BEAT, Envelope, decode

GROUPS = range(1, 9)


@pytest.fixture
def network() -> Network:
    network = Network((1, 2, 3), dict.fromkeys(GROUPS, (1, 2, 3)))
    for group in GROUPS:
        network.leader(group)
    return network


def asleep(network: Network, group: int = 1) -> list[bool]:
    return [network[node].driver.views[group].quiesced for node in sorted(network.alive)]


def put_to_sleep(network: Network) -> None:
    network.until(lambda: all(all(asleep(network, group)) for group in GROUPS))


def follower_of(network: Network, group: int = 1) -> Member:
    leader = network.leader(group)
    return next(member for member in network.members.values() if member is not leader)


def test_idle_groups_sleep_and_their_clocks_stand(network: Network) -> None:
    put_to_sleep(network)
    group = network.leader(1).driver.groups[1]
    before = group.raft.status().election_elapsed_ticks

    network.run(100)

    assert group.raft.status().election_elapsed_ticks == before
    assert all(all(asleep(network, group)) for group in GROUPS)


def test_nodes_whose_groups_sleep_say_nothing_but_that_they_are_there(network: Network) -> None:
    put_to_sleep(network)
    network.run(5)
    said: list[bytes] = []

    def listen(sender: int, to: int, envelope: bytes) -> bool:
        said.append(envelope)
        return False

    network.lose = listen

    network.run(90)

    leadership = [envelope for envelope in said if envelope != BEAT]
    assert all(decode(envelope).led is not None for envelope in leadership)
    assert len(leadership) <= 6
    assert len(said) <= 6 + 6 * 90 / 2


def test_a_write_wakes_a_group_and_it_sleeps_again(network: Network) -> None:
    put_to_sleep(network)
    leader = network.leader(1)

    (handle,) = leader.propose(1, putting(1))
    network.run(3)

    assert succeeded(leader.answers[handle])
    assert asleep(network) == [False] * 3
    assert all(asleep(network, 2))
    network.until(lambda: all(asleep(network)))
    assert len({str(member.content(1)) for member in network.members.values()}) == 1


def test_a_leader_does_not_let_its_group_sleep_while_a_member_lags(network: Network) -> None:
    leader, behind = network.leader(1), follower_of(network)
    network.cut = {(leader.node_id, behind.node_id)}
    leader.propose(1, putting(1))

    network.run(60)

    assert not leader.driver.views[1].quiesced or not leader.driver.views[1].is_leader


def test_no_group_of_which_a_member_is_away_sleeps(network: Network) -> None:
    put_to_sleep(network)
    away = follower_of(network)
    network.kill(away.node_id)

    network.run(100)

    for group in GROUPS:
        assert not network.leader(group).driver.views[group].quiesced


def test_they_sleep_again_when_the_member_is_back(network: Network) -> None:
    put_to_sleep(network)
    away = follower_of(network)
    network.kill(away.node_id)
    network.run(30)

    network.restart(away.node_id)

    put_to_sleep(network)


@pytest.mark.parametrize("sleeping", [True, False])
def test_a_dead_leader_is_replaced_as_soon_in_a_group_that_slept(network: Network, sleeping: bool) -> None:
    if sleeping:
        put_to_sleep(network)
    dead = network.leader(1)
    network.kill(dead.node_id)

    # In this network a message takes a whole tick, and an election takes four of them.
    assert network.until(lambda: network_led_by_others(network, dead)) <= 20


def network_led_by_others(network: Network, dead: Member) -> bool:
    return all(
        any(member.driver.views[group].is_leader for member in network.members.values() if member is not dead)
        for group in GROUPS
        if dead.driver.views[group].is_leader
    )


def test_a_leader_that_is_cut_off_is_replaced_and_notices(network: Network) -> None:
    put_to_sleep(network)
    old = network.leader(1)
    network.isolate(old.node_id)

    network.until(lambda: network_led_by_others(network, old) or not old.driver.views[1].is_leader)
    network.run(30)

    assert not old.driver.views[1].is_leader
    assert any(member.driver.views[1].is_leader for member in network.members.values() if member is not old)


def test_a_node_that_was_stopped_for_a_while_takes_nobody_for_dead(network: Network) -> None:
    put_to_sleep(network)
    leader, stopped = network.leader(1), follower_of(network)
    term = leader.driver.views[1].term
    network.paused = {stopped.node_id}
    network.run(200)

    network.paused = set()
    put_to_sleep(network)

    assert network.leader(1) is leader
    assert leader.driver.views[1].term == term


def test_a_lost_notice_is_made_good(network: Network) -> None:
    def is_notice(sender: int, to: int, envelope: bytes) -> bool:
        if decode(envelope).quiesce:
            lost.append(to)
        return bool(decode(envelope).quiesce)

    lost: list[int] = []
    leader = network.leader(1)
    leader.propose(1, putting(1))
    network.lose = is_notice
    network.until(lambda: bool(lost))
    network.lose = lambda sender, to, envelope: False
    terms = [network.leader(group).driver.views[group].term for group in GROUPS]

    put_to_sleep(network)

    assert [network.leader(group).driver.views[group].term for group in GROUPS] == terms, "no election was needed"


def test_a_leader_that_restarted_at_once_is_replaced_although_its_node_is_heard(network: Network) -> None:
    put_to_sleep(network)
    leader = network.leader(1)
    network.kill(leader.node_id)

    network.restart(leader.node_id)

    assert network.until(lambda: network_led_by_anybody(network)) <= 30


def network_led_by_anybody(network: Network) -> bool:
    return all(any(member.driver.views[group].is_leader for member in network.members.values()) for group in GROUPS)


def test_who_is_told_to_sleep_by_somebody_else_than_its_leader_does_not(network: Network) -> None:
    follower, leader = follower_of(network), network.leader(1)
    liar = next(m for m in network.members.values() if m not in (follower, leader))
    view = follower.driver.views[1]
    leader.propose(1, putting(1))
    network.run(3)
    assert not view.quiesced
    commit = follower.driver.groups[1].raft.commit

    for notice in ((1, view.term, commit), (1, view.term + 5, commit), (99, 1, 1)):
        follower.turn(Work(envelopes=[(liar.node_id, Envelope(quiesce=[notice]))]))
    follower.turn(Work(envelopes=[(leader.node_id, Envelope(quiesce=[(1, view.term, commit + 1)]))]))

    assert not view.quiesced


def test_the_only_voter_never_needs_a_clock() -> None:
    network = Network((1,), {1: (1,)})

    network.run(100)
    (handle,) = network[1].propose(1, putting(1))

    assert succeeded(network[1].answers[handle])
    assert network[1].driver.views[1].quiesced
