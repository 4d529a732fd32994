"""What one node has to do for a topology: which groups it replicates, with whom, and which it is done with. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from themis_server.metadata.topology import NodeReport, ReplicaPlace, Shard, Topology
from themis_server.statemachine.meta import GROUP


class Membership(NamedTuple):
    """The desired members of a group, by raft id, and the epoch that last changed them."""

    voters: frozenset[int]
    learners: frozenset[int]
    epoch: int


def memberships(topology: Topology) -> dict[int, Membership]:
    """Return the desired members of every group, 0 (the metadata) included where it is in the cluster."""
    raft_ids = {node.node_id: node.raft_id for node in topology.nodes}

    def members(places: Iterable[ReplicaPlace], epoch: int) -> Membership:
        of = {role: frozenset(raft_ids[p.node_id] for p in places if p.role == role) for role in ("voter", "learner")}
        return Membership(of["voter"], of["learner"], epoch)

    wanted = {shard.group: members(shard.replicas, shard.since) for shard in topology.shards}
    if topology.metadata:
        wanted[GROUP] = members(topology.metadata, topology.metadata_since)
    return wanted


def memberships_of(topology: Topology, node_id: str) -> dict[int, Membership]:
    """Return the groups that a node shall have a replica of, with their desired members."""
    node = topology.node(node_id)
    if node is None:
        return {}
    return {
        group: members
        for group, members in memberships(topology).items()
        if node.raft_id in members.voters or node.raft_id in members.learners
    }


def witnessed_epoch(topology: Topology, led: Iterable[int]) -> int:
    """Return the epoch for a node's report: the latest that changed one of the groups that it leads.

    So a report says that its node knows the desired members of what it leads, and need not be written again for every
    epoch that changes something else.
    """
    since = {shard.group: shard.since for shard in topology.shards}
    since[GROUP] = topology.metadata_since
    return max((since.get(group, 0) for group in led), default=0)


def is_settled(shard: Shard, reports: Iterable[NodeReport]) -> bool:
    """Tell whether the desired replicas of a shard are the real ones, as its leader says it.

    A report that was made by an older topology than the one that changed the shard proves nothing.
    """
    return group_is_settled(shard.group, shard.since, reports)


def group_is_settled(group: int, since: int, reports: Iterable[NodeReport]) -> bool:
    """Tell the same of a group whose members were last changed at epoch `since`."""
    return any(group in report.led and group not in report.unsettled and report.epoch >= since for report in reports)


def retired(
    topology: Topology, reports: Mapping[str, NodeReport], node_id: str, hosted: Iterable[int]
) -> frozenset[int]:
    """Return which of the groups that a node hosts it is done with: their data may be removed from it.

    A replica that the topology does not name any more stays until the leader reports that the change is made: until
    then its vote may be needed, and it may be the leader that makes the change.
    """
    wanted = memberships_of(topology, node_id)
    shards = {shard.group: shard for shard in topology.shards}
    done: set[int] = set()
    for group in hosted:
        if group in wanted:
            continue
        since = topology.metadata_since if group == GROUP else shards[group].since if group in shards else 0
        others = [report for report in reports.values() if report.node_id != node_id]
        if group_is_settled(group, since, others):
            done.add(group)
    return frozenset(done)
