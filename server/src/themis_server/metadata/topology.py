"""Nodes, shards and the token table: who holds which hashes.

One value in the metadata store, changed by compare-and-swap, each change raising the epoch by one (`transitions` has
the changes, `keeper` makes them). What a shard's entry says is what is *desired*: the leader of the shard makes it
real by Raft's own membership changes, and the reports of the nodes say whether it is. Who leads, and which nodes are
healthy or down, is no part of it: that changes without anybody deciding it.
"""

from __future__ import annotations

import asyncio
from typing import Final, Literal, TypeAlias

import msgspec

from themis.placement import TokenTable, build_token_table
from themis_server.metadata import releases

KEY: Final = "/topology"
NODES: Final = "/nodes/"
"""Under it, a leased `NodeReport` for each node that lives."""

NodeState: TypeAlias = Literal["joining", "up", "leaving"]
NodeKind: TypeAlias = Literal["data", "read_replica"]
Role: TypeAlias = Literal["voter", "learner"]


class Node(msgspec.Struct, frozen=True):
    """One server process.

    `state` is what is wanted of it: joining (it was admitted and has not started yet), up, leaving (it is drained).
    `peer` is HOST:PORT of its peer port, empty when it has none. `instance` is drawn at random for each data
    directory, so that another directory under the same name is told from a restart.
    """

    node_id: str
    raft_id: int
    endpoint: str
    datacenter: str
    rack: str
    state: NodeState
    version: str
    peer: str = ""
    instance: str = ""
    kind: NodeKind = "data"


class ReplicaPlace(msgspec.Struct, frozen=True):
    """A replica of a shard: on which node, and whether it votes."""

    node_id: str
    role: Role


class Shard(msgspec.Struct, frozen=True):
    """A Raft group and its desired replicas. `group` is its number in keys and in replication.

    `since` is the epoch that last changed the replicas and `before` what they were until then: what is gone back to
    when the reason of a change falls away before the change is made real. `replacing` is the node whose absence was
    the reason, empty for any other.
    """

    shard_id: str
    group: int
    replicas: tuple[ReplicaPlace, ...]
    since: int = 0
    before: tuple[ReplicaPlace, ...] = ()
    replacing: str = ""

    @property
    def voters(self) -> frozenset[str]:
        """The nodes whose replicas shall vote."""
        return frozenset(place.node_id for place in self.replicas if place.role == "voter")

    @property
    def node_ids(self) -> frozenset[str]:
        """The nodes that shall have a replica."""
        return frozenset(place.node_id for place in self.replicas)


class Topology(msgspec.Struct, frozen=True):
    """Nodes, shards and tokens as of one epoch. Tokens are (16 hex digits, shard id), ascending.

    `replicas` is how many voters each shard shall have, where there are nodes for them. `metadata` are the desired
    members of group 0 (empty with an external store), last changed at epoch `metadata_since`. `removed` are the
    instances of nodes that were removed and never come back. `cluster` is the random id of the cluster. `release` is
    the newest that all nodes have had at once (see `releases`), empty where that is not known.
    """

    epoch: int
    nodes: tuple[Node, ...]
    shards: tuple[Shard, ...]
    tokens: tuple[tuple[str, str], ...]
    replicas: int = 1
    metadata: tuple[ReplicaPlace, ...] = ()
    removed: tuple[str, ...] = ()
    cluster: str = ""
    metadata_since: int = 0
    release: str = ""

    def node(self, node_id: str) -> Node | None:
        """Return a node by its name."""
        return next((node for node in self.nodes if node.node_id == node_id), None)

    def by_raft_id(self, raft_id: int) -> Node | None:
        """Return a node by its raft id."""
        return next((node for node in self.nodes if node.raft_id == raft_id), None)

    def shard(self, shard_id: str) -> Shard | None:
        """Return a shard by its name."""
        return next((shard for shard in self.shards if shard.shard_id == shard_id), None)


class NodeReport(msgspec.Struct, frozen=True):
    """What a node says of itself, a few times in each lease; a node without a report is down.

    Args:
        node_id: Who reports.
        instance: Of which data directory.
        health: healthy, or degraded for `reasons`.
        reasons: Why it is degraded, each a sentence for a person.
        led: The groups that it leads (0 is the metadata).
        unsettled: Those of them whose membership is not yet the desired one.
        lagging: Those of them with a voter that is too far behind to take over the lead.
        disk_free_bytes: Free bytes on the disk of its data.
        version: Which release it runs.
        epoch: The latest epoch that changed one of the groups that it leads, as far as it has handed that on to its
            replicas (`duties.witnessed_epoch`).
    """

    node_id: str
    instance: str
    health: Literal["healthy", "degraded"] = "healthy"
    reasons: tuple[str, ...] = ()
    led: tuple[int, ...] = ()
    unsettled: tuple[int, ...] = ()
    lagging: tuple[int, ...] = ()
    disk_free_bytes: int = 0
    version: str = ""
    epoch: int = 0


def initial(
    node: Node,
    shard_count: int,
    virtual_nodes: int,
    *,
    replicas: int = 1,
    cluster: str = "",
    embedded: bool = True,
) -> Topology:
    """Return the topology of a new cluster: one node that holds every shard.

    Args:
        node: The first node.
        shard_count: How many shards.
        virtual_nodes: Tokens of each shard on the ring.
        replicas: How many voters a shard shall have once there are nodes for them.
        cluster: The random id of the cluster.
        embedded: Whether the metadata is in the cluster itself, so that group 0 needs members.
    """
    place = ReplicaPlace(node.node_id, "voter")
    shards = tuple(Shard(shard_id(n), n, (place,)) for n in range(1, shard_count + 1))
    table = build_token_table([shard.shard_id for shard in shards], virtual_nodes)
    tokens = tuple((f"{token:016x}", owner) for token, owner in table)
    return Topology(
        1,
        (msgspec.structs.replace(node, state="up"),),
        shards,
        tokens,
        replicas=replicas,
        metadata=(place,) if embedded else (),
        cluster=cluster,
        release=releases.common([node.version]),
    )


def shard_id(group: int) -> str:
    """Return the name of the shard that is Raft group `group`."""
    return f"shard_{group:03}"


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Topology)
_report_decoder = msgspec.json.Decoder(NodeReport)


def encode(topology: Topology) -> bytes:
    """Return a topology as it is stored."""
    return _encoder.encode(topology)


def decode(data: bytes) -> Topology:
    """Return a stored topology; raises `msgspec.ValidationError` or `msgspec.DecodeError`."""
    return _decoder.decode(data)


def encode_report(report: NodeReport) -> bytes:
    """Return a report as it is stored."""
    return _encoder.encode(report)


def decode_report(data: bytes) -> NodeReport:
    """Return a stored report; raises `msgspec.ValidationError` or `msgspec.DecodeError`."""
    return _report_decoder.decode(data)


class TopologyView:
    """The topology as this node knows it, and whoever waits for the next one."""

    def __init__(self, topology: Topology) -> None:
        self._changed = asyncio.Event()
        self._released = False
        self._set(topology)

    def _set(self, topology: Topology) -> None:
        self.current = topology
        self.epoch = topology.epoch
        self.table = TokenTable.from_wire(topology.tokens)
        self.groups = {shard.shard_id: shard.group for shard in topology.shards}

    def update(self, topology: Topology) -> None:
        """Take a newer topology; an older one is ignored."""
        if topology.epoch > self.epoch:
            self._set(topology)
            self._wake()

    def release(self) -> None:
        """Let go of the clients that wait in `wait_newer`: the node stops."""
        self._released = True
        self._wake()

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    async def newer(self, epoch: int) -> None:
        """Wait until the topology is newer than `epoch`, for the node's own tasks: they go on while it stops."""
        while self.epoch <= epoch:
            await self._changed.wait()

    async def wait_newer(self, epoch: int, timeout_s: float) -> bool:
        """Wait for a client until the topology is newer than `epoch`; False when the time passed, or the node stops."""
        deadline_s = asyncio.get_running_loop().time() + timeout_s
        while self.epoch <= epoch:
            if self._released:
                return False
            remaining_s = deadline_s - asyncio.get_running_loop().time()
            if remaining_s <= 0:
                return False
            try:
                async with asyncio.timeout(remaining_s):
                    await self._changed.wait()
            except TimeoutError:
                return False
        return True
