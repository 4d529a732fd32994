"""The changes of a topology that people, and nodes themselves, ask for: pure, each from one topology to the next.

    admit -> joining --enter--> up --drain--> leaving --remove--> (its instance never comes back)
                                 ^---undrain---'

A transition returns the topology itself when there is nothing to change, else one of the next epoch; what cannot be
is refused with a `ThemisServerError`. The placer's own changes go through `place` here, so that the epoch, and what a
shard's replicas were before, are kept in one place.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from msgspec.structs import replace

from themis_server.errors import ErrorCode, ThemisServerError
from themis_server.metadata import releases
from themis_server.metadata.topology import Node, NodeState, ReplicaPlace, Shard, Topology

REPLICAS_MAX = 9


def admit(topology: Topology, node: Node) -> Topology:
    """Take in a new node, as joining and with a replica of the metadata.

    The same node again, because the answer to it was lost, is what it says now.

    Raises:
        ThemisServerError: duplicate_node, if the name or the raft id belongs to another; node_removed, if this very
            data directory was removed before.
    """
    if node.instance and node.instance in topology.removed:
        raise node_removed(node.node_id)
    known = topology.node(node.node_id)
    if known is not None:
        if known.instance != node.instance:
            raise duplicate_node(node.node_id)
        return _with_node(topology, replace(node, state=known.state))
    if topology.by_raft_id(node.raft_id) is not None:
        raise ThemisServerError(
            ErrorCode.DUPLICATE_NODE,
            f"the name {node.node_id!r} has the same raft id as another node of the cluster; choose another name",
        )
    admitted = _with_node(topology, replace(node, state="joining"))
    if not topology.metadata:
        return admitted
    # Without a replica of the metadata the node could not even learn what it shall do.
    members = (*topology.metadata, ReplicaPlace(node.node_id, "learner"))
    return replace(admitted, metadata=members, metadata_since=admitted.epoch)


def enter(topology: Topology, node: Node) -> Topology:
    """Let a node that starts bring its own entry up to date: a joining one is up from now on, a leaving one stays so.

    Raises:
        ThemisServerError: node_removed or node_not_found, if it is no member (any more); duplicate_node, if its name
            belongs to another data directory; version_unsupported, if all nodes have had a newer release since.
    """
    if node.instance and node.instance in topology.removed:
        raise node_removed(node.node_id)
    why = releases.objection(topology.release, node.version)
    if why:
        raise ThemisServerError(ErrorCode.VERSION_UNSUPPORTED, f"{node.node_id} is not taken: {why}")
    known = _node(topology, node.node_id)
    if known.instance and known.instance != node.instance:
        raise duplicate_node(node.node_id)
    return _with_node(topology, replace(node, state="leaving" if known.state == "leaving" else "up"))


def complete(topology: Topology, node: Node, *, cluster: str, embedded: bool) -> Topology:
    """Give the topology of a cluster of the first release, which had one node, what it had not yet: an id and members.

    Args:
        topology: As it is stored.
        node: Its one node.
        cluster: The random id that it gets if it has none.
        embedded: Whether the metadata is in the cluster itself.
    """
    lacks_members = embedded and not topology.metadata
    if not lacks_members and (topology.cluster or not cluster):
        return topology
    epoch = topology.epoch + 1
    if lacks_members:
        members = (ReplicaPlace(node.node_id, "voter"),)
        topology = replace(topology, metadata=members, metadata_since=epoch)
    return replace(topology, epoch=epoch, cluster=topology.cluster or cluster)


def raise_release(topology: Topology) -> Topology:
    """Note the release that all nodes have reached, those that are down included, if it is newer than what is noted."""
    reached = releases.common(node.version for node in topology.nodes)
    if releases.at_least(topology.release, reached):
        return topology
    return replace(topology, epoch=topology.epoch + 1, release=reached)


def drain(topology: Topology, node_id: str) -> Topology:
    """Ask that a node be left: its leaders go elsewhere, then its replicas, where there are nodes to take them.

    Raises:
        ThemisServerError: node_not_found; node_in_use, if it is the only node that could hold voters.
    """
    node = _node(topology, node_id)
    others = [other for other in topology.nodes if other.node_id != node_id and may_hold_voters(other)]
    if not others and node.kind == "data":
        raise ThemisServerError(
            ErrorCode.NODE_IN_USE, f"{node_id} is the only node that can hold data; add another before it is drained"
        )
    return _with_state(topology, node, "leaving")


def undrain(topology: Topology, node_id: str) -> Topology:
    """Take back `drain`; raises node_not_found."""
    node = _node(topology, node_id)
    return _with_state(topology, node, "up" if node.state == "leaving" else node.state)


def remove(topology: Topology, node_id: str, *, force: bool = False) -> Topology:
    """Take a node out for good; its data directory never comes back.

    Args:
        topology: What it is removed from.
        node_id: Which node.
        force: Also while it still holds replicas, or votes on the metadata: their shards go on with those they have
            left, and the placer makes up for the lost ones. For a node that is destroyed.

    Raises:
        ThemisServerError: node_not_found; node_in_use, if it holds replicas and there is no `force`, or if a shard or
            the metadata would have no other voter.
    """
    node = _node(topology, node_id)
    shards = [shard for shard in topology.shards if node_id in shard.node_ids]
    member = any(held.node_id == node_id for held in topology.metadata)
    votes = node_id in _voters(topology.metadata)
    if (shards or votes) and not force:
        what = [f"{len(shards)} replicas"] if shards else []
        what += ["a vote on the metadata"] if votes else []
        raise ThemisServerError(
            ErrorCode.NODE_IN_USE,
            f"{node_id} holds {' and '.join(what)}; drain it first, or use force=true if it is gone for good",
        )
    sole = [shard.shard_id for shard in shards if shard.voters == {node_id}]
    if topology.metadata and _voters(topology.metadata) == {node_id}:
        sole.append("the metadata")
    if sole:
        raise ThemisServerError(
            ErrorCode.NODE_IN_USE,
            f"{node_id} holds the only voter of {', '.join(sole[:5])}; removing it would lose data",
        )
    removed = (*topology.removed, node.instance) if node.instance else topology.removed
    without = replace(
        topology,
        nodes=tuple(other for other in topology.nodes if other.node_id != node_id),
        removed=removed,
    )
    changed = {shard.group: _without(shard.replicas, node_id) for shard in shards}
    return place(without, changed, metadata=_without(topology.metadata, node_id) if member else None)


def replace_replica(topology: Topology, shard_id: str, source: str, target: str) -> Topology:
    """Move a replica of a shard from one node to another.

    Raises:
        ThemisServerError: shard_not_found, node_not_found; placement_refused, if `source` has no replica of the
            shard, `target` has one, or may not have one of that role.
    """
    shard = topology.shard(shard_id)
    if shard is None:
        raise ThemisServerError(ErrorCode.SHARD_NOT_FOUND, f"there is no shard {shard_id!r}")
    known = next((held for held in shard.replicas if held.node_id == source), None)
    to = _node(topology, target)
    if known is None:
        raise ThemisServerError(ErrorCode.PLACEMENT_REFUSED, f"{source} has no replica of {shard_id}")
    if target in shard.node_ids:
        raise ThemisServerError(ErrorCode.PLACEMENT_REFUSED, f"{target} has a replica of {shard_id} already")
    if to.state != "up" or (known.role == "voter" and to.kind != "data"):
        raise ThemisServerError(
            ErrorCode.PLACEMENT_REFUSED,
            f"{target} is {to.state} and of kind {to.kind}; a {known.role} needs a node that is up"
            + (" and of kind data" if known.role == "voter" else ""),
        )
    moved = tuple(ReplicaPlace(target, held.role) if held is known else held for held in shard.replicas)
    return place(topology, {shard.group: moved})


def set_replicas(topology: Topology, replicas: int) -> Topology:
    """Set how many voters each shard shall have; the placer makes it so.

    Raises:
        ThemisServerError: placement_refused, if it is not within 1..9.
    """
    if not 1 <= replicas <= REPLICAS_MAX:
        raise ThemisServerError(
            ErrorCode.PLACEMENT_REFUSED, f"a shard has 1 to {REPLICAS_MAX} replicas, not {replicas}", limit=REPLICAS_MAX
        )
    if replicas == topology.replicas:
        return topology
    return replace(topology, epoch=topology.epoch + 1, replicas=replicas)


def place(
    topology: Topology,
    shards: Mapping[int, Sequence[ReplicaPlace]],
    *,
    metadata: Sequence[ReplicaPlace] | None = None,
    replacing: Mapping[int, str] | None = None,
) -> Topology:
    """Return the next topology, with the replicas of some groups, or the members of group 0, set anew.

    Args:
        topology: The one to change.
        shards: The desired replicas by group; groups that are not named stay as they are.
        metadata: The desired members of group 0, None for as they are.
        replacing: The node whose absence is the reason, for the groups where that is so.
    """
    epoch = topology.epoch + 1

    def changed(shard: Shard) -> Shard:
        replicas = tuple(shards.get(shard.group, shard.replicas))
        if replicas == shard.replicas:
            return shard
        reason = "" if replacing is None else replacing.get(shard.group, "")
        return replace(shard, replicas=replicas, since=epoch, before=shard.replicas, replacing=reason)

    following = replace(topology, epoch=epoch, shards=tuple(changed(shard) for shard in topology.shards))
    if metadata is not None and tuple(metadata) != topology.metadata:
        following = replace(following, metadata=tuple(metadata), metadata_since=epoch)
    return following


def may_hold_voters(node: Node) -> bool:
    """Tell whether new voters may be placed on a node, as far as the topology says."""
    return node.kind == "data" and node.state == "up"


def duplicate_node(node_id: str) -> ThemisServerError:
    """Say that a name belongs to another data directory."""
    return ThemisServerError(
        ErrorCode.DUPLICATE_NODE,
        f"the cluster has a node {node_id!r} already, with another data directory; choose another name, or remove "
        "that node first if it is gone for good",
    )


def node_removed(node_id: str) -> ThemisServerError:
    """Say that this very data directory was removed from the cluster."""
    return ThemisServerError(
        ErrorCode.NODE_REMOVED,
        f"{node_id} was removed from the cluster and its data is out of date; start it with an empty data directory "
        "and a join token to add it anew",
    )


def node_not_found(node_id: str) -> ThemisServerError:
    """Say that no node has this name."""
    return ThemisServerError(ErrorCode.NODE_NOT_FOUND, f"there is no node {node_id!r} in the cluster")


def _node(topology: Topology, node_id: str) -> Node:
    node = topology.node(node_id)
    if node is None:
        raise node_not_found(node_id)
    return node


def _with_state(topology: Topology, node: Node, state: NodeState) -> Topology:
    return _with_node(topology, replace(node, state=state))


def _with_node(topology: Topology, node: Node) -> Topology:
    if node in topology.nodes:
        return topology
    if topology.node(node.node_id) is None:
        nodes = (*topology.nodes, node)
    else:
        nodes = tuple(node if other.node_id == node.node_id else other for other in topology.nodes)
    return replace(topology, epoch=topology.epoch + 1, nodes=nodes)


def _without(places: Iterable[ReplicaPlace], node_id: str) -> tuple[ReplicaPlace, ...]:
    return tuple(held for held in places if held.node_id != node_id)


def _voters(places: Iterable[ReplicaPlace]) -> set[str]:
    return {held.node_id for held in places if held.role == "voter"}
