"""How large the topology becomes, and what it costs to read: docs/internals/limits.md shows what `pytest -s` prints."""

from __future__ import annotations

import time
import uuid

import pytest
from msgspec.structs import replace

from server.tests.unit.metadata.world import node
from themis.placement import TokenTable
from themis_server.metadata import topology as topologies
from themis_server.metadata.topology import ReplicaPlace, Topology

ETCD_REQUEST_BYTES = 3 << 19
"""What etcd takes by default (`--max-request-bytes`)."""
KEYS = 10_000


def made(nodes: int, shards: int, virtual_nodes: int) -> Topology:
    """Return a topology in which every shard is just being changed, which is when its entry is longest."""
    names = [f"node-{number:03}" for number in range(1, nodes + 1)]
    base = node(1, rack="rack-01", datacenter="dc1")
    entries = tuple(
        replace(
            base,
            node_id=name,
            endpoint=f"https://{name}.example.org:8080",
            peer=f"{name}.example.org:9080",
            instance="0" * 32,
        )
        for name in names
    )
    topology = topologies.initial(base, shards, virtual_nodes, replicas=3)
    placed = []
    for shard in topology.shards:
        places = tuple(ReplicaPlace(names[(shard.group + n) % nodes], "voter") for n in range(3))
        placed.append(replace(shard, replicas=places, before=places, since=10**6, replacing=names[0]))
    return replace(topology, nodes=entries, shards=tuple(placed), metadata=placed[0].replicas)


@pytest.mark.parametrize(
    ("nodes", "shards", "virtual_nodes"),
    [(3, 8, 150), (9, 64, 150), (9, 200, 150), (100, 1000, 32), (100, 1000, 150)],
)
def test_a_topology_stays_within_what_stores_take(
    nodes: int, shards: int, virtual_nodes: int, capsys: pytest.CaptureFixture[str]
) -> None:
    topology = made(nodes, shards, virtual_nodes)
    encoded = topologies.encode(topology)
    without_tokens = len(topologies.encode(replace(topology, tokens=())))
    read_s = -time.process_time()
    table = TokenTable.from_wire(topologies.decode(encoded).tokens)
    read_s += time.process_time()
    keys = [str(uuid.UUID(int=n * 0x9E3779B97F4A7C15 % 2**128)) for n in range(KEYS)]
    found_s = -time.process_time()
    found = {table.shard_for_uuid(key) for key in keys}
    found_s += time.process_time()
    with capsys.disabled():
        print(
            f"\n{nodes} nodes, {shards} shards x {virtual_nodes}: {len(encoded) / 1024:,.0f} KiB, of which nodes "
            f"and shards {without_tokens / 1024:,.0f} KiB; read in {read_s * 1000:.1f} ms, "
            f"a key in {found_s / KEYS * 1e6:.2f} us"
        )
    assert len(found) > shards * 0.9
    assert without_tokens < 512 * shards + 512 * nodes
    assert (len(encoded) - without_tokens) < 36 * shards * virtual_nodes
    if shards * virtual_nodes <= 32_000:  # what `config.check` permits with etcd
        assert len(encoded) < ETCD_REQUEST_BYTES
