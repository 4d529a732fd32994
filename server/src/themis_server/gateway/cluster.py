"""What an operator asks of the cluster and does with it: nodes, shards, leaders, replicas.

Questions are put to all nodes at once and put together; what a node that did not answer would have said is missing,
and that node is named. Changes of the topology go through the metadata (`transitions`), and come true by themselves;
the leader of a shard is moved by the node that leads it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final, NamedTuple, Protocol

import msgspec

from themis_server.errors import ErrorCode, ThemisServerError, no_leader
from themis_server.gateway.node_calls import NodeCalls, Unreachable
from themis_server.gateway.routing import METADATA
from themis_server.gateway.shard_state import ShardState, assemble
from themis_server.gateway.standing import Health, Leader, NodeHealth, Standing
from themis_server.gateway.status import (
    STATUS,
    TRANSFER,
    TRANSFER_WAIT_S,
    NodeStatus,
    StatusService,
    TransferReply,
    TransferRequest,
    decode_status,
    decode_transfer_reply,
    encode_status_request,
    encode_transfer_request,
)
from themis_server.metadata import transitions
from themis_server.metadata.topology import Node, NodeReport, ReplicaPlace, Shard, Topology
from themis_server.replication.views import GroupStatus
from themis_server.statemachine.meta import GROUP

_HOPS_MAX: Final = 3
_CALL_GRACE_S: Final = 1.0


class TopologyChanges(Protocol):
    """Changes the topology in the metadata (see `metadata.keeper`)."""

    async def change(self, transition: Callable[[Topology], Topology]) -> Topology:
        """Apply a transition to the newest topology, and return what it is then."""
        ...


class MetadataState(NamedTuple):
    """Where the metadata is kept, and whether it can be changed now."""

    store: str
    why_not: str | None = None
    """Why it cannot be changed now; None if it can."""


class NodeState(NamedTuple):
    """A node, as the topology has it, as its registration says, and as it says itself."""

    node: Node
    health: NodeHealth
    report: NodeReport | None
    status: NodeStatus | None
    """What it said just now; None if it did not answer."""
    unreachable: Unreachable | None
    voters: int
    learners: int
    leaders: int
    lagging: int


class ClusterState(NamedTuple):
    """One look at everything."""

    topology: Topology
    coordinator: str | None
    metadata: MetadataState
    metadata_leader: Leader | None
    nodes: dict[str, NodeHealth]
    shards: dict[str, Health]
    unsettled: tuple[str, ...]
    findings: tuple[str, ...]
    unreachable: tuple[Unreachable, ...]


class ClusterOperations:
    """Answers and does what operators want. Belongs to the main loop."""

    def __init__(
        self,
        me: str,
        standing: Standing,
        status: StatusService,
        calls: NodeCalls,
        changes: TopologyChanges,
        *,
        coordinator: Callable[[], str | None],
        metadata: Callable[[], MetadataState],
    ) -> None:
        """Prepare.

        Args:
            me: the id of this node.
            standing: who leads and how the nodes are.
            status: answers for this node.
            calls: asks the others.
            changes: changes the topology.
            coordinator: returns the node that places replicas, None while there is none.
            metadata: returns where the metadata is kept, and whether it can be changed.
        """
        self._me = me
        self._standing = standing
        self._status = status
        self._calls = calls
        self._changes = changes
        self._coordinator = coordinator
        self._metadata = metadata

    @property
    def epoch(self) -> int:
        """The epoch of the topology as this node knows it."""
        return self._standing.topology.epoch

    # Questions

    async def state(self) -> ClusterState:
        """Return one look at everything."""
        topology, standing = self._standing.topology, self._standing
        statuses = await self._ask(topology.nodes, ())
        nodes = {node.node_id: standing.health(node.node_id) for node in topology.nodes}
        shards = {shard.shard_id: standing.shard_health(shard) for shard in topology.shards}
        unsettled = tuple(shard.shard_id for shard in topology.shards if not standing.settled(shard))
        metadata = self._metadata()
        return ClusterState(
            topology=topology,
            coordinator=self._coordinator(),
            metadata=metadata,
            metadata_leader=standing.leader(GROUP) if topology.metadata else None,
            nodes=nodes,
            shards=shards,
            unsettled=unsettled,
            findings=tuple(_findings(topology, metadata, nodes, shards, unsettled)),
            unreachable=self._unreachable(statuses),
        )

    async def nodes(self) -> list[NodeState]:
        """Return every node, in the order of their ids."""
        topology = self._standing.topology
        statuses = await self._ask(topology.nodes, None)
        return [self._node_state(topology, node, statuses[node.node_id]) for node in _sorted(topology.nodes)]

    async def node(self, node_id: str) -> NodeState:
        """Return a node; raises node_not_found."""
        topology = self._standing.topology
        node = self.known(node_id)
        statuses = await self._ask([node], None)
        return self._node_state(topology, node, statuses[node_id])

    async def shards(self) -> tuple[list[ShardState], tuple[Unreachable, ...]]:
        """Return every shard, in the order of their ids, and the nodes that did not answer."""
        topology = self._standing.topology
        statuses = await self._ask(topology.nodes, None)
        shards = sorted(topology.shards, key=lambda shard: shard.shard_id)
        states = [
            self._shard_state(topology, shard.shard_id, shard.group, shard.replicas, statuses) for shard in shards
        ]
        return states, self._unreachable(statuses)

    async def shard(self, shard_id: str) -> ShardState:
        """Return a shard (`metadata`: the group of the metadata); raises shard_not_found."""
        topology = self._standing.topology
        group, places = _group(topology, shard_id)
        leader = self._standing.leader(group)
        holders = {place.node_id for place in places} | ({leader.node_id} if leader else set())
        if shard := topology.shard(shard_id):
            holders |= {place.node_id for place in shard.before}
        asked = [node for node in topology.nodes if node.node_id in holders]
        return self._shard_state(topology, shard_id, group, places, await self._ask(asked, (group,)))

    def known(self, node_id: str) -> Node:
        """Return a node of the topology; raises node_not_found."""
        node = self._standing.topology.node(node_id)
        if node is None:
            raise transitions.node_not_found(node_id)
        return node

    # Changes

    async def drain(self, node_id: str) -> Topology:
        """Move everything off a node; it begins at once and goes on by itself."""
        return await self._changes.change(lambda topology: transitions.drain(topology, node_id))

    async def undrain(self, node_id: str) -> Topology:
        """Let a node that is leaving stay."""
        return await self._changes.change(lambda topology: transitions.undrain(topology, node_id))

    async def remove(self, node_id: str, *, force: bool) -> Topology:
        """Take a node out of the cluster for good, with `force` also while it holds replicas."""
        topology = await self._changes.change(lambda topology: transitions.remove(topology, node_id, force=force))
        self._calls.forget(node.node_id for node in topology.nodes)
        return topology

    async def set_replicas(self, replicas: int) -> Topology:
        """Set how many voting replicas each shard shall have."""
        return await self._changes.change(lambda topology: transitions.set_replicas(topology, replicas))

    async def replace_replica(self, shard_id: str, source: str, target: str | None) -> Shard:
        """Move a replica to another node, to the best one without `target`; return the shard with its new places.

        Asked again for a move that was made, it does nothing more.
        """

        def replaced(topology: Topology) -> Topology:
            shard = topology.shard(shard_id)
            if shard is not None and target in shard.node_ids and source not in shard.node_ids:
                return topology
            to = self._best_place(topology, shard_id, source) if target is None else target
            moved = transitions.replace_replica(topology, shard_id, source, to)
            if self._standing.health(to).health == "down":
                raise ThemisServerError(
                    ErrorCode.PLACEMENT_REFUSED, f"{to} is down: the change would wait until it is back"
                )
            return moved

        shard = (await self._changes.change(replaced)).shard(shard_id)
        if shard is None:
            raise _shard_not_found(shard_id)
        return shard

    async def transfer_leader(self, shard_id: str, target: str | None) -> Leader:
        """Move the leader of a shard to a node, without `target` to the voter that is furthest; return who leads then.

        Raises:
            ThemisServerError: shard_not_found, node_not_found, transfer_refused, no_leader, node_unreachable,
                outcome_unknown.
        """
        topology = self._standing.topology
        group, places = _group(topology, shard_id)
        leader = self._standing.leader(group)
        candidates = self._candidates(topology, shard_id, places, leader, target)
        for _ in range(_HOPS_MAX):
            if leader is None:
                break
            if leader.node_id == target:
                return leader
            reply = await self._transfer(topology, leader.node_id, TransferRequest(group, candidates))
            named = topology.by_raft_id(reply.leader)
            if reply.outcome == "refused":
                raise ThemisServerError(ErrorCode.TRANSFER_REFUSED, f"{shard_id} stays where it is: {reply.detail}")
            leader = None if named is None else Leader(named.node_id, reply.term)
            if reply.outcome == "moved" and leader is not None:
                return leader
        raise no_leader(shard_id)

    # Parts

    def _candidates(
        self,
        topology: Topology,
        shard_id: str,
        places: Iterable[ReplicaPlace],
        leader: Leader | None,
        target: str | None,
    ) -> tuple[int, ...]:
        """Return the Raft ids of those that may lead a group from now on."""
        voters = {place.node_id for place in places if place.role == "voter"}
        if target is not None:
            node = self.known(target)
            if target not in voters:
                raise ThemisServerError(
                    ErrorCode.TRANSFER_REFUSED, f"{target} has no voting replica of {shard_id}, so it cannot lead it"
                )
            return (node.raft_id,)
        others = voters - ({leader.node_id} if leader else set())
        able = [
            node.raft_id
            for node in topology.nodes
            if node.node_id in others and node.state == "up" and self._standing.health(node.node_id).health != "down"
        ]
        if not able:
            raise ThemisServerError(ErrorCode.TRANSFER_REFUSED, f"no other voter of {shard_id} is up")
        return tuple(able)

    async def _transfer(self, topology: Topology, leader: str, request: TransferRequest) -> TransferReply:
        if leader == self._me:
            return await self._status.transfer(request)
        node = topology.node(leader)
        assert node is not None, "leaders are named by the topology"
        timeout_s = TRANSFER_WAIT_S + _CALL_GRACE_S
        answer = await self._calls.call(node, TRANSFER, encode_transfer_request(request), timeout_s=timeout_s)
        try:
            return decode_transfer_reply(answer)
        except msgspec.MsgspecError as error:
            raise ThemisServerError(
                ErrorCode.OUTCOME_UNKNOWN, f"{leader} answered what cannot be read: {error}"
            ) from None

    async def _ask(self, nodes: Iterable[Node], groups: tuple[int, ...] | None) -> dict[str, NodeStatus | None]:
        """Ask nodes what they say of themselves and of `groups` (None: of all); this one is asked without a call."""
        asked = list(nodes)
        others = [node for node in asked if node.node_id != self._me]
        answers = await self._calls.ask_each(others, STATUS, encode_status_request(groups), decode_status)
        if len(others) < len(asked):
            answers[self._me] = await self._status.status(groups)
        return answers

    def _unreachable(self, statuses: Mapping[str, NodeStatus | None]) -> tuple[Unreachable, ...]:
        return tuple(self._calls.unreachable(node_id) for node_id in sorted(statuses) if statuses[node_id] is None)

    def _node_state(self, topology: Topology, node: Node, status: NodeStatus | None) -> NodeState:
        roles = [place.role for shard in topology.shards for place in shard.replicas if place.node_id == node.node_id]
        voters, learners = roles.count("voter"), roles.count("learner")
        report = self._standing.report(node.node_id)
        groups = [shard.group for shard in topology.shards]
        if status is not None:  # every node has the metadata as well: what is counted is the data
            voters, learners = _held(node.raft_id, (facts for facts in status.groups if facts.group != GROUP))
        leaders = [self._standing.leader(group) for group in groups]
        return NodeState(
            node=node,
            health=self._standing.health(node.node_id),
            report=report,
            status=status,
            unreachable=None if status is not None else self._calls.unreachable(node.node_id),
            voters=voters,
            learners=learners,
            leaders=sum(leader is not None and leader.node_id == node.node_id for leader in leaders),
            lagging=0 if report is None else len(report.lagging),
        )

    def _shard_state(
        self,
        topology: Topology,
        shard_id: str,
        group: int,
        places: tuple[ReplicaPlace, ...],
        statuses: Mapping[str, NodeStatus | None],
    ) -> ShardState:
        told = {node_id: None if status is None else status.by_group() for node_id, status in statuses.items()}
        return assemble(topology, shard_id, group, places, self._standing.leader(group), told)

    def _best_place(self, topology: Topology, shard_id: str, source: str) -> str:
        """Return the node that had best take over a replica: one that is well, in a rack of its own, with few."""
        shard = topology.shard(shard_id)
        if shard is None:
            raise _shard_not_found(shard_id)
        voting = source in shard.voters
        others = [node for node in topology.nodes if node.node_id in shard.node_ids and node.node_id != source]
        racks = {(node.datacenter, node.rack) for node in others}
        held = {
            node.node_id: sum(node.node_id in other.node_ids for other in topology.shards) for node in topology.nodes
        }
        ranked = sorted(
            (self._standing.health(node.node_id).health != "healthy", (node.datacenter, node.rack) in racks,
             held[node.node_id], node.node_id)
            for node in topology.nodes
            if node.state == "up"
            and node.node_id not in shard.node_ids
            and node.kind == ("data" if voting else "read_replica")
            and self._standing.health(node.node_id).health != "down"
        )  # fmt: skip
        if not ranked:
            raise ThemisServerError(
                ErrorCode.PLACEMENT_REFUSED, f"there is no other node that is up and could take a replica of {shard_id}"
            )
        return ranked[0][-1]


def _held(raft_id: int, groups: Iterable[GroupStatus]) -> tuple[int, int]:
    """Return how many of a node's own replicas vote, and how many only follow."""
    held = list(groups)
    return sum(raft_id in facts.voters for facts in held), sum(raft_id in facts.learners for facts in held)


def _sorted(nodes: Iterable[Node]) -> list[Node]:
    return sorted(nodes, key=lambda node: node.node_id)


def _group(topology: Topology, shard_id: str) -> tuple[int, tuple[ReplicaPlace, ...]]:
    if shard_id == METADATA and topology.metadata:
        return GROUP, topology.metadata
    shard = topology.shard(shard_id)
    if shard is None:
        raise _shard_not_found(shard_id)
    return shard.group, shard.replicas


def _shard_not_found(shard_id: str) -> ThemisServerError:
    return ThemisServerError(ErrorCode.SHARD_NOT_FOUND, f"there is no shard {shard_id!r}")


def _findings(
    topology: Topology,
    metadata: MetadataState,
    nodes: Mapping[str, NodeHealth],
    shards: Mapping[str, Health],
    unsettled: tuple[str, ...],
) -> Iterable[str]:
    """Yield what an operator should look at, the gravest first."""
    down = [shard_id for shard_id, health in shards.items() if health == "down"]
    if down:
        yield f"{_named(down, 'shard')} without a leader: reads of other replicas go on, writes wait"
    if metadata.why_not is not None:
        yield f"the metadata cannot be changed: {metadata.why_not}"
    for wanted in ("down", "degraded"):
        for node_id, state in nodes.items():
            if state.health == wanted:
                yield f"node {node_id} is {wanted}: {'; '.join(state.reasons) or 'it does not say why'}"
    able = sum(node.kind == "data" and node.state != "leaving" for node in topology.nodes)
    if able < topology.replicas:
        yield f"{topology.replicas} replicas are wanted, and only {able} nodes can hold one: add nodes"
    few = [shard.shard_id for shard in topology.shards if len(shard.voters) < min(able, topology.replicas)]
    if few:
        yield f"{_named(few, 'shard')} with fewer replicas than wanted"
    if unsettled:
        yield f"{_named(unsettled, 'shard')} whose replicas are on their way to where the topology wants them"


def _named(shard_ids: Iterable[str], kind: str) -> str:
    names = list(shard_ids)
    shown = ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")
    return f"{len(names)} {kind}{'' if len(names) == 1 else 's'} ({shown})"
