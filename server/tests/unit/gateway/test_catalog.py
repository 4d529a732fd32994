from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from server.tests.unit.inprocess import RETENTION_MS, InProcess, prefix, refused, urn
from themis_server.errors import ErrorCode, ThemisServerError
from themis_server.gateway.batch import WriteItem
from themis_server.gateway.catalog import Done, Remembered
from themis_server.metadata.catalog import NOTHING, CollectionOptions, NamespaceOptions
from themis_server.shard.reading import STRONG
from themis_server.statemachine.command import WriteOp
from themis_server.storage import keys


@pytest.fixture
async def node() -> AsyncIterator[InProcess]:
    async with InProcess() as started:
        yield started


async def create(node: InProcess, name: str, key: str | None, request: bytes = b"create") -> Done:
    async def change(remembered: Remembered) -> tuple[int, bytes]:
        answer = (201, name.encode())
        await node.catalog.create_namespace(name, NamespaceOptions(), 5, remembered(answer))
        return answer

    return await node.changes.once(key, request, change)


def entities(node: InProcess) -> int:
    """Count what stands in storage, whatever the catalog says."""
    return sum(
        1
        for replica in node.replicas.by_shard.values()
        for _ in node.state.scan(keys.entity_prefix(replica.group, 0), keys.entity_prefix(replica.group + 1, 0))
    )


async def filled(node: InProcess, *collections: str) -> None:
    for name in collections:
        await node.batches.write(WriteOp.PUT, [WriteItem(urn(number, name), b"{}") for number in range(1, 21)], None)


# Idempotency


async def test_a_retry_is_answered_as_the_first_request(node: InProcess) -> None:
    assert await create(node, "app", "k") == Done(201, b"app", False)

    assert await create(node, "app", "k") == Done(201, b"app", True)


async def test_without_a_key_a_second_request_is_a_second_request(node: InProcess) -> None:
    await create(node, "app", None)

    await refused(create(node, "app", None), ErrorCode.NAMESPACE_EXISTS)


async def test_another_request_under_the_same_key_is_refused(node: InProcess) -> None:
    await create(node, "app", "k", b"one")

    await refused(create(node, "other", "k", b"two"), ErrorCode.IDEMPOTENCY_KEY_REUSED)

    assert list(node.catalog.namespaces) == ["app"]


async def test_a_retry_after_a_crash_is_still_a_retry(node: InProcess) -> None:
    await create(node, "app", "k")

    await node.crash()

    assert (await create(node, "app", "k")).replayed


async def test_a_request_that_failed_is_not_remembered(node: InProcess) -> None:
    await create(node, "app", None)
    await refused(create(node, "app", "k"), ErrorCode.NAMESPACE_EXISTS)
    await node.changes.drop_namespace("app", force=False, alongside=NOTHING)

    assert not (await create(node, "app", "k")).replayed


async def test_the_same_request_twice_at_once_is_made_once_and_both_are_told_so(node: InProcess) -> None:
    done = await asyncio.gather(*[create(node, "app", "k") for _ in range(3)])

    assert {(one.status, one.body) for one in done} == {(201, b"app")}
    assert sorted(one.replayed for one in done) == [False, True, True]


async def create_collection(node: InProcess, name: str, key: str | None) -> Done:
    async def change(remembered: Remembered) -> tuple[int, bytes]:
        answer = (201, name.encode())
        await node.catalog.create_collection(prefix(name), CollectionOptions(), 5, remembered(answer))
        return answer

    return await node.changes.once(key, name.encode(), change)


@pytest.mark.parametrize("keyed", [True, False])
async def test_changes_at_once_that_do_not_contradict_each_other_all_happen(node: InProcess, keyed: bool) -> None:
    names = ["a", "b", "c", "d"]

    await asyncio.gather(*[create_collection(node, name, name if keyed else None) for name in names])

    assert sorted(node.catalog.collections["app"]) == names


async def test_a_change_that_is_overtaken_time_after_time_is_given_up_and_says_so(node: InProcess) -> None:
    tries = 0

    async def overtaken(remembered: Remembered) -> tuple[int, bytes]:
        nonlocal tries
        tries += 1
        raise ThemisServerError(ErrorCode.METADATA_CONFLICT, "somebody was faster")

    await refused(node.changes.once(None, b"", overtaken), ErrorCode.METADATA_CONFLICT)

    assert tries == 5


async def test_a_key_is_forgotten_when_its_time_has_passed(node: InProcess) -> None:
    await create(node, "app", "k")
    await create(node, "later", "l")
    node.clock.advance(RETENTION_MS / 1000)
    await refused(create(node, "app", "k"), ErrorCode.NAMESPACE_EXISTS)

    await node.changes.forget_expired()

    assert (await node.store.list("/idempotency/")).values == {}
    await node.changes.forget_expired()


# Drops


async def test_a_drop_removes_the_data_from_every_shard(node: InProcess) -> None:
    await filled(node, "users", "orders")

    await node.changes.drop_collection("app", "users", NOTHING)

    assert entities(node) == 20
    assert await node.catalog.unfinished_drops() == []


async def test_a_namespace_dropped_by_force_takes_all_its_data_along(node: InProcess) -> None:
    await filled(node, "users", "orders")

    await node.changes.drop_namespace("app", force=True, alongside=NOTHING)

    assert entities(node) == 0
    assert node.catalog.namespaces == {}


async def test_a_drop_that_a_crash_interrupted_is_finished_at_the_next_start(node: InProcess) -> None:
    await filled(node, "users")
    await node.catalog.begin_drop_collection("app", "users")
    await node.crash()
    assert entities(node) == 20

    await node.changes.finish_drops()

    assert entities(node) == 0
    assert await node.catalog.unfinished_drops() == []


async def test_a_drop_that_a_shard_did_not_confirm_stays_owed(node: InProcess) -> None:
    await filled(node, "users")
    node.lost = lambda group: group == 1

    await node.changes.drop_collection("app", "users", NOTHING)
    assert (node.catalog.collections, await node.catalog.unfinished_drops() != []) == ({}, True)
    node.lost = lambda group: False
    await node.changes.finish_drops()

    assert (entities(node), await node.catalog.unfinished_drops()) == (0, [])


async def test_a_new_collection_of_the_name_never_sees_what_the_old_one_has_left(node: InProcess) -> None:
    await filled(node, "users")
    await node.catalog.begin_drop_collection("app", "users")  # its data is still there

    collection = await node.catalog.ensure(prefix("users"), 5)

    assert entities(node) == 20
    counts, _ = await node.listing.count(collection, STRONG)
    assert sum(counts.values()) == 0
    assert node.document(urn(1)) is None
