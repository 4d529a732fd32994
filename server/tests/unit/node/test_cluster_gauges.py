"""What the metrics say of a node among others, looked up from views, counters and a survey."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
import pytest
from prometheus_client.parser import text_string_to_metric_families

from server.tests.unit.replication.network import Network, putting
from themis_server.clock import ManualClock
from themis_server.metadata import topology as topologies
from themis_server.metadata.topology import Node, ReplicaPlace, Topology
from themis_server.node.cluster_gauges import ClusterGauges, ClusterSources, endangered
from themis_server.node.survey import Survey, survey
from themis_server.observability.cluster_catalogue import CLUSTER_CATALOGUE
from themis_server.observability.instruments import Instruments
from themis_server.peer import Counters
from themis_server.replication.driver import DriverLimits
from themis_server.replication.intake import Counters as RaftCounters
from themis_server.replication.membership import Members
from themis_server.replication.snapshot.transfer import TransferCounts
from themis_server.replication.views import GroupView


class Port:
    def __init__(self) -> None:
        self.counters = Counters()
        self.stream_counters = Counters()
        self.certificate_expires_ms: int | None = 1_800_000_000_500
        self.connected = {2, 3}

    def streams_to(self, peers: Iterable[int]) -> frozenset[int]:
        return frozenset(self.connected & set(peers))


class Snapshots:
    def __init__(self) -> None:
        self.counts = TransferCounts()
        self.outgoing_count = 0


class Reach:
    forwarded = repeated = hedged = 0


class World:
    """Everything that is looked at, and what a scrape then shows."""

    def __init__(self) -> None:
        self.instruments = Instruments("0.1.0")
        self.clock = ManualClock(monotonic_s=1000)
        self.topology = three_nodes()
        self.views = {group: view(group, leader=1) for group in range(3)}
        self.survey = Survey()
        self.raft = RaftCounters()
        self.port = Port()
        self.snapshots = Snapshots()
        self.reach = Reach()
        self.health = {"node-1": "healthy", "node-2": "healthy", "node-3": "healthy"}
        self.refused = ""
        self.gauges = ClusterGauges(
            self.instruments.cluster,
            self.instruments.apply_lag_entries,
            ClusterSources(
                me=1,
                topology=lambda: self.topology,
                views=lambda: self.views,
                survey=lambda: self.survey,
                raft=lambda: self.raft,
                reach=self.reach,
                port=self.port,
                snapshots=self.snapshots,
                health=self.health.__getitem__,
                degraded=lambda: bool(self.refused),
                coordinates=lambda: True,
                refused=lambda: self.refused,
                clock=self.clock,
            ),
        )

    def look(self) -> dict[str, float]:
        """Look everything up, and return what a scrape shows, as `name{label="value"}`."""
        self.gauges.take()
        shown = {}
        for family in text_string_to_metric_families(self.instruments.render().decode()):
            for sample in family.samples:
                labels = ",".join(f"{key}={value}" for key, value in sorted(sample.labels.items()))
                shown[f"{sample.name}{{{labels}}}" if labels else sample.name] = sample.value
        return shown


def three_nodes() -> Topology:
    nodes = tuple(
        Node(f"node-{n}", n, f"http://10.0.0.{n}:8080", "dc1", f"rack{n}", "up", "0.1.0", peer=f"10.0.0.{n}:9080")
        for n in (1, 2, 3)
    )
    places = tuple(ReplicaPlace(node.node_id, "voter") for node in nodes)
    first = topologies.initial(nodes[0], 2, 4, replicas=3)
    shards = tuple(msgspec.structs.replace(shard, replicas=places) for shard in first.shards)
    return msgspec.structs.replace(first, nodes=nodes, shards=shards, metadata=places)


def view(group: int, *, leader: int, role: str = "", term: int = 3) -> GroupView:
    made = GroupView(group)
    made.leader, made.term = leader, term
    made.is_leader = leader == 1
    made.role = role or ("leader" if made.is_leader else "follower")
    made.members = Members(frozenset({1, 2, 3}))
    return made


@pytest.fixture
def world() -> World:
    return World()


def test_every_metric_of_the_cluster_is_shown(world: World) -> None:
    world.views[0] = view(0, leader=2)
    world.views[0].fresh_at_s = 999.0
    world.survey = Survey(behind={2: 0}, unapplied={0: 0})
    world.port.counters.refuse("unknown_node")

    shown = {name.partition("{")[0] for name in world.look()}

    assert {spec.name for spec in CLUSTER_CATALOGUE} <= shown


def test_groups_are_counted_by_the_role_of_their_replica_here(world: World) -> None:
    world.views = {
        0: view(0, leader=1),
        1: view(1, leader=2),
        2: view(2, leader=0, role="pre_candidate"),
        3: view(3, leader=2),
        4: view(4, leader=0),
    }
    world.views[3].members = Members(frozenset({2, 3}), frozenset({1}))
    world.views[4].members = Members(frozenset())
    world.views[1].quiesced = True
    world.views[0].settled = False

    shown = world.look()

    assert {role: shown[f"themis_groups{{role={role}}}"] for role in ("leader", "follower", "learner", "waiting")} == {
        "leader": 1,
        "follower": 1,
        "learner": 1,
        "waiting": 1,
    }
    assert shown["themis_groups{role=candidate}"] == 1
    assert shown["themis_groups_without_leader"] == 2
    assert shown["themis_groups_quiesced"] == shown["themis_groups_unsettled"] == 1


def test_elections_are_terms_and_leader_changes_are_leaders_seen(world: World) -> None:
    before = world.look()
    assert before["themis_elections_total"] == before["themis_leader_changes_total"] == 0

    world.views[1].leader, world.views[1].term = 0, 4
    between = world.look()
    world.views[1].leader, world.views[1].term = 2, 5
    after = world.look()

    assert (between["themis_elections_total"], between["themis_leader_changes_total"]) == (1, 0)
    assert (after["themis_elections_total"], after["themis_leader_changes_total"]) == (2, 1)


def test_a_group_that_comes_back_does_not_count_the_terms_it_missed(world: World) -> None:
    world.look()
    gone = world.views.pop(2)
    world.look()
    gone.term = 30
    world.views[2] = gone

    assert world.look()["themis_elections_total"] == 0


def test_lag_is_shown_for_the_nodes_that_have_replicas_and_no_others(world: World) -> None:
    world.survey = Survey(behind={2: 17, 3: 0, 99: 5}, unapplied={0: 4, 2: 1}, log_bytes=1000, log_entries=10)
    shown = world.look()

    assert shown["themis_replication_lag_entries{peer=node-2}"] == 17
    assert shown["themis_apply_lag_entries{shard=metadata}"] == 4
    assert shown["themis_apply_lag_entries{shard=shard_002}"] == 1
    assert (shown["themis_log_retained_bytes"], shown["themis_log_retained_entries"]) == (1000, 10)

    world.survey = Survey(behind={3: 1}, unapplied={0: 0})
    shown = world.look()

    assert "themis_replication_lag_entries{peer=node-2}" not in shown
    assert "themis_apply_lag_entries{shard=shard_002}" not in shown


def test_the_age_of_a_proof_is_the_oldest_among_those_that_were_proven(world: World) -> None:
    assert "themis_replica_proven_age_seconds" not in world.look()

    world.views = {1: view(1, leader=2), 2: view(2, leader=3), 3: view(3, leader=3), 0: view(0, leader=1)}
    world.views[1].fresh_at_s, world.views[2].fresh_at_s, world.views[0].fresh_at_s = 998.0, 996.5, 1.0

    assert world.look()["themis_replica_proven_age_seconds"] == 3.5


@pytest.mark.parametrize(
    ("down", "at_risk", "lost"),
    [((), 0, 0), (("node-3",), 3, 0), (("node-2", "node-3"), 0, 3)],
)
def test_groups_are_at_risk_when_no_further_voter_may_fail(
    world: World, down: tuple[str, ...], at_risk: int, lost: int
) -> None:
    world.look()
    world.health.update(dict.fromkeys(down, "down"))

    shown = world.look()

    assert shown["themis_groups_at_risk"] == at_risk
    assert shown["themis_groups_without_majority"] == lost
    assert shown["themis_nodes{health=down}"] == len(down)


def test_a_lost_majority_is_seen_although_the_metadata_calls_nobody_down_any_more(world: World) -> None:
    world.port.connected = set()

    shown = world.look()

    assert shown["themis_nodes{health=down}"] == 0
    assert shown["themis_groups_without_majority"] == 3


def test_a_shard_of_one_voter_is_not_at_risk_while_that_is_up() -> None:
    alone = topologies.initial(three_nodes().nodes[0], 2, 4)

    assert endangered(alone, frozenset()) == (0, 0)
    assert endangered(alone, frozenset({"node-1"})) == (0, 3)


def test_five_voters_bear_one_failure_more() -> None:
    five = msgspec.structs.replace(
        three_nodes(), metadata=tuple(ReplicaPlace(f"node-{n}", "voter") for n in range(1, 6)), shards=()
    )

    assert endangered(five, frozenset({"node-5"})) == (0, 0)
    assert endangered(five, frozenset({"node-5", "node-4"})) == (1, 0)
    assert endangered(five, frozenset({"node-5", "node-4", "node-3"})) == (0, 1)


def test_learners_do_not_count_for_a_majority(world: World) -> None:
    voters = tuple(ReplicaPlace(f"node-{n}", "voter") for n in (1, 2))
    mixed = msgspec.structs.replace(world.topology, shards=(), metadata=(*voters, ReplicaPlace("node-3", "learner")))

    assert endangered(mixed, frozenset({"node-3"})) == (0, 0)
    assert endangered(mixed, frozenset({"node-2"})) == (0, 1)


def test_both_loops_of_the_peer_port_are_added_up(world: World) -> None:
    world.port.connected = {2, 99}
    for counters in (world.port.counters, world.port.stream_counters):
        counters.refuse("unknown_node")
        counters.bad_frames += 1
        counters.bytes_in += 100
    world.port.stream_counters.refused_by_peer("removed_node")

    shown = world.look()

    assert (shown["themis_peers"], shown["themis_peers_connected"]) == (2, 1)
    assert shown["themis_peer_refusals_total{by=self,code=unknown_node}"] == 2
    assert shown["themis_peer_refusals_total{by=peer,code=removed_node}"] == 1
    assert shown["themis_peer_connections_rejected_total{reason=bad_frame}"] == 2
    assert shown["themis_peer_bytes_total{direction=in,lane=raft}"] == 100
    assert shown["themis_certificate_expires_timestamp_seconds"] == 1_800_000_000.5


def test_flags_are_numbers(world: World) -> None:
    world.refused = "metadata store is older than this node has seen"

    shown = world.look()

    assert shown["themis_metadata_refused"] == shown["themis_node_degraded"] == shown["themis_coordinator"] == 1
    assert b"True" not in world.instruments.render()


def test_a_survey_finds_who_lacks_what_and_how_much_log_is_kept() -> None:
    network = Network((1, 2, 3), dict.fromkeys(range(1, 5), (1, 2, 3)), DriverLimits(entry_bytes_max=1))
    leader = network.leader(1)
    network.until(lambda: survey(leader.driver).behind.get(1 if leader.node_id != 1 else 2) == 0)
    lost = next(node for node in (1, 2, 3) if node != leader.node_id)
    other = next(node for node in (1, 2, 3) if node not in (lost, leader.node_id))
    network.kill(lost)
    for number in range(1001):
        leader.propose(1, putting(number))
        network.step(0)
    network.step(1, turns=8)

    found = survey(leader.driver)

    assert found.behind[lost] >= 1001
    assert found.behind[other] == 0
    assert found.lagging == (1,)
    assert found.unapplied[1] == 0
    assert found.log_entries >= 1001
    assert found.log_bytes > 1001 * 20
