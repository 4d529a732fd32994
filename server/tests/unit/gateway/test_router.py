from __future__ import annotations

from collections.abc import AsyncIterator

import msgspec
import pytest

from server.tests.unit.inprocess import ME, InProcess, prefix, refused, uuid
from themis.urn import uuid_to_bytes
from themis_server.errors import ErrorCode, ThemisServerError
from themis_server.gateway.router import Router
from themis_server.metadata.topology import ReplicaPlace, TopologyView

USERS = prefix().text


@pytest.fixture
async def node() -> AsyncIterator[InProcess]:
    async with InProcess() as started:
        yield started


async def test_an_entity_is_where_the_token_table_puts_it(node: InProcess) -> None:
    collection = await node.catalog.ensure(prefix(), 5)

    for number in range(50):
        located = node.router.locate(USERS, uuid(number + 1))
        assert located.collection is collection
        assert located.replica.shard_id == node.topology.table.shard_for_uuid(uuid(number + 1))
        assert located.uuid == uuid_to_bytes(uuid(number + 1))


async def test_the_same_uuid_is_on_the_same_shard_in_every_collection(node: InProcess) -> None:
    for name in ("users", "profiles"):
        await node.catalog.ensure(prefix(name), 5)

    places = {node.router.locate(prefix(name).text, uuid(1)).replica.shard_id for name in ("users", "profiles")}

    assert len(places) == 1


async def test_a_read_creates_nothing_and_a_write_does(node: InProcess) -> None:
    with pytest.raises(ThemisServerError) as raised:
        node.router.locate(USERS, uuid(1))
    assert raised.value.code == ErrorCode.NAMESPACE_NOT_FOUND

    located = await node.router.locate_for_write(USERS, uuid(1))

    assert node.router.locate(USERS, uuid(1)) == located


async def test_a_collection_of_another_model_is_not_the_one_that_is_meant(node: InProcess) -> None:
    await node.catalog.ensure(prefix(), 5)

    with pytest.raises(ThemisServerError) as raised:
        node.router.locate(prefix(model="graph").text, uuid(1))
    await refused(
        node.router.locate_for_write(prefix(model="graph").text, uuid(1)), ErrorCode.COLLECTION_MODEL_MISMATCH
    )

    assert raised.value.code == ErrorCode.COLLECTION_MODEL_MISMATCH


async def test_a_key_of_another_node_is_answered_with_its_endpoint_and_the_epoch(node: InProcess) -> None:
    await node.catalog.ensure(prefix(), 5)
    other = msgspec.structs.replace(ME, node_id="node-2", endpoint="http://other:1")
    topology = node.topology.current
    elsewhere = tuple(
        msgspec.structs.replace(shard, replicas=(ReplicaPlace("node-2", "voter"),)) for shard in topology.shards
    )
    view = TopologyView(msgspec.structs.replace(topology, epoch=9, nodes=(ME, other), shards=elsewhere))
    router = Router(node.catalog, view, {}, node.clock)

    with pytest.raises(ThemisServerError) as raised:
        router.locate(USERS, uuid(1))

    assert raised.value.code == ErrorCode.WRONG_SHARD
    assert raised.value.fields == {"owner": "http://other:1", "epoch": 9}
