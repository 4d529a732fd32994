"""What a driver may say to whom: as much as the version of the protocol that was agreed on with each peer."""

from __future__ import annotations

from server.tests.unit.replication.network import Network
from themis_server.peer.hello import VERSION_MIN
from themis_server.replication.driver import Work
from themis_server.replication.peers import Peers


def test_the_oldest_words_are_used_to_a_peer_that_was_not_met() -> None:
    assert Peers(None, heartbeat_ticks=2).version(7) == VERSION_MIN


def test_each_peer_is_spoken_to_in_the_version_that_was_agreed_on_last() -> None:
    network = Network((1, 2, 3), {1: (1, 2, 3)})
    driver = network[1].driver

    network[1].turn(Work(connected=[(2, 4), (3, 5)]))
    assert (driver.version_with(2), driver.version_with(3)) == (4, 5)
    network[1].turn(Work(disconnected=[2], connected=[(2, 6)]))
    assert (driver.version_with(2), driver.version_with(3)) == (6, 5)
    network[1].turn(Work(connected=[(3, 4)]))
    assert (driver.version_with(2), driver.version_with(3)) == (6, 4)


def test_a_stream_of_the_other_direction_that_breaks_changes_nothing() -> None:
    """What this node sends goes out on its own stream, which still stands and is not announced again."""
    network = Network((1, 2, 3), {1: (1, 2, 3)})

    network[1].turn(Work(connected=[(2, 4)]))
    network[1].turn(Work(disconnected=[2]))

    assert network[1].driver.version_with(2) == 4
