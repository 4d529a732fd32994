"""A shard as its operator sees it, put together from what the topology wants and what the nodes say. Pure.

Three sources: the topology says which replicas there shall be, the leader which there are and how far each is, and each
node what its own replica does. Any of the latter may be missing; then what only it could have said is missing too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple, TypeAlias

from themis_server.gateway.standing import Health, Leader
from themis_server.metadata.topology import ReplicaPlace, Topology
from themis_server.replication.views import GroupStatus

Role: TypeAlias = Literal["voter", "learner", "none"]
ReplicaRaftState: TypeAlias = Literal["leader", "follower", "candidate", "learner", "absent", "unreachable"]


class ReplicaState(NamedTuple):
    """A replica of a shard; None stands for what is not known."""

    node_id: str
    role: Role
    wanted: Role
    state: ReplicaRaftState
    match: int | None = None
    lag_entries: int | None = None
    applied: int | None = None


class ShardState(NamedTuple):
    """A shard with its replicas in the order of node ids; None stands for what is not known."""

    shard_id: str
    health: Health
    leader: Leader | None
    commit: int | None
    settled: bool | None
    replicas: tuple[ReplicaState, ...]


Told: TypeAlias = Mapping[str, Mapping[int, GroupStatus] | None]
"""What each node that was asked said of its groups, by group; None: it did not answer."""


def assemble(
    topology: Topology, shard_id: str, group: int, wanted: Sequence[ReplicaPlace], leader: Leader | None, told: Told
) -> ShardState:
    """Put together what is known of a shard.

    Args:
        topology: gives the names of the nodes.
        shard_id: the name of the shard.
        group: its Raft group.
        wanted: its replicas, as the topology wants them.
        leader: who leads it as far as this node has heard; a node that says to lead in a later term is believed.
        told: what the nodes said.
    """
    names = {node.raft_id: node.node_id for node in topology.nodes}
    leader, facts = _leading(group, leader, told)
    members = None if facts is None else _members(facts, names)
    places: dict[str, Role] = {place.node_id: place.role for place in wanted}
    known = sorted(places.keys() | (members or places).keys())
    end = None if facts is None else max((facts.commit, *facts.match.values()))
    match = {} if facts is None else {names.get(raft_id, ""): index for raft_id, index in facts.match.items()}
    replicas = tuple(
        _replica(
            node_id,
            (members or places).get(node_id, "none"),
            places.get(node_id, "none"),
            told.get(node_id),
            group,
            match.get(node_id),
            end,
        )
        for node_id in known
    )
    complete = all(
        replica.role == replica.wanted and replica.state not in ("absent", "unreachable") for replica in replicas
    )
    enough = sum(place.role == "voter" for place in wanted) >= topology.replicas or group == 0
    settled = None if facts is None else facts.settled and all(replica.role == replica.wanted for replica in replicas)
    return ShardState(
        shard_id=shard_id,
        health="down" if leader is None else "healthy" if complete and enough else "degraded",
        leader=leader,
        commit=None if facts is None else facts.commit,
        settled=settled,
        replicas=replicas,
    )


def _leading(group: int, heard: Leader | None, told: Told) -> tuple[Leader | None, GroupStatus | None]:
    """Return who leads by the greatest term, and what that node said of the group if it answered as its leader."""
    leader, facts = heard, None
    for node_id, groups in told.items():
        known = None if groups is None else groups.get(group)
        if known is not None and known.role == "leader" and (leader is None or known.term >= leader.term):
            leader, facts = Leader(node_id, known.term), known
    return leader, facts


def _members(facts: GroupStatus, names: Mapping[int, str]) -> dict[str, Role]:
    # A member that is no node of the topology any more has no name; its number still tells that it is there.
    members: dict[str, Role] = {names.get(raft_id, f"raft-{raft_id:x}"): "learner" for raft_id in facts.learners}
    members.update({names.get(raft_id, f"raft-{raft_id:x}"): "voter" for raft_id in facts.voters})
    return members


def _replica(
    node_id: str,
    role: Role,
    wanted: Role,
    groups: Mapping[int, GroupStatus] | None,
    group: int,
    match: int | None,
    end: int | None,
) -> ReplicaState:
    own = None if groups is None else groups.get(group)
    return ReplicaState(
        node_id=node_id,
        role=role,
        wanted=wanted,
        state="unreachable" if groups is None else "absent" if own is None else raft_state(own, role),
        match=match,
        lag_entries=None if match is None or end is None else max(0, end - match),
        applied=None if own is None else own.applied,
    )


def raft_state(facts: GroupStatus, role: str) -> Literal["leader", "follower", "candidate", "learner"]:
    """Return the state of a replica as operators name it: a learner follows, but is called one."""
    if facts.role == "leader":
        return "leader"
    if facts.role in ("candidate", "pre_candidate"):
        return "candidate"
    return "learner" if role == "learner" else "follower"
