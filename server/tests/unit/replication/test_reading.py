"""Read barriers on leaders and followers, rounds that are shared, what is lost, and leases."""

from __future__ import annotations

from math import inf

import pytest

from server.tests.unit.replication.network import TIMING, Member, Network, putting
from server.tests.unit.replication.turning import succeeded
from themis_server.replication.driver import DriverLimits, Work
from themis_server.replication.envelope import decode, kind_of
from themis_server.replication.group import NotLeader
from themis_server.replication.membership import Members

TIMEOUT_NOW = 14
LEASES = DriverLimits(lease_reads=True)


@pytest.fixture
def network() -> Network:
    network = Network((1, 2, 3), {1: (1, 2, 3)})
    network.leader(1)
    network.run(5)
    return network


def followers(network: Network) -> list[Member]:
    leader = network.leader(1)
    return [member for member in network.members.values() if member is not leader]


def carries(kind: int, envelope: bytes) -> bool:
    return any(kind_of(message) == kind for _, messages in decode(envelope).messages for message in messages)


def test_a_follower_reads_what_was_acknowledged_before(network: Network) -> None:
    leader, (follower, _) = network.leader(1), followers(network)
    (written,) = leader.propose(1, putting(1, b'{"n":1}'))
    network.until(lambda: written in leader.answers)
    assert follower.document(1, 1) is None, "it is a hard case only if the follower does not have it yet"

    read = follower.barrier(1)
    network.until(lambda: read in follower.answers)

    assert follower.answers[read] is None
    assert follower.document(1, 1) == b'{"n":1}'


@pytest.mark.parametrize("leads", [True, False])
def test_barriers_that_wait_share_a_round_and_those_that_come_meanwhile_the_next(network: Network, leads: bool) -> None:
    reader = network.leader(1) if leads else followers(network)[0]
    first = [reader.barrier(1)]
    begun = reader.driver._rounds.begun
    later = [reader.barrier(1) for _ in range(50)]

    network.step(turns=12)

    assert all(reader.answers[read] is None for read in first + later)
    assert reader.driver._rounds.begun == begun + 1


@pytest.mark.parametrize("lost", ["asks", "polls", "votes", "proofs"])
def test_what_got_lost_of_a_round_is_repeated(network: Network, lost: str) -> None:
    (reader, _) = followers(network)
    losses: list[int] = []

    def lose(sender: int, to: int, envelope: bytes) -> bool:
        if not getattr(decode(envelope), lost) or len(losses) == 2:
            return False
        losses.append(sender)
        return True

    network.lose = lose

    read = reader.barrier(1)
    network.until(lambda: read in reader.answers, 40)

    assert reader.answers[read] is None
    assert len(losses) == 2


def test_without_a_leader_a_barrier_ends_at_once(network: Network) -> None:
    reader = network[3]
    network.isolate(3)
    network.until(lambda: not reader.driver.views[1].leader)

    read = reader.barrier(1)

    assert isinstance(reader.answers[read], NotLeader)


def test_a_barrier_on_a_node_that_is_cut_off_ends(network: Network) -> None:
    (reader, _) = followers(network)
    network.isolate(reader.node_id)

    read = reader.barrier(1)
    network.run(25)

    assert isinstance(reader.answers[read], NotLeader)


def test_a_barrier_survives_a_change_of_leader_or_says_that_there_was_one(network: Network) -> None:
    leader, (reader, other) = network.leader(1), followers(network)
    network.cut = {(reader.node_id, leader.node_id)}
    read = reader.barrier(1)
    network.run(1)

    leader.driver.transfer_leader(1, other.node_id)
    network.cut = set()
    network.run(25)

    result = reader.answers[read]
    assert result is None or isinstance(result, NotLeader)


def test_a_barrier_on_a_new_leader_waits_for_its_first_entry(network: Network) -> None:
    leader, (successor, _) = network.leader(1), followers(network)
    leader.driver.transfer_leader(1, successor.node_id)
    network.until(lambda: successor.driver.groups[1].is_leader)
    assert successor.driver.groups[1].raft.commit < successor.driver.groups[1].raft.last_index

    read = successor.barrier(1)
    network.until(lambda: read in successor.answers)

    assert successor.answers[read] is None


def test_an_answer_to_an_earlier_run_of_a_node_proves_nothing(network: Network) -> None:
    leader, (reader, _) = network.leader(1), followers(network)
    reader.barrier(1)
    (held,) = [envelope for to, envelope in reader.outbox.envelopes if to == leader.node_id]
    network.kill(reader.node_id)
    network.restart(reader.node_id)
    network.run(5)

    read = reader.barrier(1)
    work = Work()
    work.add_envelope(reader.node_id, held)
    leader.turn(work)
    (old,), (new,) = decode(held).asks, decode(reader.outbox.envelopes[-1][1]).asks

    assert (old.token, old.groups) == (new.token, new.groups), "it is a hard case only if but the run tells them apart"
    assert old.incarnation != new.incarnation
    network.until(lambda: read in reader.answers)
    assert reader.answers[read] is None


def test_how_fresh_a_follower_is_is_counted_from_the_beginning_of_the_round(network: Network) -> None:
    (reader, _) = followers(network)
    assert reader.driver.views[1].fresh_at_s == -inf
    began_s = network.clock.monotonic_s()

    read = reader.barrier(1)
    network.until(lambda: read in reader.answers)

    assert network.clock.monotonic_s() > began_s
    assert reader.driver.views[1].fresh_at_s == began_s


def test_a_learner_reads_too_and_its_barrier_ends_when_it_is_cut_off() -> None:
    network = Network((1, 2), {1: (1,)})
    network[2].driver.add_group(network[2].replica(1))
    for node in (1, 2):
        network[node].driver.set_members(1, Members(frozenset({1}), frozenset({2})), 1)
    network.until(lambda: network[1].driver.views[1].settled and network[2].driver.views[1].leader == 1)
    network[1].propose(1, putting(1, b'{"n":1}'))

    read = network[2].barrier(1)
    network.until(lambda: read in network[2].answers)
    assert network[2].answers[read] is None
    assert network[2].document(1, 1) == b'{"n":1}'

    network.isolate(2)
    read = network[2].barrier(1)
    network.run(25)
    assert isinstance(network[2].answers[read], NotLeader)


# Leases


def leased() -> tuple[Network, Member]:
    network = Network((1, 2, 3), {1: (1, 2, 3)}, LEASES)
    leader = network.leader(1)
    network.run(5)
    read = leader.barrier(1)
    network.until(lambda: read in leader.answers)
    return network, leader


def test_the_only_voter_has_a_lease_for_ever() -> None:
    network = Network((1,), {1: (1,)})

    assert network[1].driver.views[1].lease_until_s == inf


def test_without_the_setting_there_is_no_lease(network: Network) -> None:
    leader = network.leader(1)
    read = leader.barrier(1)
    network.until(lambda: read in leader.answers)

    assert leader.driver.views[1].lease_until_s == 0


def test_a_confirmed_leader_has_a_lease_and_keeps_it_while_its_group_is_awake() -> None:
    network, leader = leased()
    view = leader.driver.views[1]

    for _ in range(100):
        if view.quiesced:
            break
        assert view.lease_until_s > network.clock.monotonic_s()
        network.step()
    else:
        raise AssertionError("the group went on for ever")
    for other in followers(network):
        assert other.driver.views[1].lease_until_s == 0


def test_no_successor_is_elected_before_a_lease_has_run_out() -> None:
    for extra in range(12):
        network, old = leased()
        network.run(extra)
        network.isolate(old.node_id)
        others = followers(network)
        network.until(lambda others=others: any(m.driver.groups[1].is_leader for m in others))  # type: ignore[misc]

        assert network.clock.monotonic_s() > old.driver.views[1].lease_until_s


def test_a_voter_that_was_started_again_helps_no_successor_before_the_lease_has_run_out() -> None:
    # One follower is cut off and stands again and again. The other has just confirmed the leader, then forgets it.
    for extra in range(16):
        network, old = leased()
        helper, stands = followers(network)
        network.isolate(stands.node_id)
        network.run(20 + extra)
        read = old.barrier(1)
        network.step(turns=6)
        assert old.answers[read] is None
        lease_until_s = old.driver.views[1].lease_until_s
        assert lease_until_s > network.clock.monotonic_s()

        network.heal()
        network.isolate(old.node_id)
        network.kill(helper.node_id)
        network.restart(helper.node_id)
        while not any(member.driver.groups[1].is_leader for member in (helper, stands)):
            network.step(turns=4)

        assert network.clock.monotonic_s() > lease_until_s


def test_a_lease_is_given_up_before_leadership_is_handed_over_and_not_taken_again_in_that_term() -> None:
    network, leader = leased()
    view = leader.driver.views[1]
    term = view.term
    assert view.lease_until_s > network.clock.monotonic_s()
    network.lose = lambda sender, to, envelope: carries(TIMEOUT_NOW, envelope)  # it may arrive at any time from now on

    leader.driver.transfer_leader(1, followers(network)[0].node_id)
    assert view.lease_until_s == 0
    network.run(12)
    read = leader.barrier(1)
    network.until(lambda: read in leader.answers)

    assert leader.answers[read] is None
    assert (view.is_leader, view.term) == (True, term)
    assert view.lease_until_s == 0


def test_a_leader_that_a_change_takes_out_has_no_lease_for_the_last_voter_needs_no_votes() -> None:
    """It goes on with a change that an earlier leader began."""
    network, leader = leased()
    view = leader.driver.views[1]
    last, other = followers(network)
    assert view.lease_until_s > network.clock.monotonic_s()

    leader.driver.groups[1].raft.propose_conf_change(
        [("add_learner", leader.node_id), ("remove", other.node_id)], transition="implicit"
    )
    leader.propose(1, putting(1))
    for _ in range(60):
        leader.barrier(1)
        network.step()
        assert not last.driver.views[1].is_leader or view.lease_until_s <= network.clock.monotonic_s()
    assert last.driver.views[1].is_leader
    assert last.driver.views[1].sole_voter


def test_who_loses_leadership_loses_the_lease() -> None:
    network, leader = leased()
    network.isolate(leader.node_id)

    network.until(lambda: not leader.driver.views[1].is_leader)

    assert leader.driver.views[1].lease_until_s == 0


def test_the_lease_is_shorter_than_what_voters_promise() -> None:
    assert TIMING.lease_s < (TIMING.election_ticks - 2) * TIMING.tick_s


def test_a_leader_serves_no_lease_from_a_state_that_lacks_what_was_acknowledged() -> None:
    network, old = leased()
    (written,) = old.propose(1, putting(1, b'{"n":1}'))
    network.until(lambda: written in old.answers)
    assert succeeded(old.answers[written])
    network.kill(old.node_id)

    for _ in range(60):
        network.step()
        for member in network.members.values():
            if member is not old and member.driver.views[1].lease_until_s > network.clock.monotonic_s():
                assert member.document(1, 1) == b'{"n":1}'
                return
    network.leader(1).barrier(1)
    network.run(5)
    assert network.leader(1).document(1, 1) == b'{"n":1}'
