"""Followers learn what is committed from the next entries, or a little later by itself."""

from __future__ import annotations

import pytest

from server.tests.unit.replication.network import Member, Network, putting
from server.tests.unit.replication.turning import succeeded
from themis_server.replication.driver import Work

GROUP = 1


@pytest.fixture
def network() -> Network:
    network = Network((1, 2, 3), {GROUP: (1, 2, 3)})
    network.leader(GROUP)
    network.run(5)
    return network


def followers(network: Network) -> list[Member]:
    leader = network.leader(GROUP)
    return [member for member in network.members.values() if member is not leader]


def has(member: Member, number: int) -> bool:
    return member.document(GROUP, number) is not None


def acknowledged(network: Network, number: int) -> Member:
    """Write an entity, and carry messages to and fro without a tick until it is acknowledged."""
    network.step(0, turns=3)  # no heartbeat is on its way: its answer would have the leader say more
    leader = network.leader(GROUP)
    (handle,) = leader.propose(GROUP, putting(number))
    for _ in range(10):
        if succeeded(leader.answers.get(handle)):
            return leader
        network.step(0)
    raise AssertionError("it was not acknowledged")


def test_a_commit_alone_is_no_message(network: Network) -> None:
    leader = acknowledged(network, 1)
    network.step(0)
    sent = network.envelopes

    network.step(0, turns=5)

    assert network.envelopes == sent
    assert leader.driver.has_commits_to_tell
    assert not any(has(member, 1) for member in followers(network))


def test_the_next_entries_say_what_is_committed(network: Network) -> None:
    acknowledged(network, 1)
    leader = acknowledged(network, 2)
    network.step(0)

    assert all(has(member, 1) and not has(member, 2) for member in followers(network))

    leader.turn(Work(tell_commits=True))  # what was noted first is known, what came after that has time
    assert not leader.outbox.envelopes
    assert leader.driver.has_commits_to_tell

    leader.turn(Work(tell_commits=True))
    assert len(leader.outbox.envelopes) == 2


def test_followers_are_told_when_it_is_time_or_at_the_next_tick(network: Network) -> None:
    for number, work in enumerate((Work(tell_commits=True), Work(ticks=1))):
        leader = acknowledged(network, number)

        leader.turn(work)
        network.step(0)

        assert all(has(member, number) for member in followers(network))
        network.run(3)
        assert not leader.driver.has_commits_to_tell


def test_a_barrier_at_a_follower_need_not_wait_until_it_is_told(network: Network) -> None:
    acknowledged(network, 1)
    for reader in followers(network):
        handle = reader.barrier(GROUP)
        network.step(0, turns=4)

        assert handle in reader.answers
        assert has(reader, 1)


def test_a_successor_is_told_before_it_is_to_stand(network: Network) -> None:
    leader = acknowledged(network, 1)
    successor = followers(network)[0]

    leader.driver.transfer_leader(GROUP, successor.node_id)
    leader.turn(Work())
    network.step(0)

    assert has(successor, 1)


def test_a_group_does_not_fall_asleep_before_everybody_knows(network: Network) -> None:
    leader = network.leader(GROUP)
    acknowledged(network, 1)
    network.lose = lambda sender, to, envelope: sender == leader.node_id and len(envelope) < 40 and chance()
    lost = iter([True] * 6)

    def chance() -> bool:
        return next(lost, False)

    network.until(lambda: all(member.driver.views[GROUP].quiesced for member in network.members.values()))

    assert all(has(member, 1) for member in network.members.values())
