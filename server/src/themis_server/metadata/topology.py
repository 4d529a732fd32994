"""Nodes, shards and the token table.

Who holds which hashes. One value in the metadata store, changed by compare-and-swap.
"""

from __future__ import annotations

import asyncio

import msgspec

from themis.placement import TokenTable, build_token_table
from themis_server.metadata.store import MetadataStore, Put

KEY = "/topology"


class Node(msgspec.Struct, frozen=True):
    """One server process."""

    node_id: str
    raft_id: int
    endpoint: str
    datacenter: str
    rack: str
    state: str
    version: str


class ReplicaPlace(msgspec.Struct, frozen=True):
    """A replica of a shard: on which node, and whether it votes."""

    node_id: str
    role: str


class Shard(msgspec.Struct, frozen=True):
    """A Raft group and its replicas. `group` is its number in keys and in replication."""

    shard_id: str
    group: int
    replicas: tuple[ReplicaPlace, ...]


class Topology(msgspec.Struct, frozen=True):
    """Nodes, shards and tokens as of one epoch. Tokens are (16 hex digits, shard id), ascending."""

    epoch: int
    nodes: tuple[Node, ...]
    shards: tuple[Shard, ...]
    tokens: tuple[tuple[str, str], ...]


def initial(node: Node, shard_count: int, virtual_nodes: int) -> Topology:
    """Return the topology of a new cluster: one node that holds every shard."""
    shards = tuple(Shard(shard_id(n), n, (ReplicaPlace(node.node_id, "voter"),)) for n in range(1, shard_count + 1))
    table = build_token_table([shard.shard_id for shard in shards], virtual_nodes)
    return Topology(1, (node,), shards, tuple((f"{token:016x}", owner) for token, owner in table))


def shard_id(group: int) -> str:
    """Return the name of the shard that is Raft group `group`."""
    return f"shard_{group:03}"


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
            self._changed.set()
            self._changed = asyncio.Event()

    def release(self) -> None:
        """Let go of whoever waits: the node stops."""
        self._released = True
        self._changed.set()

    async def wait_newer(self, epoch: int, timeout_s: float) -> bool:
        """Wait until the topology is newer than `epoch`; False when the time passed first."""
        deadline_s = asyncio.get_running_loop().time() + timeout_s
        while self.epoch <= epoch:
            if self._released:
                return False
            remaining_s = deadline_s - asyncio.get_running_loop().time()
            if remaining_s <= 0:
                return False
            try:
                await asyncio.wait_for(self._changed.wait(), remaining_s)
            except TimeoutError:
                return False
        return True


_decoder = msgspec.json.Decoder(Topology)


async def load_or_create(store: MetadataStore, node: Node, shard_count: int, virtual_nodes: int) -> Topology:
    """Return the stored topology, with `node`'s entry brought up to date; on a new cluster, create it."""
    while True:
        stored = await store.get(KEY)
        if stored is None:
            topology = initial(node, shard_count, virtual_nodes)
            revision = 0
        else:
            known = _decoder.decode(stored.data)
            if node in known.nodes:
                return known
            others = tuple(other for other in known.nodes if other.node_id != node.node_id)
            topology = msgspec.structs.replace(known, epoch=known.epoch + 1, nodes=(*others, node))
            revision = stored.revision
        if await store.transaction({KEY: revision}, [Put(KEY, msgspec.json.encode(topology))]) is not None:
            return topology
