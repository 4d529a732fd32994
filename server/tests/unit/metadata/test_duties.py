"""What a node has to do for a topology."""

from __future__ import annotations

from msgspec.structs import replace

from server.tests.unit.metadata.world import node
from themis_server.metadata import topology as topologies
from themis_server.metadata import transitions
from themis_server.metadata.duties import Membership, is_settled, memberships, memberships_of, retired, witnessed_epoch
from themis_server.metadata.topology import NodeReport, ReplicaPlace
from themis_server.statemachine.meta import GROUP

ONE = topologies.initial(node(1), 2, 1)
TWO = transitions.enter(transitions.admit(ONE, node(2)), node(2))
MOVED = transitions.replace_replica(TWO, "shard_001", "n001", "n002")


def report(name: str, led: tuple[int, ...], *, epoch: int, unsettled: tuple[int, ...] = ()) -> NodeReport:
    return NodeReport(name, name, led=led, unsettled=unsettled, epoch=epoch)


def test_every_group_has_its_desired_members_and_the_epoch_that_chose_them() -> None:
    nobody: frozenset[int] = frozenset()
    assert memberships(MOVED) == {
        1: Membership(frozenset({2}), nobody, MOVED.epoch),
        2: Membership(frozenset({1}), nobody, 0),
        GROUP: Membership(frozenset({1}), frozenset({2}), 2),
    }


def test_a_node_has_the_groups_that_name_it() -> None:
    assert set(memberships_of(MOVED, "n001")) == {GROUP, 2}
    assert set(memberships_of(MOVED, "n002")) == {GROUP, 1}
    assert memberships_of(MOVED, "n009") == {}


def test_an_external_store_has_no_group() -> None:
    assert GROUP not in memberships(topologies.initial(node(1), 2, 1, embedded=False))


def test_a_change_is_settled_when_the_leader_says_so_of_this_epoch() -> None:
    shard = MOVED.shards[0]

    assert not is_settled(shard, [])
    assert not is_settled(shard, [report("n001", (1,), epoch=MOVED.epoch - 1)])
    assert not is_settled(shard, [report("n001", (1,), epoch=MOVED.epoch, unsettled=(1,))])
    assert is_settled(shard, [report("n002", (1,), epoch=MOVED.epoch)])


def test_a_report_is_as_new_as_the_last_change_of_what_its_node_leads() -> None:
    assert witnessed_epoch(MOVED, [1, 2]) == MOVED.epoch
    assert witnessed_epoch(MOVED, [GROUP, 2]) == 2
    assert witnessed_epoch(MOVED, [2]) == witnessed_epoch(MOVED, []) == 0


def test_a_replica_that_is_not_wanted_any_more_stays_until_the_change_is_made() -> None:
    before = {"n001": report("n001", (1, 2, GROUP), epoch=MOVED.epoch, unsettled=(1,))}
    after = {"n002": report("n002", (1,), epoch=MOVED.epoch)}

    assert retired(MOVED, before, "n001", [GROUP, 1, 2]) == frozenset()
    assert retired(MOVED, after, "n001", [GROUP, 1, 2]) == {1}
    assert retired(MOVED, after, "n002", [GROUP, 1]) == frozenset()


def test_a_node_that_still_believes_to_lead_is_no_witness_against_itself() -> None:
    own = {"n001": report("n001", (1,), epoch=MOVED.epoch)}

    assert retired(MOVED, own, "n001", [1]) == frozenset()


def test_a_removed_node_is_done_with_everything_that_others_lead() -> None:
    topology = replace(TWO, shards=(replace(TWO.shards[0], replicas=(ReplicaPlace("n002", "voter"),)), TWO.shards[1]))
    gone = replace(topology, nodes=topology.nodes[1:], shards=topology.shards[:1], metadata=())
    reports = {"n002": report("n002", (1,), epoch=gone.epoch)}

    assert retired(gone, reports, "n001", [1]) == {1}
