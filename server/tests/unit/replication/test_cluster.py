"""Three voters as in production: one driver each, a network between them, and faults. No threads, no waiting."""

from __future__ import annotations

import pytest

from server.tests.unit.replication.turning import GROUP, Cluster, Turned, content, putting, stored, succeeded
from themis_server.replication.driver import DriverLimits, Work
from themis_server.replication.envelope import Envelope, decode
from themis_server.replication.group import NotLeader, OutcomeUnknown
from themis_server.storage import keys


@pytest.fixture
def cluster() -> Cluster:
    return Cluster()


def written(cluster: Cluster, leader: Turned, *numbers: int) -> list[object]:
    """Write entities through a leader and let the cluster settle; return what the writers were told."""
    handles = leader.propose(*[putting(number, b'{"n":%d}' % number) for number in numbers])
    cluster.settle()
    return [leader.answers.get(handle) for handle in handles]


def held(node: Turned, *numbers: int) -> list[bool]:
    return [stored(node.state, number) == b'{"n":%d}' % number for number in numbers]


def test_one_leader_is_elected_and_everybody_knows_it(cluster: Cluster) -> None:
    leader = cluster.elect()

    assert [node.group.is_leader for node in cluster.nodes.values()].count(True) == 1
    assert {node.group.raft.leader for node in cluster.nodes.values()} == {leader.node_id}


def test_the_same_run_twice_is_the_same_run() -> None:
    runs = []
    for _ in range(2):
        cluster = Cluster()
        written(cluster, cluster.elect(), 1, 2)
        runs.append([content(node.log) for node in cluster.nodes.values()])

    assert runs[0] == runs[1]


def test_what_the_leader_acknowledged_every_replica_applies_to_the_same_bytes(cluster: Cluster) -> None:
    leader = cluster.elect()

    for round_of_writes in range(5):
        assert all(map(succeeded, written(cluster, leader, *range(round_of_writes, round_of_writes + 10))))

    contents = [content(node.state) for node in cluster.nodes.values()]
    assert contents[0] == contents[1] == contents[2]
    assert held(leader, *range(14)) == [True] * 14


def test_nothing_is_acknowledged_before_another_node_has_it(cluster: Cluster) -> None:
    leader = cluster.elect()
    cluster.cut = {leader.node_id}

    (handle,) = leader.propose(putting(1))
    for _ in range(3):
        cluster.step()

    assert handle not in leader.answers
    assert stored(leader.state, 1) is None


def test_after_the_leader_is_killed_another_has_all_that_was_acknowledged(cluster: Cluster) -> None:
    leader = cluster.elect()
    assert all(map(succeeded, written(cluster, leader, 1, 2, 3)))

    cluster.kill(leader.node_id)
    successor = cluster.elect()
    assert all(map(succeeded, written(cluster, successor, 4)))

    assert successor is not leader
    assert held(successor, 1, 2, 3, 4) == [True] * 4


def test_a_write_is_safe_from_the_moment_it_is_acknowledged(cluster: Cluster) -> None:
    leader = cluster.elect()
    (handle,) = leader.propose(putting(1, b'{"n":1}'))
    while handle not in leader.answers:
        cluster.step(ticks=0)
    assert succeeded(leader.answers[handle])

    cluster.kill(leader.node_id)  # before a follower can know that it is committed
    successor = cluster.elect()
    cluster.settle()

    assert held(successor, 1) == [True]


def test_the_check_above_notices_logs_that_are_not_synced() -> None:
    cluster = Cluster(DriverLimits(sync=False))
    leader = cluster.elect()
    assert all(map(succeeded, written(cluster, leader, 1)))

    for node_id in cluster.nodes:
        cluster.kill(node_id)
    for node_id in cluster.nodes:
        cluster.restart(node_id)
    successor = cluster.elect()

    assert held(successor, 1) == [False]


def test_a_power_failure_of_all_nodes_loses_nothing(cluster: Cluster) -> None:
    leader = cluster.elect()
    assert all(map(succeeded, written(cluster, leader, 1, 2, 3)))

    for node_id in cluster.nodes:
        cluster.kill(node_id)
    for node_id in cluster.nodes:
        cluster.restart(node_id)
    cluster.elect()

    assert [held(node, 1, 2, 3) for node in cluster.nodes.values()] == [[True] * 3] * 3


def test_a_node_that_was_away_catches_up(cluster: Cluster) -> None:
    leader = cluster.elect()
    away = next(node_id for node_id in cluster.nodes if node_id != leader.node_id)
    cluster.kill(away)
    assert all(map(succeeded, written(cluster, leader, *range(30))))

    cluster.restart(away)
    cluster.run(30)

    assert held(cluster.nodes[away], *range(30)) == [True] * 30
    assert content(cluster.nodes[away].state) == content(leader.state)


def test_a_deposed_leader_never_calls_an_overwritten_proposal_a_success(cluster: Cluster) -> None:
    deposed = cluster.elect()
    cluster.cut = {deposed.node_id}
    (lost,) = deposed.propose(putting(1, b'{"n":1}'))
    successor = cluster.elect()
    assert all(map(succeeded, written(cluster, successor, 2)))
    assert lost not in deposed.answers

    cluster.cut = set()
    cluster.run(30)

    assert isinstance(deposed.answers[lost], NotLeader | OutcomeUnknown)
    assert [held(node, 1, 2) for node in cluster.nodes.values()] == [[False, True]] * 3
    assert content(deposed.state) == content(successor.state)


def test_what_a_new_leader_overwrote_is_gone_from_the_disk_of_the_old_one(cluster: Cluster) -> None:
    deposed = cluster.elect()
    cluster.cut = {deposed.node_id}
    for number in range(10):
        deposed.propose(putting(number))
    cluster.elect()  # it logs one entry, where the other logged ten

    cluster.cut = set()
    cluster.run(30)
    cluster.kill(deposed.node_id)
    cluster.restart(deposed.node_id)

    logs = [dict(node.log.scan(*keys.log_range(GROUP, 0, 1000))) for node in cluster.nodes.values()]
    assert logs[0] == logs[1] == logs[2]


def test_a_write_of_a_deposed_leader_that_reached_a_follower_is_acknowledged_by_nobody_else(cluster: Cluster) -> None:
    # The entry is on two of three nodes, but the leader dies before it learns so: it may be committed by the next.
    leader = cluster.elect()
    (handle,) = leader.propose(putting(1, b'{"n":1}'))
    cluster.step(ticks=0)
    cluster.kill(leader.node_id)
    successor = cluster.elect()
    cluster.settle()

    assert handle not in leader.answers
    assert held(successor, 1) == [True]
    assert handle not in successor.answers


def test_a_leader_elected_again_keeps_old_and_new_proposals_apart(cluster: Cluster) -> None:
    # Ten entries of its first term were overwritten while it was cut off, and entries of its second term stand in their
    # places. Who waits for the second must not be told what became of the first.
    first = cluster.elect()
    cluster.cut = {first.node_id}
    lost = [first.propose(putting(number))[0] for number in range(10)]
    interim = cluster.elect()
    cluster.cut = set()
    while first.group.raft.term < interim.group.raft.term:
        cluster.step()
    interim.group.raft.transfer_leader(first.node_id)
    while not first.group.is_leader:
        cluster.step()

    kept = [first.propose(putting(number, b'{"n":%d}' % number))[0] for number in range(20, 30)]
    cluster.settle()

    assert held(first, *range(20, 30)) == [True] * 10
    assert all(succeeded(first.answers[handle]) for handle in kept)
    assert all(isinstance(first.answers[handle], NotLeader) for handle in lost)


def test_a_read_barrier_completes_after_a_quorum_has_confirmed_the_leader(cluster: Cluster) -> None:
    leader = cluster.elect()

    assert leader.turn(Work(barriers=[(GROUP, "read")])) == []  # not by itself
    cluster.settle()

    assert leader.answers["read"] is None


def test_a_read_barrier_without_a_quorum_never_succeeds(cluster: Cluster) -> None:
    leader = cluster.elect()
    cluster.cut = {leader.node_id}

    leader.turn(Work(barriers=[(GROUP, "read")]))
    cluster.run(5)
    assert "read" not in leader.answers

    cluster.elect()
    cluster.run(40)
    assert isinstance(leader.answers["read"], NotLeader)


def test_a_stale_leader_cannot_read_past_its_successor(cluster: Cluster) -> None:
    stale = cluster.elect()
    cluster.cut = {stale.node_id}
    successor = cluster.elect()
    assert all(map(succeeded, written(cluster, successor, 1)))

    stale.turn(Work(barriers=[(GROUP, "read")]))
    cluster.run(5)

    assert not succeeded(stale.answers.get("read", NotLeader(0)))
    assert stored(stale.state, 1) is None
    assert "read" not in stale.answers or isinstance(stale.answers["read"], NotLeader)


def test_a_barrier_waits_until_what_was_acknowledged_is_applied(cluster: Cluster) -> None:
    leader = cluster.elect()
    leader.propose(putting(1, b'{"n":1}'))

    leader.turn(Work(barriers=[(GROUP, "read")]))
    while "read" not in leader.answers:
        cluster.step(ticks=0)

    assert held(leader, 1) == [True]


def test_followers_take_no_writes_and_name_the_leader(cluster: Cluster) -> None:
    leader = cluster.elect()
    follower = next(node for node in cluster.nodes.values() if node is not leader)

    refused = follower.put(1)

    assert isinstance(refused, NotLeader)
    assert refused.leader == leader.node_id


def test_the_log_is_not_compacted_past_what_a_replica_lacks(cluster: Cluster) -> None:
    leader = cluster.elect()
    away = next(node_id for node_id in cluster.nodes if node_id != leader.node_id)
    cluster.kill(away)
    written(cluster, leader, *range(10))
    leader.state.sync()

    leader.driver.compact(leader.driver.compaction_due(idle=True))
    cluster.restart(away)
    cluster.run(30)

    assert held(cluster.nodes[away], *range(10)) == [True] * 10


def test_the_log_of_a_leader_and_its_messages_are_on_their_way_at_the_same_time(cluster: Cluster) -> None:
    leader = cluster.elect()
    sent_before: list[int] = []
    sync = leader.log.sync

    def noting() -> None:
        sent_before[:] = [to for to, envelope in leader.outbox.envelopes if decode(envelope).messages]
        sync()

    leader.log.sync = noting  # type: ignore[method-assign]
    leader.outbox.envelopes.clear()
    leader.propose(putting(1))

    assert sorted(sent_before) == sorted(set(cluster.nodes) - {leader.node_id})


def test_a_follower_answers_only_when_its_log_is_durable(cluster: Cluster) -> None:
    leader = cluster.elect()
    follower = next(node for node in cluster.nodes.values() if node is not leader)
    sent_before: list[list[bytes]] = []
    sync = follower.log.sync

    def noting() -> None:
        messages = [decode(envelope).messages for _, envelope in follower.outbox.envelopes]
        sent_before.append([message for group in messages for _, some in group for message in some])
        sync()

    follower.log.sync = noting  # type: ignore[method-assign]
    leader.propose(putting(1))
    cluster.step(ticks=0)

    assert sent_before == [[]]
    assert follower.outbox.envelopes


def test_messages_of_unknown_groups_and_broken_ones_harm_nobody(cluster: Cluster) -> None:
    leader = cluster.elect()

    leader.turn(Work(envelopes=[(2, Envelope([(99, [b"?"]), (GROUP, [b"", b"\xff" * 40])]))]))
    assert (leader.driver.counters.unknown_group, leader.driver.counters.refused) == (1, 2)

    assert all(map(succeeded, written(cluster, leader, 1)))
