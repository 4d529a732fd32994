"""The embedded metadata while its leader changes: a request waits for the next one as requests of data do."""

from __future__ import annotations

import asyncio

from server.tests.unit.inprocess import InProcess, refused, urn
from server.tests.unit.inprocess_cluster import InProcessCluster
from themis.urn import split_urn
from themis_server.errors import ErrorCode
from themis_server.metadata.topology import KEY
from themis_server.statemachine.command import WriteOp


async def alone(cluster: InProcessCluster) -> InProcess:
    """Return a node that hears nobody and knows it."""
    node = cluster.nodes["node-1"]
    cluster.cut = {"node-2", "node-3"}
    await cluster.until(lambda: node.driver.views[0].leader == 0)
    return node


async def test_what_must_be_current_waits_for_a_leader_of_the_metadata() -> None:
    async with InProcessCluster() as cluster:
        node = await alone(cluster)
        reading = asyncio.create_task(node.store.list("/catalog/"))
        await asyncio.sleep(0.1)
        assert not reading.done()

        cluster.cut = set()

        assert (await reading).values == {}


async def test_a_new_collection_waits_for_a_leader_of_the_metadata() -> None:
    async with InProcessCluster() as cluster:
        node = await alone(cluster)
        writing = asyncio.create_task(node.entities.write(WriteOp.PUT, *split_urn(urn(1)), b"{}", None, None))
        await asyncio.sleep(0.1)

        cluster.cut = set()

        assert (await writing).version > 0


async def test_a_node_that_is_alone_says_so_when_its_patience_ends() -> None:
    async with InProcessCluster(leader_wait_s=0.3) as cluster:
        node = await alone(cluster)
        loop = asyncio.get_running_loop()
        began_s = loop.time()

        await refused(node.store.get(KEY), ErrorCode.METADATA_UNAVAILABLE)
        assert 0.25 < loop.time() - began_s < 3.0
