"""The whole way with real drivers: a replica that lags, or is new, gets the state and goes on from there."""

from __future__ import annotations

import random

import pytest

from server.tests.unit.replication import network as networks
from server.tests.unit.replication.network import Member, putting
from server.tests.unit.replication.snapshot.carrying import Carried, Carrying, carried
from server.tests.unit.replication.turning import succeeded
from themis_server.replication.driver import DriverLimits
from themis_server.replication.membership import Members
from themis_server.storage import keys

SMALL = DriverLimits(compact_bytes=64 << 10, retain_bytes=64 << 10)


@pytest.fixture(autouse=True)
def _real_snapshots(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(networks, "Copies", Carried)


def write(network: Carrying, *numbers: int) -> None:
    """Write entities through whoever leads, again until each is acknowledged."""
    for number in numbers:
        for _ in range(100):
            leader = network.leader(1)
            (handle,) = leader.propose(1, putting(number, b'{"n":%d,"x":"%b"}' % (number, b"x" * 16_000)))
            network.step()
            network.step()
            if succeeded(leader.answers.get(handle)):
                break
        else:
            raise AssertionError("nobody takes it")


def compact(network: Carrying) -> None:
    for node_id in sorted(network.alive):
        member = network[node_id]
        due = member.driver.compaction_due(idle=True)
        member.state.sync()
        member.driver.compact(due)


def applied(member: Member) -> int:
    return member.driver.groups[1].machine.state.applied_index


def equal(network: Carrying, nodes: tuple[int, ...] = (1, 2, 3)) -> bool:
    contents = [network[node_id].content(1) for node_id in nodes]
    return all(content == contents[0] for content in contents)


def lagging() -> tuple[Carrying, int]:
    """Three replicas, one of which was away for longer than the log reaches back."""
    network = Carrying((1, 2, 3), {1: (1, 2, 3)}, SMALL)
    write(network, *range(5))
    away = next(node_id for node_id in (1, 2, 3) if network[node_id] is not network.leader(1))
    network.isolate(away)
    network.run(30)
    write(network, *range(5, 50))
    compact(network)
    assert network.leader(1).driver.groups[1].start.index > network[away].driver.groups[1].last_logged
    return network, away


def test_a_replica_that_lags_beyond_the_log_gets_the_state_in_chunks_and_goes_on() -> None:
    network, away = lagging()

    network.heal()
    network.until(lambda: carried(network[away]).installed == 1)
    write(network, 60, 61)
    network.run(10)

    assert equal(network)
    assert network[away].state.bulk_loads() == {}
    view = network[away].driver.views[1]
    assert view.installs == 2


def test_the_leader_goes_on_writing_while_the_state_is_on_its_way() -> None:
    network, away = lagging()

    network.heal()
    number = 60
    while not carried(network[away]).installed:
        write(network, number)
        number += 1
    network.run(20)

    assert number > 65
    assert equal(network)


def test_chunks_that_get_lost_are_sent_again() -> None:
    network, away = lagging()
    chance = random.Random(1)

    network.heal()
    network.lose = lambda *_: chance.random() < 1 / 3
    network.until(lambda: carried(network[away]).installed == 1, 2000)
    network.lose = lambda *_: False
    network.run(20)

    assert equal(network)


@pytest.mark.parametrize("at", [0, 5, 30, *range(50, 72)])
@pytest.mark.parametrize("keep", [0, 99])
def test_a_replica_that_crashes_at_any_moment_of_it_ends_with_the_state(at: int, keep: int) -> None:
    network, away = lagging()
    network.heal()
    network.run(at)

    network.alive.discard(away)
    network[away].log.crash(keep)
    network[away].state.crash(keep)
    network.run(5)
    network.restart(away)
    network.run(20)
    network.until(lambda: applied(network[away]) == applied(network.leader(1)), 1000)
    write(network, 60)
    network.run(10)

    assert equal(network)
    assert network[away].state.bulk_loads() == {}


@pytest.mark.parametrize("at", [1, 10, 30, 50, 55, 57, 59, 61, 63, 65])
def test_a_leader_that_dies_in_the_middle_is_replaced_by_one_that_sends_its_own(at: int) -> None:
    network, away = lagging()
    network.heal()
    network.run(at)
    gone = network.leader(1).node_id

    network.kill(gone)
    network.run(40)
    write(network, 60)
    network.until(lambda: applied(network[away]) == applied(network.leader(1)), 1000)
    alive = tuple(sorted(network.alive))

    assert gone not in alive
    assert equal(network, (alive[0], alive[1]))


def test_a_new_replica_gets_the_state_and_a_vote() -> None:
    network = Carrying((1, 2, 3, 4), {1: (1, 2, 3)}, SMALL)
    write(network, *range(20))
    network[4].driver.add_group(network[4].replica(1))
    wish = Members(frozenset((1, 2, 4)), frozenset())

    for member in network.members.values():
        if 1 in member.driver.groups:
            member.driver.set_members(1, wish, 1)
    network.until(lambda: network[4].driver.views[1].members == wish, 1000)
    network.until(lambda: network[3].driver.views.get(1) is None or network[3].driver.views[1].removed, 1000)

    write(network, 20)
    network.run(20)
    assert equal(network, (1, 2, 4))


def test_a_replica_that_is_removed_leaves_nothing_but_its_vote() -> None:
    network = Carrying((1, 2, 3), {1: (1, 2, 3)}, SMALL)
    write(network, *range(20))
    network.run(10)
    member = network[3]
    for node_id in (1, 2, 3):
        network[node_id].driver.set_members(1, Members(frozenset((1, 2)), frozenset()), 1)
    network.until(lambda: member.driver.views[1].removed)

    member.driver.remove_group(1)
    network.until(lambda: member.content(1) == {})
    network.until(lambda: [key for key, _ in member.log.scan(b"", b"\xff")] == [keys.hard_state(1)])

    write(network, 30)
    network.run(10)
    assert equal(network, (1, 2))
