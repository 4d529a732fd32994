"""What is decided when a majority is lost: which groups are kept, which copy goes on, and what is refused."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import pytest

from server.tests.unit.metadata.world import node
from themis_server.metadata import topology as topologies
from themis_server.metadata.recovery import (
    EPOCHS_SKIPPED,
    TERMS_SKIPPED,
    Configuration,
    Copy,
    GroupPlan,
    Plan,
    RecoveryRefused,
    Survey,
    decode,
    encode,
    make,
)
from themis_server.metadata.topology import ReplicaPlace, Topology

ALL = ("n001", "n002", "n003", "n004", "n005")


def topology(
    shards: Sequence[Sequence[str]], *, names: Sequence[str] = ALL, epoch: int = 40, embedded: bool = True
) -> Topology:
    """Return a topology of nodes n001..., each shard with voters on the nodes that are named."""
    made = topologies.initial(node(1), len(shards), 1, cluster="c1", replicas=3, embedded=embedded)
    nodes = tuple(msgspec.structs.replace(node(int(name[1:])), state="up") for name in names)
    return msgspec.structs.replace(
        made,
        epoch=epoch,
        nodes=nodes,
        shards=tuple(
            msgspec.structs.replace(shard, replicas=tuple(ReplicaPlace(name, "voter") for name in voters))
            for shard, voters in zip(made.shards, shards, strict=True)
        ),
        metadata=tuple(ReplicaPlace(name, "voter") for name in names) if embedded else (),
    )


def config(*voters: str, outgoing: Sequence[str] = (), learners: Sequence[str] = ()) -> Configuration:
    return Configuration(*(tuple(int(name[1:]) for name in names) for names in (voters, outgoing, learners)))


def copy(group: int, *configurations: Configuration, term: int = 7, index: int = 100, commit: int = 90) -> Copy:
    return Copy(
        group=group,
        term=term + 1,
        commit=commit,
        applied=80,
        last_index=index,
        last_term=term,
        last_version=5,
        configurations=configurations,
    )


def survey(known: Topology, name: str, *copies: Copy) -> Survey:
    found = known.node(name)
    assert found is not None
    return Survey(
        cluster="themis",
        node_id=name,
        raft_id=found.raft_id,
        instance=found.instance,
        topology=known,
        groups=copies,
    )


def by_name(plan: Plan) -> dict[str, GroupPlan]:
    return {group.name: group for group in plan.groups}


def test_the_most_advanced_log_goes_on_the_term_of_its_last_entry_first() -> None:
    known = topology([ALL, ALL, ALL])
    everybody = config(*ALL)
    plan = make(
        [
            survey(known, "n001", copy(0, everybody), copy(1, everybody, index=120), copy(2, everybody, index=99),
                   copy(3, everybody, term=6, index=500)),
            survey(known, "n002", copy(0, everybody, index=101), copy(1, everybody), copy(2, everybody),
                   copy(3, everybody, term=7, index=3)),
        ],
        {"n003", "n004", "n005"},
    )  # fmt: skip

    groups = by_name(plan)
    assert {name: group.node for name, group in groups.items()} == {
        "metadata": "n002",
        "shard_001": "n001",
        "shard_002": "n002",
        "shard_003": "n002",
    }
    assert groups["shard_001"].discarded == ("n002",)
    assert groups["shard_001"].gone == ("n003", "n004", "n005")
    assert groups["shard_001"].undecided == 120 - 90
    assert groups["shard_003"].term == 8 + TERMS_SKIPPED  # above all that any survivor has seen
    assert groups["shard_003"].last_index == 3


def test_a_group_with_a_majority_is_kept_and_nothing_of_it_is_discarded() -> None:
    known = topology([("n001", "n002", "n003"), ("n001", "n004", "n005")])
    first, second = config("n001", "n002", "n003"), config("n001", "n004", "n005")
    plan = make(
        [
            survey(known, "n001", copy(0, config(*ALL)), copy(1, first), copy(2, second)),
            survey(known, "n002", copy(0, config(*ALL)), copy(1, first, index=50)),
        ],
        {"n003", "n004", "n005"},
    )

    groups = by_name(plan)
    assert groups["shard_001"].action == "kept"
    assert groups["shard_001"].discarded == ()
    assert groups["shard_002"].action == "rebuilt"
    assert plan.topology is not None
    assert plan.topology.shards[0].replicas == (ReplicaPlace("n001", "voter"), ReplicaPlace("n002", "voter"))
    assert plan.topology.shards[1].replicas == (ReplicaPlace("n001", "voter"),)


@pytest.mark.parametrize(
    "memberships",
    [
        (config("n001", "n004", "n005", outgoing=("n001", "n002", "n003")),),  # joint: both halves must have one
        (config("n001", "n002", "n003"), config("n001", "n004", "n005", outgoing=("n001", "n002", "n003"))),
        (config("n001", "n004", "n005"), config("n001", "n002")),  # not in force before the old members commit it
    ],
)
def test_a_change_of_members_in_the_log_needs_a_majority_as_well(memberships: Sequence[Configuration]) -> None:
    known = topology([("n001", "n002", "n003")])
    plan = make(
        [
            survey(known, "n001", copy(0, config(*ALL)), copy(1, *memberships)),
            survey(known, "n002", copy(0, config(*ALL)), copy(1, memberships[0], index=50)),
        ],
        {"n003", "n004", "n005"},
    )

    assert by_name(plan)["shard_001"].action == "rebuilt"


def test_the_lost_nodes_leave_the_topology_for_good_and_nothing_of_before_is_accepted() -> None:
    known = topology([ALL])
    newer = msgspec.structs.replace(known, epoch=44)
    everybody = config(*ALL)
    plan = make(
        [
            survey(known, "n001", copy(0, everybody, index=101), copy(1, everybody)),
            survey(newer, "n002", copy(0, everybody), copy(1, everybody, index=99)),
        ],
        {"n003", "n004", "n005"},
    )

    made = plan.topology
    assert made is not None
    assert made.epoch == 44 + EPOCHS_SKIPPED == made.metadata_since == made.shards[0].since
    assert [other.node_id for other in made.nodes] == ["n001", "n002"]
    assert set(made.removed) == {node(number).instance for number in (3, 4, 5)}
    assert made.metadata == (ReplicaPlace("n001", "voter"), ReplicaPlace("n002", "learner"))
    assert made.shards[0].replicas == (ReplicaPlace("n001", "voter"), ReplicaPlace("n002", "voter"))
    assert made.shards[0].before == ()
    assert made.tokens == known.tokens


def test_a_learner_goes_on_where_no_voter_is_left_and_one_that_was_taken_out_does_not() -> None:
    known = topology([("n003", "n004", "n005"), ("n003", "n004", "n005")])
    others = config("n003", "n004", "n005")
    surveys = [
        survey(
            known,
            "n001",
            copy(0, config(*ALL)),
            copy(1, config("n003", "n004", "n005", learners=("n001",))),
            copy(2, config("n001", "n003", "n004"), others),
        ),
        survey(known, "n002", copy(0, config(*ALL))),
    ]
    with pytest.raises(RecoveryRefused, match=r"no survivor has a copy of shard_002.*--accept-empty-shards shard_002"):
        make(surveys, {"n003", "n004", "n005"})

    groups = by_name(make(surveys, {"n003", "n004", "n005"}, {"shard_002"}))
    assert (groups["shard_001"].action, groups["shard_001"].node) == ("rebuilt", "n001")
    assert "may be old: it was to be removed" in groups["shard_001"].missing  # the topology does not name it any more
    assert "may be old" not in groups["metadata"].missing
    assert (groups["shard_002"].action, groups["shard_002"].node) == ("empty", "n002")
    assert groups["shard_002"].discarded == ("n001",)
    assert groups["shard_002"].missing == "everything"


def test_equal_logs_are_spread_over_the_survivors() -> None:
    known = topology([ALL, ALL, ALL])
    copies = [copy(group, config(*ALL)) for group in range(4)]
    plan = make([survey(known, "n001", *copies), survey(known, "n002", *copies)], {"n003", "n004", "n005"})

    assert sorted(group.node for group in plan.groups) == ["n001", "n001", "n002", "n002"]


@pytest.mark.parametrize("embedded", [True, False], ids=["embedded", "etcd"])
def test_metadata_that_is_not_lost_decides_itself_who_is_removed(embedded: bool) -> None:
    shards = [("n001", "n004", "n005")]
    before = topology(shards, embedded=embedded)
    after = topology([("n001",)], names=ALL[:3], epoch=44, embedded=embedded)
    metadata = [copy(0, config(*ALL))] if embedded else []

    def surveys(*known: Topology) -> list[Survey]:
        shard = copy(1, config("n001", "n004", "n005"))
        return [
            survey(seen, name, *metadata, *([shard] if name == "n001" else []))
            for seen, name in zip(known, ALL[:3], strict=True)
        ]

    with pytest.raises(RecoveryRefused, match=r"still has n004, n005.*themis-admin remove-node --force"):
        make(surveys(before, before, before), {"n004", "n005"})
    with pytest.raises(RecoveryRefused, match=r"n003 has not seen yet that the lost nodes were removed"):
        make(surveys(after, after, before), {"n004", "n005"})
    plan = make(surveys(after, after, after), set())

    assert plan.topology is None
    assert by_name(plan)["shard_001"].node == "n001"
    if embedded:
        assert by_name(plan)["metadata"].action == "kept"


def test_what_does_not_fit_together_is_refused_by_name() -> None:
    known = topology([ALL])
    copies = (copy(0, config(*ALL)), copy(1, config(*ALL)))
    first, second = survey(known, "n001", *copies), survey(known, "n002", *copies)
    lost = {"n003", "n004", "n005"}
    foreign = msgspec.structs.replace(second, topology=msgspec.structs.replace(known, cluster="c2"))
    other_directory = msgspec.structs.replace(second, instance="f" * 32)
    cases: list[tuple[list[Survey], set[str], str]] = [
        ([], lost, "a survey of each survivor"),
        ([first, first, second], lost, "2 surveys of n001"),
        ([first, second], {"n002", *lost}, "n002 is called lost, and there is a survey of it"),
        ([first, second], {"n003", "n004"}, "n005 is neither surveyed nor called lost"),
        ([first], lost, "n002 is neither surveyed nor called lost"),
        ([first, second], {"n009", *lost}, "the cluster has no node n009"),
        ([first, foreign], lost, "different clusters: c1, c2"),
        ([first, other_directory], lost, "n002, with this data directory, is no node of the cluster"),
        (
            [msgspec.structs.replace(first, groups=())],
            {"n002", *lost},
            "none of the survivors has a copy of the metadata",
        ),
    ]
    for surveys, gone, why in cases:
        with pytest.raises(RecoveryRefused, match=why):
            make(surveys, gone)
    with pytest.raises(RecoveryRefused, match="shard_001 need not begin empty"):
        make([first, second], lost, {"shard_001"})
    whole = topology([ALL[:2]], names=ALL[:2])
    both = (copy(0, config(*ALL[:2])), copy(1, config(*ALL[:2])))
    with pytest.raises(RecoveryRefused, match="there is nothing to recover"):
        make([survey(whole, "n001", *both), survey(whole, "n002", *both)], set())


def test_files_are_what_was_put_into_them_and_a_plan_that_was_changed_is_refused() -> None:
    known = topology([ALL])
    copies = (copy(0, config(*ALL)), copy(1, config(*ALL)))
    first, second = survey(known, "n001", *copies), survey(known, "n002", *copies)
    plan = make([first, second], {"n003", "n004", "n005"})

    assert decode(encode(first), Survey, "n001.json") == first
    assert decode(encode(plan), Plan, "plan.json") == plan
    plan.check()
    assert make([second, first], {"n005", "n004", "n003"}) == plan
    with pytest.raises(RecoveryRefused, match="was changed after it was made"):
        decode(encode(plan).replace(b'"rebuilt"', b'"kept"', 1), Plan, "plan.json").check()
    with pytest.raises(RecoveryRefused, match=r"n001\.json is no plan"):
        decode(encode(first), Plan, "n001.json")
    with pytest.raises(RecoveryRefused, match="a survey of format 9"):
        decode(encode(msgspec.structs.replace(first, format=9)), Survey, "n001.json")
