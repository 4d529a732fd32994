from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from server.tests.unit.inprocess import InProcess, prefix, refused
from themis_server.errors import ErrorCode, ThemisServerError
from themis_server.metadata import embedded
from themis_server.metadata.catalog import Alongside, Catalog, CollectionOptions, NamespaceOptions
from themis_server.metadata.store import Put

USERS = prefix("users")


@pytest.fixture
async def node() -> AsyncIterator[InProcess]:
    async with InProcess() as started:
        yield started


@pytest.fixture
def catalog(node: InProcess) -> Catalog:
    return node.catalog


# The first write


async def test_a_first_write_brings_namespace_and_collection_into_being(catalog: Catalog) -> None:
    collection = await catalog.ensure(USERS, 5)

    assert (collection.namespace, collection.name, collection.record.model) == ("app", "users", "document")
    assert catalog.namespace("app").record.created_ms == collection.record.created_ms == 5
    assert catalog.by_prefix[USERS.text] is collection


async def test_two_first_writes_at_once_create_one_collection(catalog: Catalog) -> None:
    collections = await asyncio.gather(*[catalog.ensure(USERS, 5) for _ in range(10)])

    assert {collection.id for collection in collections} == {1}
    assert list(catalog.collections["app"]) == ["users"]


async def test_many_collections_created_at_once_have_ids_of_their_own(catalog: Catalog) -> None:
    collections = await asyncio.gather(*[catalog.ensure(prefix(f"c{n}"), 5) for n in range(10)])

    assert sorted(collection.id for collection in collections) == list(range(1, 11))


async def test_two_models_race_for_a_name_and_one_of_them_is_told(catalog: Catalog) -> None:
    results = await asyncio.gather(
        catalog.ensure(prefix(model="document"), 5), catalog.ensure(prefix(model="graph"), 5), return_exceptions=True
    )

    (error,) = [result for result in results if isinstance(result, ThemisServerError)]
    assert error.code == ErrorCode.COLLECTION_MODEL_MISMATCH
    assert len(catalog.collections["app"]) == 1


@pytest.mark.parametrize(("namespaces", "collections"), [(True, False), (False, True)])
async def test_where_it_is_switched_off_a_first_write_finds_nothing(namespaces: bool, collections: bool) -> None:
    async with InProcess(auto_create_namespaces=namespaces, auto_create_collections=collections) as node:
        await refused(node.catalog.ensure(USERS, 5), ErrorCode.NAMESPACE_NOT_FOUND)

        assert node.catalog.namespaces == {}


async def test_a_namespace_can_switch_it_off_for_itself(catalog: Catalog) -> None:
    await catalog.create_namespace("app", NamespaceOptions(auto_create_collections=False), 5)

    await refused(catalog.ensure(USERS, 5), ErrorCode.COLLECTION_NOT_FOUND)
    await catalog.create_collection(USERS, CollectionOptions(), 5)

    assert (await catalog.ensure(USERS, 5)).id == 1


# Looking up


async def test_what_is_missing_is_named(catalog: Catalog) -> None:
    with pytest.raises(ThemisServerError) as no_namespace:
        catalog.resolve(USERS)
    await catalog.create_namespace("app", NamespaceOptions(), 5)
    with pytest.raises(ThemisServerError) as no_collection:
        catalog.resolve(USERS)

    assert no_namespace.value.code == ErrorCode.NAMESPACE_NOT_FOUND
    assert no_collection.value.code == ErrorCode.COLLECTION_NOT_FOUND


async def test_a_name_is_unique_in_its_namespace_whatever_the_model(catalog: Catalog) -> None:
    await catalog.ensure(prefix(model="document"), 5)

    error = await refused(catalog.ensure(prefix(model="graph"), 5), ErrorCode.COLLECTION_MODEL_MISMATCH)
    await catalog.ensure(prefix(namespace="other", model="graph"), 5)

    assert error.fields["expected"] == "document"


async def test_options_decide_how_long_a_reader_may_keep_an_answer(catalog: Catalog) -> None:
    collection = await catalog.create_collection(USERS, CollectionOptions(), 5)
    cached = await catalog.alter_collection("app", "users", CollectionOptions(cache_max_age_s=60))

    assert collection.cache_control == "private, no-cache"
    assert cached.cache_control == catalog.by_prefix[USERS.text].cache_control == "private, max-age=60"
    assert cached.id == collection.id


# Changing


async def test_what_exists_is_not_created_again(catalog: Catalog) -> None:
    await catalog.create_collection(USERS, CollectionOptions(), 5)

    await refused(catalog.create_namespace("app", NamespaceOptions(), 5), ErrorCode.NAMESPACE_EXISTS)
    await refused(catalog.create_collection(USERS, CollectionOptions(), 5), ErrorCode.COLLECTION_EXISTS)
    await refused(
        catalog.create_collection(prefix(model="graph"), CollectionOptions(), 5), ErrorCode.COLLECTION_MODEL_MISMATCH
    )


async def test_of_two_alterations_at_once_one_is_told_of_the_conflict(catalog: Catalog) -> None:
    await catalog.create_collection(USERS, CollectionOptions(), 5)

    results = await asyncio.gather(
        *[catalog.alter_collection("app", "users", CollectionOptions(description=text)) for text in "ab"],
        return_exceptions=True,
    )

    (error,) = [result for result in results if isinstance(result, ThemisServerError)]
    assert error.code == ErrorCode.METADATA_CONFLICT
    assert error.retryable(with_key=False)


async def test_what_a_change_writes_beside_itself_is_in_the_same_transaction(node: InProcess) -> None:
    await node.catalog.create_namespace("app", NamespaceOptions(), 5, Alongside({}, (Put("/beside", b"1"),)))

    beside, namespace = await node.store.get("/beside"), node.catalog.namespace("app")

    assert beside is not None
    assert beside.revision == namespace.revision


async def test_a_dropped_name_is_gone_at_once_and_its_id_is_owed(catalog: Catalog) -> None:
    collection = await catalog.ensure(USERS, 5)

    ids = await catalog.begin_drop_collection("app", "users")

    assert ids == [collection.id] == await catalog.unfinished_drops()
    assert USERS.text not in catalog.by_prefix
    await catalog.end_drop(ids)
    assert await catalog.unfinished_drops() == []


async def test_a_collection_of_the_same_name_has_a_new_id(node: InProcess) -> None:
    first = await node.catalog.ensure(USERS, 5)
    await node.catalog.begin_drop_collection("app", "users")
    await node.crash()

    again = await node.catalog.ensure(prefix(model="graph"), 5)

    assert again.id > first.id


async def test_a_namespace_with_collections_is_dropped_by_force_only(catalog: Catalog) -> None:
    for name in ("users", "orders"):
        await catalog.ensure(prefix(name), 5)

    await refused(catalog.begin_drop_namespace("app", force=False), ErrorCode.NAMESPACE_NOT_EMPTY)
    ids = await catalog.begin_drop_namespace("app", force=True)

    assert sorted(ids) == sorted(await catalog.unfinished_drops()) == [1, 2]
    assert (catalog.namespaces, catalog.collections, catalog.by_prefix) == ({}, {}, {})


async def test_an_empty_namespace_is_dropped_without_force(catalog: Catalog) -> None:
    await catalog.create_namespace("app", NamespaceOptions(), 5)

    assert await catalog.begin_drop_namespace("app", force=False) == []

    assert catalog.namespaces == {}


@pytest.mark.parametrize("force", [True, False])
@pytest.mark.parametrize("collections_before", [0, 1])
async def test_a_collection_created_while_its_namespace_is_dropped_is_never_left_without_one(
    node: InProcess, force: bool, collections_before: int
) -> None:
    catalog = node.catalog
    await catalog.create_namespace("app", NamespaceOptions(auto_create_collections=False), 5)
    for number in range(collections_before):
        await catalog.create_collection(prefix(f"c{number}", namespace="elsewhere"), CollectionOptions(), 5)

    await asyncio.gather(
        catalog.create_collection(USERS, CollectionOptions(), 5),
        catalog.begin_drop_namespace("app", force=force),
        return_exceptions=True,
    )

    await node.crash()
    assert set(node.catalog.collections) <= set(node.catalog.namespaces)


async def test_dropping_what_is_not_there_is_not_found(catalog: Catalog) -> None:
    await refused(catalog.begin_drop_namespace("app", force=True), ErrorCode.NAMESPACE_NOT_FOUND)
    await catalog.create_namespace("app", NamespaceOptions(), 5)
    await refused(catalog.begin_drop_collection("app", "users"), ErrorCode.COLLECTION_NOT_FOUND)


# Keeping current


async def test_a_restart_brings_the_catalog_back(node: InProcess) -> None:
    collection = await node.catalog.create_collection(USERS, CollectionOptions(description="people"), 5)
    before = node.catalog.namespace("app")

    await node.crash()

    assert node.catalog.collection("app", "users") == collection
    assert node.catalog.namespace("app") == before


async def test_another_node_sees_a_change_through_its_watch(node: InProcess) -> None:
    other = Catalog(node.store, auto_create_namespaces=True, auto_create_collections=True)
    await other.load()
    watch = asyncio.create_task(other.follow())

    collection = await node.catalog.ensure(USERS, 5)
    await node.catalog.begin_drop_collection("app", "users")
    again = await node.catalog.ensure(USERS, 5)
    await asyncio.wait_for(other.reached(again.revision), 10)

    assert other.by_prefix[USERS.text] == again != collection
    watch.cancel()


async def test_a_catalog_that_fell_too_far_behind_reads_everything_again(
    node: InProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, "_REMEMBERED_EVENTS", 4)
    await node.catalog.ensure(prefix("gone"), 5)
    await node.crash()
    other = Catalog(node.store, auto_create_namespaces=True, auto_create_collections=True)
    await other.load()
    await node.catalog.begin_drop_collection("app", "gone")
    for number in range(5):
        last = await node.catalog.ensure(prefix(f"c{number}"), 5)

    watch = asyncio.create_task(other.follow())
    await asyncio.wait_for(other.reached(last.revision), 10)

    assert other.collections == node.catalog.collections
    assert other.by_prefix == node.catalog.by_prefix
    watch.cancel()
