"""The metadata store on group 0 of a node with one voter."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from server.tests.unit.inprocess import InProcess
from server.tests.unit.metadata.group import LaggingGroup
from themis_server.errors import ErrorCode, ThemisServerError
from themis_server.metadata import embedded
from themis_server.metadata.embedded import EmbeddedStore
from themis_server.metadata.store import Compacted, Delete, Put, Value, WatchEvent


@pytest.fixture
async def node() -> AsyncIterator[InProcess]:
    async with InProcess() as started:
        yield started


@pytest.fixture
def store(node: InProcess) -> EmbeddedStore:
    return node.store


async def taken(events: AsyncIterator[WatchEvent], count: int) -> list[WatchEvent]:
    """Take `count` events of a watch."""
    async with asyncio.timeout(10):
        return [await anext(events) for _ in range(count)]


async def test_what_is_put_is_got_with_its_revision(store: EmbeddedStore) -> None:
    revision = await store.put("/a", b"1")

    assert await store.get("/a") == Value(b"1", revision)
    assert await store.get("/b") is None


async def test_a_listing_is_of_one_prefix_in_key_order_and_as_of_a_revision(store: EmbeddedStore) -> None:
    for key in ("/t/b", "/t/a", "/u"):
        revision = await store.put(key, key.encode())

    listing = await store.list("/t/")

    assert list(listing.values) == ["/t/a", "/t/b"]
    assert listing.revision == revision


async def test_a_transaction_is_all_or_nothing(store: EmbeddedStore) -> None:
    a = await store.put("/a", b"1")

    assert await store.transaction({"/a": a, "/b": 0}, [Put("/b", b"2"), Delete("/a")]) == a + 1
    assert await store.transaction({"/b": 0}, [Put("/c", b"3")]) is None

    assert (await store.get("/a"), await store.get("/b"), await store.get("/c")) == (None, Value(b"2", a + 1), None)


async def test_of_two_transactions_on_the_same_revision_one_wins(store: EmbeddedStore) -> None:
    a = await store.put("/a", b"0")

    results = await asyncio.gather(*[store.transaction({"/a": a}, [Put("/a", b"%d" % n)]) for n in (1, 2)])

    assert results.count(None) == 1


async def test_removing_what_is_not_there_is_no_error(store: EmbeddedStore) -> None:
    before = await store.put("/a", b"")

    assert await store.delete("/b") == before + 1


async def test_a_watch_tells_every_change_in_order_from_where_it_is_asked(store: EmbeddedStore) -> None:
    start = await store.put("/t/a", b"0")
    await store.put("/t/a", b"1")
    events = store.watch("/t/", start)
    assert [event.data for event in await taken(events, 1)] == [b"1"]

    await store.put("/other", b"")
    await store.transaction({}, [Put("/t/b", b"2"), Delete("/t/a")])

    revision = start + 3
    assert await taken(events, 2) == [WatchEvent("/t/b", b"2", revision), WatchEvent("/t/a", None, revision)]


async def test_a_watch_waits_for_what_is_to_come(store: EmbeddedStore) -> None:
    start = await store.put("/a", b"0")
    waiting = asyncio.ensure_future(taken(store.watch("/", start), 1))
    await asyncio.sleep(0)
    assert not waiting.done()

    await store.put("/a", b"1")

    assert [event.data for event in await waiting] == [b"1"]


async def test_a_change_is_published_before_its_maker_is_answered(store: EmbeddedStore) -> None:
    start = await store.put("/a", b"0")
    events = store.watch("/", start)

    await store.put("/a", b"1")

    assert [event.data for event in await asyncio.wait_for(taken(events, 1), 0.1)] == [b"1"]


async def test_a_watch_from_before_what_is_remembered_says_so(node: InProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "_REMEMBERED_EVENTS", 3)
    start = await node.store.put("/a", b"0")
    await node.crash()  # the store of the new start remembers three
    for number in range(3):
        await node.store.put("/a", b"%d" % number)
    assert len(await taken(node.store.watch("/", start), 3)) == 3

    await node.store.put("/a", b"3")

    with pytest.raises(Compacted, match=f"up to revision {start + 1}"):
        await anext(node.store.watch("/", start))
    assert len(await taken(node.store.watch("/", start + 1), 3)) == 3


async def test_a_watch_that_falls_behind_while_it_runs_says_so(
    node: InProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, "_REMEMBERED_EVENTS", 3)
    await node.crash()
    start = await node.store.put("/a", b"0")
    events = node.store.watch("/", start)
    await node.store.put("/a", b"1")
    await taken(events, 1)

    for number in range(9):
        await node.store.put("/a", b"%d" % number)

    with pytest.raises(Compacted):
        await taken(events, 9)


async def test_after_a_restart_values_are_there_and_older_changes_are_not_told(node: InProcess) -> None:
    revision = await node.store.put("/a", b"1")

    await node.crash()

    assert await node.store.get("/a") == Value(b"1", revision)
    with pytest.raises(Compacted):
        await anext(node.store.watch("/", revision - 1))
    events = node.store.watch("/", revision)
    await node.store.put("/a", b"2")
    assert [event.data for event in await taken(events, 1)] == [b"2"]


async def test_a_lease_that_is_not_kept_alive_takes_its_keys_along(node: InProcess) -> None:
    store = node.store
    dying, living = await store.grant_lease(10), await store.grant_lease(10)
    await store.put("/nodes/1", b"up", lease=dying)
    await store.put("/nodes/2", b"up", lease=living)

    node.clock.advance(9)
    assert await store.keep_lease(living, 10)
    await store.end_expired_leases(node.clock.unix_ms())
    assert list((await store.list("/nodes/")).values) == ["/nodes/1", "/nodes/2"]
    node.clock.advance(1)
    await store.end_expired_leases(node.clock.unix_ms())

    assert list((await store.list("/nodes/")).values) == ["/nodes/2"]
    assert not await store.keep_lease(dying, 10)


async def test_an_ended_lease_removes_its_keys_and_watchers_learn_it(store: EmbeddedStore) -> None:
    lease = await store.grant_lease(10)
    start = await store.put("/nodes/1", b"up", lease=lease)

    await store.end_lease(lease)

    assert await store.get("/nodes/1") is None
    assert await taken(store.watch("/nodes/", start), 1) == [WatchEvent("/nodes/1", None, start + 1)]


async def test_a_change_whose_end_is_not_known_is_not_called_a_conflict(node: InProcess) -> None:
    node.lost = lambda group: True

    with pytest.raises(ThemisServerError) as raised:
        await node.store.transaction({}, [Put("/a", b"")])

    assert raised.value.code == ErrorCode.OUTCOME_UNKNOWN


async def test_a_lease_is_kept_by_a_node_whose_replica_cannot_follow() -> None:
    group = LaggingGroup(catch_up_s=0.05)
    store = group.followers[0].store
    delivering = asyncio.create_task(store.grant_lease(10))
    while not delivering.done():
        group.send()
        await asyncio.sleep(0.001)
    lease = delivering.result()
    group.held = True

    assert await store.keep_lease(lease, 10)
