from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.tests.unit.inprocess import InProcess, prefix, urn, uuid
from themis.urn import uuid_from_bytes
from themis_server.gateway.batch import WriteItem
from themis_server.gateway.listing import Listing
from themis_server.metadata.catalog import Collection
from themis_server.shard.reading import STRONG
from themis_server.statemachine.command import WriteOp


@pytest.fixture
async def node() -> AsyncIterator[InProcess]:
    async with InProcess() as started:
        yield started


async def filled(node: InProcess, numbers: list[int], document: bytes = b"{}") -> Collection:
    await node.catalog.ensure(prefix(), 5)
    await node.batches.write(WriteOp.PUT, [WriteItem(urn(number), document) for number in numbers], None)
    return node.catalog.by_prefix[prefix().text]


async def walk(listing: Listing, collection: Collection, limit: int) -> tuple[list[str], int]:
    """Page through a collection; return what was found and in how many pages."""
    found: list[str] = []
    after, pages = None, 0
    while True:
        page = await listing.page(collection, after, limit, STRONG)
        found += [uuid_from_bytes(raw) for raw, _ in page.entities]
        pages += 1
        if page.next_after is None:
            return found, pages
        assert page.entities, "a page that is not the last has something in it"
        after = page.next_after


async def test_a_count_is_the_sum_of_its_shards(node: InProcess) -> None:
    collection = await filled(node, list(range(1, 31)))

    counts, _ = await node.listing.count(collection, STRONG)

    assert list(counts) == sorted(node.replicas.by_shard)
    assert sum(counts.values()) == 30


async def test_all_shards_are_merged_in_key_order(node: InProcess) -> None:
    collection = await filled(node, list(range(60, 0, -1)))

    found, pages = await walk(node.listing, collection, 1000)

    assert (found, pages) == ([uuid(number) for number in range(1, 61)], 1)


@settings(deadline=None, max_examples=25)
@given(st.sets(st.integers(1, 500), max_size=80), st.integers(1, 30))
def test_pages_of_any_size_show_everything_once(numbers: set[int], limit: int) -> None:
    import asyncio

    async def check() -> None:
        async with InProcess() as node:
            collection = await filled(node, sorted(numbers, key=lambda number: number * 7919 % 503))

            found, pages = await walk(node.listing, collection, limit)

            assert found == [uuid(number) for number in sorted(numbers)]
            assert pages == max(-(-len(numbers) // limit), 1)

    asyncio.run(check())


async def test_a_page_that_ends_with_the_collection_is_the_last(node: InProcess) -> None:
    collection = await filled(node, [1, 2, 3])

    assert (await node.listing.page(collection, None, 3, STRONG)).next_after is None
    assert (await node.listing.page(collection, None, 2, STRONG)).next_after is not None


async def test_a_page_holds_no_more_bytes_than_it_may_and_at_least_one_entity(node: InProcess) -> None:
    collection = await filled(node, list(range(1, 21)), b'{"a":"%b"}' % (b"x" * 900))

    for bytes_max, in_a_page in ((1, 1), (2500, 2), (12_000, 10)):
        listing = Listing(node.shards, page_bytes_max=bytes_max)
        found, _ = await walk(listing, collection, 1000)
        assert found == [uuid(number) for number in range(1, 21)]
        page = await listing.page(collection, None, 1000, STRONG)
        assert len(page.entities) == in_a_page


async def test_what_is_written_behind_the_cursor_is_not_seen_and_what_is_before_it_is(node: InProcess) -> None:
    collection = await filled(node, [10, 20, 30])
    page = await node.listing.page(collection, None, 2, STRONG)

    await filled(node, [5, 25])

    rest = await node.listing.page(collection, page.next_after, 10, STRONG)
    assert [uuid_from_bytes(raw) for raw, _ in rest.entities] == [uuid(25), uuid(30)]
