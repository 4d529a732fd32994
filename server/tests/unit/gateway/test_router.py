from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from server.tests.unit.inprocess import InProcess, prefix, refused, uuid
from themis_server.errors import ErrorCode

USERS = prefix().text


@pytest.fixture
async def node() -> AsyncIterator[InProcess]:
    async with InProcess() as started:
        yield started


async def test_an_entity_is_where_the_token_table_puts_it(node: InProcess) -> None:
    for number in range(1, 51):
        replica = node.router.replica_of(uuid(number))
        assert replica is not None
        assert (
            replica.shard_id == node.router.shard_of(uuid(number)) == node.topology.table.shard_for_uuid(uuid(number))
        )


async def test_a_shard_of_other_nodes_has_no_replica_here(node: InProcess) -> None:
    shard_id = node.router.shard_of(uuid(1))

    node.replicas.remove(node.topology.groups[shard_id])

    assert node.router.replica_of(uuid(1)) is None


async def test_a_read_creates_nothing_and_a_write_does(node: InProcess) -> None:
    await refused(node.router.collection(USERS), ErrorCode.NAMESPACE_NOT_FOUND)

    created = await node.router.collection_for_write(USERS)

    assert await node.router.collection(USERS) is created
    assert node.router.known(USERS) is created


async def test_a_collection_of_another_model_is_not_the_one_that_is_meant(node: InProcess) -> None:
    await node.catalog.ensure(prefix(), 5)

    other = prefix(model="graph").text
    await refused(node.router.collection(other), ErrorCode.COLLECTION_MODEL_MISMATCH)
    await refused(node.router.collection_for_write(other), ErrorCode.COLLECTION_MODEL_MISMATCH)
