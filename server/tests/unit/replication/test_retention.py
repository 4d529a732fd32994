"""How much of a log is kept, and for whom."""

from __future__ import annotations

from server.tests.unit.replication.network import Network, putting
from themis_server.replication.driver import DriverLimits
from themis_server.replication.retention import LogSize, compact_to

KIB = 1 << 10


def sized(entries: int, entry_bytes: int = 64 * KIB) -> LogSize:
    size = LogSize(0)
    for index in range(1, entries + 1):
        size.added(index, entry_bytes)
    return size


def test_the_size_of_a_log_and_what_is_left_of_it() -> None:
    size = sized(10)
    assert size.bytes == 640 * KIB
    assert size.index_leaving(128 * KIB) == 8

    size.trimmed(8, 128 * KIB)

    assert size.bytes == 128 * KIB
    assert size.index_leaving(0) == 10


def test_entries_that_were_overwritten_are_no_marks() -> None:
    size = sized(10)

    size.cut(5)

    assert size.index_leaving(10_000 * KIB) == 1
    assert size.index_leaving(0) == 0


def test_marks_may_be_set_closer_for_small_logs_also_after_it_began_anew() -> None:
    size = LogSize(0, mark_bytes=100)
    size.added(1, 200)

    size.emptied()

    assert size.bytes == 0
    assert size.index_leaving(0) == 0
    for index in (11, 12, 13):
        size.added(index, 100)
    assert size.bytes == 300
    assert size.index_leaving(100) == 12


def test_everything_is_kept_for_who_lags_until_it_is_too_much() -> None:
    assert compact_to(10, 3, None, sized(10), 1024 * KIB) == 3
    assert compact_to(10, 3, None, sized(10), 128 * KIB) == 8
    assert compact_to(10, 9, None, sized(10), 128 * KIB) == 9


def test_never_more_is_forgotten_than_is_applied() -> None:
    assert compact_to(5, 10, None, sized(10), 1024 * KIB) == 5
    assert compact_to(5, 10, None, sized(10), 0) == 5


def test_what_follows_a_snapshot_on_its_way_is_kept_longer() -> None:
    assert compact_to(10, 0, 4, sized(10), 200 * KIB) == 4
    assert compact_to(10, 0, 4, sized(10), 100 * KIB) > 4, "but not for ever"


def written(network: Network, count: int) -> None:
    for number in range(count):
        network.leader(1).propose(1, putting(number, b'{"a":"%b"}' % (b"x" * 4000)))
        network.step()
    network.run(4)


def compacted(network: Network) -> None:
    for node in sorted(network.alive):
        member = network[node]
        due = member.driver.compaction_due(idle=True)
        member.state.sync()
        member.driver.compact(due)


def test_followers_forget_what_the_leader_forgot() -> None:
    network = Network((1, 2, 3), {1: (1, 2, 3)})
    written(network, 20)

    compacted(network)
    network.run(3)
    compacted(network)

    starts = [member.driver.groups[1].start.index for member in network.members.values()]
    assert starts == [starts[0]] * 3
    assert starts[0] >= 20
    network.kill(1)
    network.restart(1)
    written(network, 3)
    assert network[1].content(1) == network[2].content(1)


def test_while_a_member_is_away_everybody_keeps_what_it_lacks_but_no_more_than_the_limit() -> None:
    network = Network((1, 2, 3), {1: (1, 2, 3)}, DriverLimits(retain_bytes=256 * KIB))
    written(network, 5)
    away = next(node for node in (1, 2, 3) if node != network.leader(1).node_id)
    network.kill(away)
    written(network, 20)
    compacted(network)
    network.run(2)
    compacted(network)
    assert all(network[node].driver.groups[1].start.index < 15 for node in network.alive)

    written(network, 200)
    for _ in range(2):
        compacted(network)
        network.run(2)

    for node in network.alive:
        assert network[node].driver.groups[1].size.bytes < 400 * KIB
