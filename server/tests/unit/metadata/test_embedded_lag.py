"""The embedded store, and the catalog on it, on a node whose replica of group 0 lags behind the leader's."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from server.tests.unit.inprocess import prefix, refused
from server.tests.unit.metadata.group import LaggingGroup
from server.tests.unit.metadata.store_suite import taken
from themis_server.errors import ErrorCode
from themis_server.metadata import catalog as catalogs
from themis_server.metadata.catalog import Catalog, CollectionOptions, NamespaceOptions
from themis_server.metadata.lastknown import InMemory, Remembering
from themis_server.metadata.store import Compacted, Put, WatchEvent
from themis_server.statemachine import meta

USERS = prefix("users")


@pytest.fixture
def group() -> LaggingGroup:
    return LaggingGroup(catch_up_s=0.1)


async def test_a_current_read_waits_for_the_local_replica_and_a_stale_one_does_not(group: LaggingGroup) -> None:
    store = group.followers[0].store
    await group.leader.store.put("/a", b"1")

    assert await store.get("/a", stale=True) is None
    assert (await store.list("/", stale=True)).values == {}
    current = await store.get("/a")
    assert current is not None
    assert current.data == b"1"


async def test_without_a_leader_a_current_read_is_refused_and_a_stale_one_is_not(group: LaggingGroup) -> None:
    await group.leader.store.put("/a", b"1")
    group.down = True

    await refused(group.leader.store.get("/a"), ErrorCode.NO_LEADER)
    await refused(group.leader.store.list("/"), ErrorCode.NO_LEADER)
    await refused(group.leader.store.put("/a", b"2"), ErrorCode.NO_LEADER)
    assert await group.leader.store.get("/a", stale=True) is not None


async def test_a_change_has_reached_the_node_that_made_it_when_it_is_answered(group: LaggingGroup) -> None:
    store = group.followers[0].store

    revision = await store.put("/a", b"1")

    assert await store.get("/a", stale=True) is not None
    assert await taken(store.watch("/", revision - 1), 1) == [WatchEvent("/a", b"1", revision)]


async def test_a_transaction_that_failed_has_brought_what_it_failed_on(group: LaggingGroup) -> None:
    store = group.followers[0].store
    await group.leader.store.put("/a", b"1")

    assert await store.transaction({"/a": 0}, [Put("/a", b"2")]) is None

    known = await store.get("/a", stale=True)
    assert known is not None
    assert known.data == b"1"


async def test_a_change_that_does_not_arrive_here_is_not_said_to_have_failed(group: LaggingGroup) -> None:
    group.held = True

    await refused(group.followers[0].store.put("/a", b"1"), ErrorCode.OUTCOME_UNKNOWN)

    assert await group.leader.store.get("/a") is not None


async def test_a_transaction_that_changes_nothing_is_answered(group: LaggingGroup) -> None:
    assert await group.followers[0].store.transaction({}, []) is not None


async def test_a_watch_over_an_installed_snapshot_is_compacted_and_a_new_one_goes_on(group: LaggingGroup) -> None:
    follower = group.followers[0]
    start = await follower.store.put("/a", b"0")
    watching = asyncio.ensure_future(anext(follower.store.watch("/", start)))
    await asyncio.sleep(0)
    group.held = True
    await group.leader.store.put("/a", b"1")
    await group.leader.store.put("/a", b"2")

    follower.take_snapshot_of(group.leader)
    follower.store.replaced()

    with pytest.raises(Compacted):
        await watching
    listing = await follower.store.list("/")
    assert listing.values["/a"].data == b"2"
    group.held = False
    revision = await follower.store.put("/a", b"3")
    assert await taken(follower.store.watch("/", listing.revision), 1) == [WatchEvent("/a", b"3", revision)]


async def test_a_gap_in_what_is_published_is_noticed(group: LaggingGroup) -> None:
    follower = group.followers[0]
    start = await follower.store.put("/a", b"0")
    group.held = True
    await group.leader.store.put("/a", b"1")
    follower.take_snapshot_of(group.leader)  # and nobody says so
    group.held = False
    revision = await follower.store.put("/a", b"2")

    with pytest.raises(Compacted):
        await anext(follower.store.watch("/", start))
    assert await taken(follower.store.watch("/", revision - 1), 1) == [WatchEvent("/a", b"2", revision)]


async def test_changes_that_were_published_before_the_store_was_made_are_not_told_again(group: LaggingGroup) -> None:
    store = group.leader.store
    revision = await store.put("/a", b"1")

    store.publish([meta.Change("/a", b"1", revision)])

    assert [event.data for event in await taken(store.watch("/", revision - 1), 1)] == [b"1"]
    assert len(store._events) == 1


# The catalog


@pytest.fixture
async def pair(group: LaggingGroup) -> AsyncIterator[tuple[Catalog, Catalog]]:
    """The catalog on the leader's node and on the follower's."""
    made = [
        Catalog(member.store, auto_create_namespaces=True, auto_create_collections=True)
        for member in (group.leader, group.followers[0])
    ]
    for catalog in made:
        await catalog.load()
    tasks = [asyncio.create_task(catalog.follow()) for catalog in made]
    yield made[0], made[1]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_a_node_whose_replica_lags_sees_its_own_changes(pair: tuple[Catalog, Catalog]) -> None:
    _, lagging = pair

    created = await lagging.create_collection(USERS, CollectionOptions(), 5)
    altered = await lagging.alter_collection("app", "users", CollectionOptions(description="people"))

    assert lagging.resolve(USERS) == altered
    assert altered.id == created.id


async def test_a_node_whose_replica_lags_is_told_who_was_faster(
    group: LaggingGroup, pair: tuple[Catalog, Catalog]
) -> None:
    leading, lagging = pair
    await leading.create_namespace("app", NamespaceOptions(), 5)

    await refused(lagging.create_namespace("app", NamespaceOptions(), 5), ErrorCode.NAMESPACE_EXISTS)


async def test_first_writes_on_both_nodes_make_one_collection_each(pair: tuple[Catalog, Catalog]) -> None:
    made = await asyncio.gather(
        *[catalog.ensure(prefix(name), 5) for name in ("a", "b", "c") for catalog in pair for _ in range(3)]
    )

    assert len({collection.id for collection in made}) == 3


async def test_what_is_seen_too_late_is_not_said_to_have_failed(
    monkeypatch: pytest.MonkeyPatch, pair: tuple[Catalog, Catalog]
) -> None:
    leading, _ = pair
    with pytest.raises(Exception, match="has not seen the change"):
        await leading.reached(1000, 0.01)


async def test_a_catalog_that_cannot_look_stays_as_it_was_and_goes_on_later(
    monkeypatch: pytest.MonkeyPatch, group: LaggingGroup, pair: tuple[Catalog, Catalog]
) -> None:
    monkeypatch.setattr(catalogs, "_RETRY_S", 0.01)
    leading, lagging = pair
    await lagging.create_collection(USERS, CollectionOptions(), 5)
    group.down = True

    assert lagging.resolve(USERS).name == "users"
    await refused(lagging.create_namespace("other", NamespaceOptions(), 5), ErrorCode.NO_LEADER)

    group.down = False
    made = await lagging.create_namespace("other", NamespaceOptions(), 5)
    await leading.reached(made.revision)
    assert leading.namespace("other")


# The copy of the last state


async def test_a_copy_is_listed_only_when_asked_for_and_the_store_is_away(group: LaggingGroup) -> None:
    local = InMemory()
    remembering = Remembering(group.leader.store, local, "/catalog/")
    await remembering.put("/catalog/a", b"1")
    await remembering.list("/catalog/")
    remembering.flush()

    assert set(local.values) == {"catalog"}
    group.down = True
    await refused(remembering.list("/catalog/"), ErrorCode.NO_LEADER)


async def test_a_copy_follows_the_watch_of_its_prefix(group: LaggingGroup) -> None:
    local = InMemory()
    store = group.leader.store
    remembering = Remembering(store, local, "/catalog/")
    await store.put("/catalog/a", b"1")
    await store.put("/catalog/b", b"1")
    listing = await remembering.list("/catalog/")
    events = remembering.watch("/catalog/", listing.revision)
    await store.delete("/catalog/a")
    revision = await store.put("/catalog/c", b"2")
    await taken(events, 2)
    remembering.flush()

    kept = Remembering(store, local, "/catalog/")._kept()
    assert kept is not None
    assert (sorted(kept.values), kept.revision) == (["/catalog/b", "/catalog/c"], revision)
