"""Who is away is told where the cluster's members are."""

from __future__ import annotations

import msgspec
import pytest

from server.tests.unit.inprocess import refused
from server.tests.unit.metadata.world import node
from themis_server.errors import ErrorCode, ThemisServerError
from themis_server.metadata import topology as topologies
from themis_server.metadata.telling import METHOD, Telling
from themis_server.metadata.topology import Node, Topology, TopologyView
from themis_server.peer import Identity

CALLER = Identity("themis", "node-9", 9, "0" * 32, 7, "0.1.0")


def cluster(epoch: int, numbers: tuple[int, ...], name: str = "id") -> Topology:
    first = topologies.initial(node(1), 1, 1, replicas=3, cluster=name)
    return msgspec.structs.replace(first, epoch=epoch, nodes=tuple(node(number) for number in numbers))


class Teller:
    """A node that leads the metadata, and what it does."""

    def __init__(self, topology: Topology, *, leads: bool = True, absent: tuple[int, ...] = ()) -> None:
        self.asked: list[tuple[str, str, Topology]] = []
        self.dialled: list[int] = []
        self.telling = Telling(
            TopologyView(topology),
            lambda: leads,
            lambda known: [node(number).node_id for number in absent],
            self._ask,
            lambda told: self.dialled.append(told.epoch),
        )

    async def _ask(self, to: Node, method: str, payload: bytes) -> bytes:
        self.asked.append((to.node_id, method, topologies.decode(payload)))
        if to.node_id == node(2).node_id:
            raise ThemisServerError(ErrorCode.NODE_UNREACHABLE, "it is down")
        return b""


async def test_the_leader_tells_everybody_who_is_away_also_when_some_cannot_be_reached() -> None:
    known = cluster(5, (1, 2, 3, 4))
    teller = Teller(known, absent=(2, 3, 8))

    await teller.telling.tell()

    assert teller.asked == [(node(2).node_id, METHOD, known), (node(3).node_id, METHOD, known)]


async def test_nobody_else_does() -> None:
    teller = Teller(cluster(5, (1, 2, 3)), leads=False, absent=(2, 3))

    await teller.telling.tell()

    assert teller.asked == []


@pytest.mark.parametrize(
    ("told", "dialled"),
    [
        (cluster(6, (1, 2, 3)), [6]),
        (cluster(5, (1, 2, 3)), []),
        (cluster(4, (1, 2, 3)), []),
        (cluster(6, (1, 2, 3), "another"), []),
    ],
    ids=["newer", "the same", "older", "of another cluster"],
)
async def test_only_a_newer_topology_of_the_cluster_says_whom_to_dial(told: Topology, dialled: list[int]) -> None:
    teller = Teller(cluster(5, (1, 2)))

    assert await teller.telling.handle(CALLER, topologies.encode(told)) == b""

    assert teller.dialled == dialled


async def test_what_is_no_topology_is_refused() -> None:
    teller = Teller(cluster(5, (1, 2)))

    await refused(teller.telling.handle(CALLER, b"\xff"), ErrorCode.BAD_REQUEST)
