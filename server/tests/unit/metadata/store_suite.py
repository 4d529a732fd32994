"""What every metadata store does, as tests that each of them inherits: there is one protocol, so there is one suite.

A store under test is a `Contestant`: two clients of one store (as two nodes have them), and the two things that no
client can do by itself, let time pass and forget history.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Protocol

import pytest

from themis_server.metadata.store import (
    Compacted,
    Delete,
    LeaseLost,
    MetadataStore,
    Put,
    Value,
    WatchEvent,
)

LEASE_S = 1
_WAIT_S = 15


class Contestant(Protocol):
    """A store under test."""

    store: MetadataStore
    other: MetadataStore
    """The same store as another node has it."""

    async def lapse(self) -> None:
        """Let a lease of `LEASE_S` end that nobody keeps alive since before this."""
        ...

    async def forget(self) -> None:
        """Make both clients unable to tell what changed before now."""
        ...


async def taken(events: AsyncIterator[WatchEvent], count: int) -> list[WatchEvent]:
    """Take `count` events of a watch."""
    async with asyncio.timeout(_WAIT_S):
        return [await anext(events) for _ in range(count)]


async def watched(store: MetadataStore, prefix: str, after_revision: int, count: int) -> list[WatchEvent]:
    """Watch, and take `count` events."""
    async with aclosing(store.watch(prefix, after_revision)) as events:  # type: ignore[type-var]
        return await taken(events, count)


async def add_one(store: MetadataStore, key: str) -> int:
    """Count up in `key`, whoever else does; return the revision that it was done at."""
    while True:
        known = await store.get(key)
        number = 0 if known is None else int(known.data)
        done = await store.transaction({key: 0 if known is None else known.revision}, [Put(key, b"%d" % (number + 1))])
        if done is not None:
            return done


class StoreSuite:
    """The rules. A subclass gives the fixture `contestant`."""

    @pytest.fixture
    def store(self, contestant: Contestant) -> MetadataStore:
        return contestant.store

    @pytest.fixture
    def other(self, contestant: Contestant) -> MetadataStore:
        return contestant.other

    # Values

    async def test_what_is_put_is_got_with_its_revision_here_and_elsewhere(
        self, store: MetadataStore, other: MetadataStore
    ) -> None:
        revision = await store.put("/a", b"1")

        assert await store.get("/a") == await other.get("/a") == Value(b"1", revision)
        assert await store.get("/b") is None

    @pytest.mark.parametrize("data", [b"", b"\x00\xff", "\N{SNOWMAN}".encode(), b"x" * 1_000_000])
    async def test_a_value_is_any_bytes(self, store: MetadataStore, other: MetadataStore, data: bytes) -> None:
        revision = await store.put("/t/\N{SNOWMAN}", data)

        assert (await other.list("/t/")).values == {"/t/\N{SNOWMAN}": Value(data, revision)}

    async def test_a_listing_is_of_one_prefix_in_key_order_and_as_of_a_revision(
        self, store: MetadataStore, other: MetadataStore
    ) -> None:
        for key in ("/t/b", "/t/a", "/u", "/t"):
            revision = await store.put(key, key.encode())

        listing = await other.list("/t/")

        assert list(listing.values) == ["/t/a", "/t/b"]
        assert listing.revision >= revision

    async def test_a_removed_key_is_gone_and_removing_it_again_is_no_error(
        self, store: MetadataStore, other: MetadataStore
    ) -> None:
        await store.put("/a", b"1")

        await store.delete("/a")

        assert await other.get("/a") is None
        await other.delete("/a")

    async def test_revisions_rise_with_every_change_of_anything(
        self, store: MetadataStore, other: MetadataStore
    ) -> None:
        revisions = [
            await store.put("/a", b"1"),
            await other.put("/b", b"1"),
            await store.delete("/a"),
            await other.transaction({}, [Put("/c", b"1")]),
        ]

        assert None not in revisions
        assert revisions == sorted(set(revisions))  # type: ignore[type-var]

    # Transactions

    async def test_a_transaction_is_all_or_nothing(self, store: MetadataStore) -> None:
        a = await store.put("/a", b"1")

        done = await store.transaction({"/a": a, "/b": 0}, [Put("/b", b"2"), Delete("/a")])
        assert done is not None
        assert await store.transaction({"/b": 0}, [Put("/c", b"3")]) is None
        assert await store.transaction({"/b": done, "/a": a}, [Put("/c", b"3")]) is None

        values = [await store.get(key) for key in ("/a", "/b", "/c")]
        assert values == [None, Value(b"2", done), None]

    async def test_of_two_transactions_on_the_same_revision_one_wins(
        self, store: MetadataStore, other: MetadataStore
    ) -> None:
        a = await store.put("/a", b"0")

        results = await asyncio.gather(*[client.transaction({"/a": a}, [Put("/a", b"x")]) for client in (store, other)])

        assert results.count(None) == 1

    async def test_a_key_twice_in_a_transaction_is_what_was_said_last(self, store: MetadataStore) -> None:
        done = await store.transaction({}, [Put("/a", b"1"), Delete("/b"), Put("/a", b"2"), Put("/b", b"3")])

        assert done is not None
        assert (await store.list("/")).values == {"/a": Value(b"2", done), "/b": Value(b"3", done)}

    async def test_no_count_is_lost_between_two_clients(self, store: MetadataStore, other: MetadataStore) -> None:
        await asyncio.gather(*[add_one(client, "/n") for client in (store, other) for _ in range(10)])

        counted = await other.get("/n")
        assert counted is not None
        assert counted.data == b"20"

    # Watches

    async def test_a_watch_tells_every_change_in_order_from_where_it_is_asked(
        self, store: MetadataStore, other: MetadataStore
    ) -> None:
        start = await store.put("/t/a", b"0")
        first = await store.put("/t/a", b"1")
        await store.put("/other", b"")
        last = await store.transaction({}, [Put("/t/b", b"2"), Delete("/t/a")])
        assert last is not None

        for client in (store, other):
            events = await watched(client, "/t/", start, 3)
            assert events[0] == WatchEvent("/t/a", b"1", first)
            assert sorted(events[1:], key=lambda event: event.key) == [
                WatchEvent("/t/a", None, last),
                WatchEvent("/t/b", b"2", last),
            ]

    async def test_a_watch_waits_for_what_is_to_come(self, store: MetadataStore, other: MetadataStore) -> None:
        start = await store.put("/a", b"0")
        waiting = asyncio.ensure_future(watched(other, "/", start, 1))
        await asyncio.sleep(0)
        assert not waiting.done()

        revision = await store.put("/a", b"1")

        assert await waiting == [WatchEvent("/a", b"1", revision)]

    async def test_a_watch_tells_each_change_of_many_writers_once_and_in_order(
        self, store: MetadataStore, other: MetadataStore
    ) -> None:
        start = (await store.list("/")).revision
        watching = asyncio.ensure_future(watched(other, "/n/", start, 60))

        revisions = await asyncio.gather(
            *[client.put(f"/n/{number}", b"") for number in range(30) for client in (store, other)]
        )

        assert [event.revision for event in await watching] == sorted(revisions)

    async def test_a_listing_and_a_watch_from_its_revision_miss_nothing(
        self, store: MetadataStore, other: MetadataStore
    ) -> None:
        async def write() -> None:
            for number in range(40):
                await store.put("/n", b"%d" % number)

        writing = asyncio.ensure_future(write())
        await asyncio.sleep(0.01)
        listing = await other.list("/n")
        known = listing.values.get("/n")
        after = -1 if known is None else int(known.data)
        # A watch may repeat what the listing had, but leaves no gap.
        async with asyncio.timeout(_WAIT_S), aclosing(other.watch("/n", listing.revision)) as events:  # type: ignore[type-var]
            while after < 39:
                event = await anext(events)
                assert event.data is not None
                assert int(event.data) <= after + 1
                after = max(after, int(event.data))
        await writing

    async def test_a_watch_from_before_what_is_remembered_says_so_and_a_new_listing_helps(
        self, contestant: Contestant, store: MetadataStore, other: MetadataStore
    ) -> None:
        start = await store.put("/a", b"0")
        await store.put("/a", b"1")
        await contestant.forget()

        for client in (store, other):
            with pytest.raises(Compacted):
                await watched(client, "/", start - 1, 1)
        listing = await other.list("/")
        revision = await store.put("/a", b"2")

        assert listing.values["/a"].data == b"1"
        assert await watched(other, "/", listing.revision, 1) == [WatchEvent("/a", b"2", revision)]

    # Leases

    async def test_a_lease_that_is_not_kept_alive_takes_its_keys_along(
        self, contestant: Contestant, store: MetadataStore, other: MetadataStore
    ) -> None:
        lease = await store.grant_lease(LEASE_S)
        start = await store.put("/nodes/1", b"up", lease=lease)
        await store.put("/nodes/2", b"up")

        await contestant.lapse()

        (event,) = await watched(other, "/nodes/1", start, 1)
        assert event.data is None
        assert list((await other.list("/nodes/")).values) == ["/nodes/2"]
        assert not await store.keep_lease(lease, LEASE_S)

    async def test_a_lease_is_kept_alive_by_its_holder(
        self, contestant: Contestant, store: MetadataStore, other: MetadataStore
    ) -> None:
        kept, left = await store.grant_lease(LEASE_S * 4), await store.grant_lease(LEASE_S)
        await store.put("/nodes/kept", b"", lease=kept)
        await store.put("/nodes/left", b"", lease=left)

        assert await store.keep_lease(kept, LEASE_S * 4)
        await contestant.lapse()

        assert list((await other.list("/nodes/")).values) == ["/nodes/kept"]
        assert await store.keep_lease(kept, LEASE_S * 4)

    async def test_an_ended_lease_removes_its_keys_and_watchers_learn_it(
        self, store: MetadataStore, other: MetadataStore
    ) -> None:
        lease = await store.grant_lease(LEASE_S)
        start = await store.put("/nodes/1", b"up", lease=lease)

        await store.end_lease(lease)
        await store.end_lease(lease)

        assert await other.get("/nodes/1") is None
        (event,) = await watched(other, "/nodes/", start, 1)
        assert (event.key, event.data) == ("/nodes/1", None)

    async def test_nothing_is_set_under_a_lease_that_has_ended(self, store: MetadataStore) -> None:
        lease = await store.grant_lease(LEASE_S)
        await store.end_lease(lease)

        with pytest.raises(LeaseLost):
            await store.put("/nodes/1", b"", lease=lease)
        assert await store.transaction({}, [Put("/a", b""), Put("/nodes/1", b"", lease)]) is None

        assert (await store.list("/")).values == {}

    async def test_a_key_that_is_set_without_its_lease_outlives_it(self, store: MetadataStore) -> None:
        lease = await store.grant_lease(LEASE_S)
        await store.put("/a", b"leased", lease=lease)
        await store.put("/a", b"for good")

        await store.end_lease(lease)

        kept = await store.get("/a")
        assert kept is not None
        assert kept.data == b"for good"
