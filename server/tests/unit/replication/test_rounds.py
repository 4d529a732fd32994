"""Rounds of leadership: what counts, for whom, and what a round costs."""

from __future__ import annotations

import pytest

from server.tests.unit.replication.network import TIMING, Member, Network, putting
from themis_server.replication.driver import DriverLimits, Work
from themis_server.replication.envelope import Asked, Envelope, Polled, Voted, decode, encode
from themis_server.replication.group import NotLeader
from themis_server.replication.membership import Members, halves_of

GROUPS: dict[int, tuple[int, ...]] = {group: (1, 2, 3) for group in range(1, 9)}


@pytest.fixture
def network() -> Network:
    network = Network((1, 2, 3), GROUPS)
    for group in GROUPS:
        network.leader(group)
    network.run(5)
    return network


def led_by(network: Network, member: Member) -> list[int]:
    return [group for group in GROUPS if network.leader(group) is member]


def polls_of(member: Member) -> list[tuple[int, Polled]]:
    return [(to, poll) for to, envelope in member.outbox.envelopes for poll in decode(envelope).polls]


def tell(member: Member, sender: int, envelope: Envelope) -> None:
    work = Work()
    work.add_envelope(sender, encode(envelope))
    member.turn(work)


def alone(network: Network, leader: Member, group: int = 1) -> tuple[object, Polled]:
    """Have a leader begin a round that nobody hears of; return the barrier and the round."""
    network.isolate(leader.node_id)
    leader.outbox.envelopes.clear()
    read = leader.barrier(group)
    return read, polls_of(leader)[0][1]


def test_all_groups_that_wait_are_confirmed_by_one_question_to_as_many_as_a_quorum_needs(network: Network) -> None:
    leader = network.leader(1)
    led = led_by(network, leader)
    assert len(led) > 1
    leader.outbox.envelopes.clear()

    leader.turn(Work(barriers=[(group, f"read {group}") for group in led]))

    polls = polls_of(leader)
    assert [to for to, _ in polls] == [leader.node_id % 3 + 1], "each asks the one after it"
    assert all([group for group, _ in poll.groups] == led for _, poll in polls)
    network.step(turns=3)
    assert [leader.answers[f"read {group}"] for group in led] == [None] * len(led)


def test_a_follower_asks_for_all_groups_of_a_leader_at_once(network: Network) -> None:
    leader = network.leader(1)
    led = led_by(network, leader)
    reader = next(member for member in network.members.values() if member is not leader)
    reader.outbox.envelopes.clear()

    reader.turn(Work(barriers=[(group, group) for group in led]))

    asks = [ask for to, envelope in reader.outbox.envelopes for ask in decode(envelope).asks]
    assert [ask.groups for ask in asks] == [led]


def test_reads_let_sleeping_groups_sleep(network: Network) -> None:
    network.until(
        lambda: all(member.driver.views[group].quiesced for member in network.members.values() for group in GROUPS)
    )

    reads = [(member, member.barrier(1)) for member in network.members.values()]
    network.step(turns=6)

    assert all(member.answers[read] is None for member, read in reads)
    assert all(member.driver.views[1].quiesced for member in network.members.values())


def test_a_leader_that_was_replaced_in_its_sleep_proves_nothing_and_finds_out(network: Network) -> None:
    old = network.leader(1)
    network.until(lambda: all(member.driver.views[1].quiesced for member in network.members.values()))
    network.isolate(old.node_id)
    network.alive.discard(old.node_id)  # it does not notice the time
    network.until(lambda: any(m.driver.groups[1].is_leader for m in network.members.values() if m is not old))
    successor = network.leader(1)
    successor.propose(1, putting(1, b'{"n":1}'))
    network.run(3)
    network.heal()
    network.alive.add(old.node_id)
    assert old.driver.groups[1].is_leader
    network.step()

    read = old.barrier(1)
    network.run(30)

    assert isinstance(old.answers[read], NotLeader) or old.document(1, 1) == b'{"n":1}'
    assert not old.driver.groups[1].is_leader


@pytest.mark.parametrize(
    "answer",
    [
        lambda poll: Voted(poll.incarnation, poll.number - 1, []),
        lambda poll: Voted(poll.incarnation, poll.number + 1, []),
        lambda poll: Voted(poll.incarnation + 1, poll.number, []),
        lambda poll: Voted(poll.incarnation, poll.number, [1]),
    ],
    ids=["an earlier round", "a later round", "another run", "against it"],
)
def test_an_answer_to_anything_else_confirms_nothing(network: Network, answer: object) -> None:
    leader = network.leader(1)
    read, poll = alone(network, leader)

    for peer in {1, 2, 3} - {leader.node_id}:
        tell(leader, peer, Envelope(votes=[answer(poll)]))  # type: ignore[operator]

    assert read not in leader.answers


def test_the_answer_of_one_peer_counts_once_and_a_strangers_not_at_all() -> None:
    network = Network((1, 2, 3, 4, 5), {1: (1, 2, 3, 4, 5)})
    leader = network.leader(1)
    network.run(5)
    read, poll = alone(network, leader)
    one, other = (to for to, _ in polls_of(leader))
    agreed = Envelope(votes=[Voted(poll.incarnation, poll.number, [])])

    for sender in (one, one, 9, leader.node_id):
        tell(leader, sender, agreed)
    assert read not in leader.answers

    tell(leader, other, agreed)
    assert leader.answers[read] is None


@pytest.mark.parametrize(
    ("term", "sender_leads", "agrees"), [(0, True, True), (-1, True, False), (1, True, False), (0, False, False)]
)
def test_a_voter_agrees_to_the_leader_that_it_follows_in_its_own_term(
    network: Network, term: int, sender_leads: bool, agrees: bool
) -> None:
    leader = network.leader(1)
    voter, stranger = (member for member in network.members.values() if member is not leader)
    voter.outbox.envelopes.clear()
    sender = leader if sender_leads else stranger

    tell(voter, sender.node_id, Envelope(polls=[Polled(7, 1, False, [(1, leader.driver.views[1].term + term)])]))

    (vote,) = [vote for _, envelope in voter.outbox.envelopes for vote in decode(envelope).votes]
    assert vote == Voted(7, 1, [] if agrees else [1])


def test_a_node_without_a_replica_or_with_one_that_waits_does_not_agree() -> None:
    network = Network((1, 2, 3), {1: (1,)})
    network[2].driver.add_group(network[2].replica(1))
    for node in (2, 3):
        network[node].outbox.envelopes.clear()
        tell(network[node], 1, Envelope(polls=[Polled(7, 1, False, [(1, network[1].driver.views[1].term), (1, 0)])]))
        (vote,) = [vote for _, envelope in network[node].outbox.envelopes for vote in decode(envelope).votes]
        assert vote.against == [1, 1]


def test_in_a_joint_phase_a_quorum_of_either_half_has_to_agree() -> None:
    network = Network((1, 2, 3, 4, 5), {1: (1, 2, 3)})
    leader = network.leader(1)
    for node in (4, 5):
        network[node].driver.add_group(network[node].replica(1))
    old = sorted({1, 2, 3} - {leader.node_id})
    wanted = Members(frozenset({leader.node_id, 4, 5}))
    for member in network.members.values():
        member.driver.set_members(1, wanted, 1)
    group = leader.driver.groups[1]
    network.until(lambda: len(group.halves) == 2)
    assert set(group.halves) == {frozenset({1, 2, 3}), frozenset({leader.node_id, 4, 5})}
    read, poll = alone(network, leader)
    agreed = Envelope(votes=[Voted(poll.incarnation, poll.number, [])])

    for voter in old:
        tell(leader, voter, agreed)
    assert read not in leader.answers, "one half has all agreed, the other has not"

    tell(leader, 4, agreed)
    assert leader.answers[read] is None


def test_a_round_that_the_membership_changed_under_proves_nothing(network: Network) -> None:
    leader = network.leader(1)
    read, poll = alone(network, leader)
    group = leader.driver.groups[1]

    group.members_changed()
    for peer in {1, 2, 3} - {leader.node_id}:
        tell(leader, peer, Envelope(votes=[Voted(poll.incarnation, poll.number, [])]))
    assert read not in leader.answers

    network.heal()
    network.until(lambda: read in leader.answers, 10)
    assert leader.answers[read] is None, "it was asked anew"


def test_an_index_that_was_asked_for_before_a_barrier_does_not_prove_it(network: Network) -> None:
    leader = network.leader(1)
    reader = next(member for member in network.members.values() if member is not leader)
    early = reader.barrier(1)
    held, reader.outbox.envelopes = reader.outbox.envelopes, []
    network.isolate(reader.node_id)
    network.run(2 * TIMING.election_ticks + 1)
    assert isinstance(reader.answers[early], NotLeader)
    network.heal()
    network.until(lambda: reader.driver.views[1].leader == leader.node_id)
    late = reader.barrier(1)
    reader.outbox.envelopes.clear()

    for to, envelope in held:
        if to == leader.node_id:
            for ask in decode(envelope).asks:
                tell(leader, reader.node_id, Envelope(asks=[ask]))
    network.step(turns=4)

    assert late not in reader.answers


def test_who_leads_a_group_no_more_says_so(network: Network) -> None:
    leader = network.leader(1)
    follower, asker = (member for member in network.members.values() if member is not leader)
    follower.outbox.envelopes.clear()

    tell(follower, asker.node_id, Envelope(asks=[Asked(7, 3, [1, 99])]))

    (answer,) = [answer for _, envelope in follower.outbox.envelopes for answer in decode(envelope).proofs]
    assert (answer.token, answer.indexes, answer.refused) == (3, [], [1, 99])


def test_a_group_without_a_quorum_does_not_slow_down_the_others() -> None:
    groups: dict[int, tuple[int, ...]] = {1: (1, 2), 2: (1, 3)}
    network = Network((1, 2, 3), groups)
    for group in groups:
        network.leader(group)
        network.until(lambda group=group: network[1].driver.groups[group].raft.leader != 0)  # type: ignore[misc]
    for group in groups:
        if not network[1].driver.views[group].is_leader:
            network.leader(group).driver.transfer_leader(group, 1)
    network.until(lambda: all(network[1].driver.views[group].is_leader for group in groups))
    network.run(5)
    network.isolate(2)
    network.run(4)

    stuck = network[1].barrier(1)
    well = network[1].barrier(2)
    network.step(turns=3)

    assert stuck not in network[1].answers
    assert network[1].answers[well] is None


def test_what_is_refreshed_is_as_fresh_as_its_last_round_and_goes_on_sleeping(network: Network) -> None:
    network.until(lambda: all(member.driver.views[1].quiesced for member in network.members.values()))
    began_s = network.clock.monotonic_s()

    for member in network.members.values():
        member.turn(Work(refresh=True))
    network.step(turns=6)

    for member in network.members.values():
        assert all(member.driver.views[group].fresh_at_s >= began_s for group in GROUPS)
        assert all(member.driver.views[group].quiesced for group in GROUPS)


@pytest.mark.parametrize("leases", [True, False])
def test_only_with_leases_a_voter_that_agrees_waits_anew_for_its_leader(leases: bool) -> None:
    network = Network((1, 2, 3), {1: (1, 2, 3)}, DriverLimits(lease_reads=leases))
    leader = network.leader(1)
    network.run(5)
    voter = network[leader.node_id % 3 + 1]
    raft = voter.driver.groups[1].raft
    raft.tick()
    waited = raft.status().election_elapsed_ticks
    assert waited > 0
    read = leader.barrier(1)
    polls = [poll for to, poll in polls_of(leader) if to == voter.node_id]
    assert read not in leader.answers

    tell(voter, leader.node_id, Envelope(polls=polls))

    assert raft.status().election_elapsed_ticks == (0 if leases else waited)


def test_halves_of_a_membership() -> None:
    group = Network((1, 2, 3), {1: (1, 2, 3)})[1].driver.groups[1]

    assert halves_of(group.raft.conf_state()) == (frozenset({1, 2, 3}),)


def asked_by(member: Member) -> list[int]:
    """Have a member begin a round for group 1 and return whom it asks."""
    member.outbox.envelopes.clear()
    member.barrier(1)
    return [to for to, _ in polls_of(member)]


def others_of(leader: Member) -> tuple[int, int]:
    """Return whom a leader of three relies on, and who is spared."""
    return leader.node_id % 3 + 1, (leader.node_id + 1) % 3 + 1


def test_when_one_does_not_agree_the_others_are_asked_at_once_in_the_same_round(network: Network) -> None:
    leader = network.leader(1)
    relied_on, spared = others_of(leader)
    read, poll = alone(network, leader)
    leader.outbox.envelopes.clear()

    tell(leader, relied_on, Envelope(votes=[Voted(poll.incarnation, poll.number, [1])]))

    assert polls_of(leader) == [(spared, poll)]
    assert read not in leader.answers
    tell(leader, spared, Envelope(votes=[Voted(poll.incarnation, poll.number, [])]))
    assert leader.answers[read] is None


def test_who_was_not_asked_has_no_say(network: Network) -> None:
    leader = network.leader(1)
    _, spared = others_of(leader)
    read, poll = alone(network, leader)

    tell(leader, spared, Envelope(votes=[Voted(poll.incarnation, poll.number, [])]))

    assert read not in leader.answers


def test_a_quorum_is_one_of_the_voters_and_not_of_those_who_were_asked() -> None:
    network = Network((1, 2, 3, 4, 5), {1: (1, 2, 3, 4, 5)})
    leader = network.leader(1)
    network.run(5)
    read, poll = alone(network, leader)
    one, other = (to for to, _ in polls_of(leader))
    leader.outbox.envelopes.clear()

    tell(leader, one, Envelope(votes=[Voted(poll.incarnation, poll.number, [])]))
    tell(leader, other, Envelope(votes=[Voted(poll.incarnation, poll.number, [1])]))

    assert read not in leader.answers, "all who were asked have answered, and most of them agreed"
    assert {to for to, _ in polls_of(leader)} == {1, 2, 3, 4, 5} - {leader.node_id, one, other}


def test_who_is_silent_makes_reads_wait_for_a_heartbeat_once_until_it_is_in_time_again(network: Network) -> None:
    leader = network.leader(1)
    relied_on, spared = others_of(leader)
    network.cut |= {(leader.node_id, relied_on)}  # it is heard, but hears nothing
    read = leader.barrier(1)
    network.step(turns=3)
    assert read not in leader.answers

    network.step(TIMING.heartbeat_ticks)
    network.step(turns=3)
    assert leader.answers[read] is None
    assert asked_by(leader) == [spared]

    network.heal()
    network.run(10 * TIMING.heartbeat_ticks)
    assert asked_by(leader) == sorted((relied_on, spared)), "asked on trial, and not relied on"
    network.step(turns=3)
    assert asked_by(leader) == [relied_on]


def test_a_trial_that_is_answered_late_is_not_passed(network: Network) -> None:
    leader = network.leader(1)
    relied_on, spared = others_of(leader)
    leader.turn(Work(disconnected=[relied_on]))
    network.run(10 * TIMING.heartbeat_ticks)
    assert asked_by(leader) == sorted((relied_on, spared))
    agreed = Envelope(votes=[Voted(polls_of(leader)[0][1].incarnation, polls_of(leader)[0][1].number, [])])
    leader.outbox.envelopes.clear()
    tell(leader, spared, agreed)
    network.run(TIMING.heartbeat_ticks)

    tell(leader, relied_on, agreed)

    assert asked_by(leader) == [spared]


def test_when_the_stream_to_one_breaks_the_others_are_asked_at_once(network: Network) -> None:
    leader = network.leader(1)
    relied_on, spared = others_of(leader)
    read, _ = alone(network, leader)
    leader.outbox.envelopes.clear()

    leader.turn(Work(disconnected=[relied_on]))

    assert [to for to, _ in polls_of(leader)] == [spared]
    network.heal()
    network.step(turns=3)
    assert leader.answers[read] is None
    assert asked_by(leader) == [spared]


def test_where_writes_are_under_way_all_are_asked(network: Network) -> None:
    leader = network.leader(1)
    leader.propose(1, putting(1))

    assert asked_by(leader) == sorted(others_of(leader))


def test_a_silent_voter_is_not_relied_on(network: Network) -> None:
    leader = network.leader(1)
    relied_on, spared = others_of(leader)
    network.isolate(relied_on)
    network.run(TIMING.heartbeat_ticks + 1)

    assert asked_by(leader) == [spared]
