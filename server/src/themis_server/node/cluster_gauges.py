"""The figures of a node among others, brought into the metrics once a second on the event loop.

All of them exist anyway: views of groups and counters of the Raft loop are read, never written, and what needs the Raft
thread comes from the survey that the node makes there for its report.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from themis_server.clock import Clock
from themis_server.metadata import topology as topologies
from themis_server.metadata.topology import ReplicaPlace, Topology
from themis_server.node.survey import Survey
from themis_server.observability.cluster import ClusterInstruments
from themis_server.observability.metrics import Counter, Family, Gauge
from themis_server.peer import Counters
from themis_server.replication.intake import Counters as RaftCounters
from themis_server.replication.snapshot.transfer import TransferCounts
from themis_server.replication.views import GroupView
from themis_server.statemachine import meta

_ROLES = ("leader", "follower", "learner", "candidate", "waiting")
_HEALTH = ("healthy", "degraded", "down")
METADATA = "metadata"


class Peered(Protocol):
    """What a peer port shows: `PeerPort`."""

    counters: Counters
    stream_counters: Counters

    @property
    def certificate_expires_ms(self) -> int | None:
        """When the certificate ends, in milliseconds since 1970; None without TLS."""
        ...

    def streams_to(self, peers: Iterable[int]) -> frozenset[int]:
        """Return to which of these nodes (raft ids) a Raft stream stands."""
        ...


class Transferring(Protocol):
    """What snapshots show: `SnapshotTransfers`."""

    counts: TransferCounts

    @property
    def outgoing_count(self) -> int:
        """How many are being sent."""
        ...


class Forwarding(Protocol):
    """What the gateway shows: `Reach`."""

    forwarded: int
    repeated: int
    hedged: int


@dataclass(frozen=True, kw_only=True)
class ClusterSources:
    """Where the figures are looked up.

    Args:
        me: This node's raft id.
        topology: The topology that it knows.
        views: Its groups.
        survey: What was last found on the Raft thread.
        raft: What its driver was told by others.
        reach: What its gateway sent on.
        port: Its peer port, None without one.
        snapshots: Its snapshots, None without a peer port.
        health: The health of a node by its id, as this node sees it.
        degraded: Whether this node reports itself degraded.
        coordinates: Whether it runs the placer.
        refused: Why the metadata store is not believed; empty if it is.
        clock: The time.
    """

    me: int
    topology: Callable[[], Topology]
    views: Callable[[], Mapping[int, GroupView]]
    survey: Callable[[], Survey]
    raft: Callable[[], RaftCounters]
    reach: Forwarding
    port: Peered | None
    snapshots: Transferring | None
    health: Callable[[str], str]
    degraded: Callable[[], bool]
    coordinates: Callable[[], bool]
    refused: Callable[[], str]
    clock: Clock


class ClusterGauges:
    """Looks everything up."""

    def __init__(self, instruments: ClusterInstruments, unapplied: Family[Gauge], sources: ClusterSources) -> None:
        """Prepare.

        Args:
            instruments: What is set.
            unapplied: `themis_apply_lag_entries`, by shard.
            sources: Where it comes from.
        """
        self._instruments = instruments
        self._unapplied = unapplied
        self._sources = sources
        self._terms: dict[int, int] = {}
        self._leaders: dict[int, int] = {}
        self._risk_of: tuple[Topology | None, frozenset[str]] = (None, frozenset())

    def take(self) -> None:
        """Look everything up; a fraction of a millisecond for some hundred groups."""
        self._take_groups()
        self._take_survey()
        self._take_cluster()
        self._take_requests()
        if self._sources.port is not None:
            self._take_peers(self._sources.port)
        if self._sources.snapshots is not None:
            self._take_snapshots(self._sources.snapshots)

    def _take_groups(self) -> None:
        shown, sources = self._instruments, self._sources
        roles = dict.fromkeys(_ROLES, 0)
        leaderless = quiesced = unsettled = 0
        freshest_s, now_s = math.inf, sources.clock.monotonic_s()
        views = sources.views()
        for group, view in views.items():
            roles[_role(sources.me, view)] += 1
            leaderless += not view.leader
            quiesced += view.quiesced
            unsettled += view.is_leader and not view.settled
            if not view.is_leader and view.fresh_at_s != -math.inf:
                freshest_s = min(freshest_s, view.fresh_at_s)
            self._note_leader(group, view.term, view.leader)
        for gone in self._terms.keys() - views.keys():
            del self._terms[gone]
            self._leaders.pop(gone, None)
        for role, count in roles.items():
            shown.groups.labels(role).set(count)
        shown.groups_without_leader.set(leaderless)
        shown.groups_quiesced.set(quiesced)
        shown.groups_unsettled.set(unsettled)
        if freshest_s == math.inf:
            shown.proven_age_seconds.forget()
        else:
            shown.proven_age_seconds.labels().set(max(now_s - freshest_s, 0.0))

    def _note_leader(self, group: int, term: int, leader: int) -> None:
        known = self._terms.get(group)
        if known is not None and term > known:
            self._instruments.elections.inc(term - known)
        self._terms[group] = term
        if leader:
            if self._leaders.get(group, leader) != leader:
                self._instruments.leader_changes.inc()
            self._leaders[group] = leader

    def _take_survey(self) -> None:
        shown, sources = self._instruments, self._sources
        found, topology = sources.survey(), sources.topology()
        shown.log_retained_bytes.set(found.log_bytes)
        shown.log_retained_entries.set(found.log_entries)
        names = {node.raft_id: node.node_id for node in topology.nodes}
        _show(
            shown.replication_lag_entries,
            {names[peer]: lacks for peer, lacks in found.behind.items() if peer in names},
        )
        _show(
            self._unapplied,
            {
                METADATA if group == meta.GROUP else topologies.shard_id(group): entries
                for group, entries in found.unapplied.items()
            },
        )

    def _take_cluster(self) -> None:
        shown, sources = self._instruments, self._sources
        topology = sources.topology()
        health = {node.node_id: sources.health(node.node_id) for node in topology.nodes}
        for name in _HEALTH:
            shown.nodes.labels(name).set(sum(found == name for found in health.values()))
        shown.shards.set(len(topology.shards))
        shown.node_degraded.set(int(sources.degraded()))
        shown.coordinator.set(int(sources.coordinates()))
        shown.metadata_refused.set(int(bool(sources.refused())))
        down = frozenset(node_id for node_id, found in health.items() if found == "down") | self._unheard(topology)
        if self._risk_of != (topology, down):
            self._risk_of = topology, down
            at_risk, lost = endangered(topology, down)
            shown.groups_at_risk.set(at_risk)
            shown.groups_without_majority.set(lost)

    def _unheard(self, topology: Topology) -> frozenset[str]:
        """Return the nodes without a stream: without its majority, the metadata calls nobody down any more."""
        port = self._sources.port
        if port is None:
            return frozenset()
        others = {node.raft_id: node.node_id for node in topology.nodes if node.raft_id != self._sources.me}
        return frozenset(others[peer] for peer in others.keys() - port.streams_to(others))

    def _take_requests(self) -> None:
        shown, sources = self._instruments, self._sources
        shown.forwarded.value = sources.reach.forwarded
        shown.repeated.value = sources.reach.repeated
        shown.hedged.value = sources.reach.hedged
        told = sources.raft()
        shown.raft_messages.value = told.messages
        shown.raft_messages_refused.labels("unknown_group").value = told.unknown_group
        shown.raft_messages_refused.labels("refused").value = told.refused

    def _take_peers(self, port: Peered) -> None:
        shown = self._instruments
        others = [
            node.raft_id for node in self._sources.topology().nodes if node.peer and node.raft_id != self._sources.me
        ]
        shown.peers.set(len(others))
        shown.peers_connected.set(len(port.streams_to(others)))
        expires_ms = port.certificate_expires_ms
        if expires_ms is not None:
            shown.certificate_expires.labels().set(expires_ms / 1000)
        raft, calls = port.stream_counters, port.counters
        for lane, counted in (("raft", raft), ("calls", calls)):
            shown.peer_connections.labels(lane).set(counted.connections)
            for direction, frames, size in (
                ("in", counted.frames_in, counted.bytes_in),
                ("out", counted.frames_out, counted.bytes_out),
            ):
                shown.peer_frames.labels(lane, direction).value = frames
                shown.peer_bytes.labels(lane, direction).value = size
        both = (raft, calls)
        shown.peer_connect_failures.value = sum(one.connect_failed for one in both)
        rejected = {
            "tls_failed": sum(one.tls_failed for one in both),
            "bad_preamble": sum(one.bad_preambles for one in both),
            "greeting_late": sum(one.greeting_late for one in both),
            "crowded_out": sum(one.crowded_out for one in both),
            "too_fast": sum(one.too_fast for one in both),
            "bad_frame": sum(one.bad_frames for one in both),
            "silent": sum(one.silent for one in both),
        }
        for reason, count in rejected.items():
            shown.peer_rejected.labels(reason).value = count
        _show_refusals(shown.peer_refusals, "self", [one.refused for one in both])
        _show_refusals(shown.peer_refusals, "peer", [one.refused_by_peers for one in both])
        shown.envelopes_dropped.value = raft.envelopes_dropped
        shown.envelope_bytes_dropped.value = raft.envelope_bytes_dropped
        shown.calls.value = calls.calls
        shown.calls_failed.labels("busy").value = calls.calls_busy
        shown.calls_failed.labels("unreachable").value = calls.calls_unreachable
        shown.calls_failed.labels("lost").value = calls.calls_lost
        shown.calls_served.value = calls.calls_served
        shown.handlers_crashed.value = calls.handlers_crashed

    def _take_snapshots(self, snapshots: Transferring) -> None:
        shown, counts = self._instruments, snapshots.counts
        for result in ("sent", "failed", "received", "installed"):
            shown.snapshots.labels(result).value = getattr(counts, result)
        shown.snapshot_bytes.labels("out").value = counts.sent_bytes
        shown.snapshot_bytes.labels("in").value = counts.received_bytes
        shown.snapshots_sending.set(snapshots.outgoing_count)


def endangered(topology: Topology, down: frozenset[str]) -> tuple[int, int]:
    """Return how many groups can lose no further voter because of the nodes that are down, and how many have lost more.

    Args:
        topology: Its shards, and the metadata where that is in the cluster itself.
        down: Nodes.
    """
    at_risk = lost = 0
    places: list[tuple[ReplicaPlace, ...]] = [shard.replicas for shard in topology.shards]
    places.append(topology.metadata)
    for group in places:
        voters = [place.node_id for place in group if place.role == "voter"]
        alive = sum(voter not in down for voter in voters)
        if alive == len(voters):
            continue
        majority = len(voters) // 2 + 1
        lost += alive < majority
        at_risk += alive == majority
    return at_risk, lost


def _role(me: int, view: GroupView) -> str:
    if view.is_leader:
        return "leader"
    if not view.members.voters:
        return "waiting"
    if view.role != "follower":
        return "candidate"
    return "learner" if me in view.members.learners else "follower"


def _show(family: Family[Gauge], values: Mapping[str, float]) -> None:
    """Show these values of one label and no others."""
    for (label,) in [labels for labels, _ in family.children()]:
        if label not in values:
            family.forget(label)
    for label, value in values.items():
        family.labels(label).set(value)


def _show_refusals(family: Family[Counter], who: str, counted: Iterable[Mapping[str, int]]) -> None:
    total: dict[str, int] = {}
    for one in counted:
        for code, count in list(one.items()):
            total[code] = total.get(code, 0) + count
    for code, count in total.items():
        family.labels(who, code).value = count
