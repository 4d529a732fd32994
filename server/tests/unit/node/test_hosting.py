"""The driver is kept in line with the topology."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, cast

import msgspec

from server.tests.unit.metadata.world import node
from themis_server.metadata import topology as topologies
from themis_server.node.hosting import Groups, Hosting
from themis_server.replication.thread import DriverThread


class Driver:
    """A driver without groups, and the thread that it runs on."""

    def __init__(self) -> None:
        self.views: dict[int, object] = {}
        self.peers: frozenset[int] = frozenset()

    def call(self, do: Callable[[Any], Any]) -> Future[Any]:
        done: Future[Any] = Future()
        done.set_result(do(self))
        return done

    def set_peers(self, peers: frozenset[int]) -> None:
        self.peers = peers

    def set_members(self, group: int, members: object, epoch: int) -> None:
        """Take note of what does not matter here."""


async def test_a_node_speaks_to_all_others_and_not_to_itself() -> None:
    driver = Driver()
    first = topologies.initial(node(1), 1, 1, replicas=3, cluster="id")
    topology = msgspec.structs.replace(first, nodes=(node(1), node(2), node(3)))
    hosting = Hosting(cast(DriverThread, driver), cast(Groups, None), node(2).node_id, lambda: None)

    await hosting.follow(topology, {})

    assert driver.peers == {node(1).raft_id, node(3).raft_id}
