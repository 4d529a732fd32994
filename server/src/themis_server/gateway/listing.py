"""Counting a collection and paging through it: all shards, merged in key order."""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from typing import NamedTuple

from themis_server.gateway.routing import Place
from themis_server.gateway.served import Served, Sources
from themis_server.gateway.shards import PageWanted, Shards
from themis_server.metadata.catalog import Collection
from themis_server.shard.reading import STRONG, Consistency

_ITEM_BYTES = 256
"""What an item of a listing takes beside its document, at most."""
_SHARE_ITEMS_MIN = 8


class Page(NamedTuple):
    """A page of (uuid, stored form), the uuid after which the next one begins (None if there is none), who answered."""

    entities: list[tuple[bytes, bytes]]
    next_after: bytes | None
    sources: Sources


class _Stream:
    """What one shard has of a page: read in pieces, handed out one by one."""

    __slots__ = ("at", "more", "pairs", "place", "position")

    def __init__(self, place: Place, after: bytes | None) -> None:
        self.place = place
        self.position = after
        self.pairs: list[tuple[bytes, bytes]] = []
        self.at = 0
        self.more = True

    def take(self, pairs: list[tuple[bytes, bytes]], more: bool) -> None:
        """Go on with the next piece."""
        self.pairs, self.at, self.more = pairs, 0, more
        if pairs:
            self.position = pairs[-1][0]


class Listing:
    """Reads that span a whole collection."""

    def __init__(self, shards: Shards, *, page_bytes_max: int) -> None:
        self._shards = shards
        self._page_bytes_max = page_bytes_max

    async def count(self, collection: Collection, consistency: Consistency) -> tuple[dict[str, int], Sources]:
        """Return how many entities a collection has in each shard, and who said so.

        Raises:
            ThemisServerError: some shards cannot be asked; it names them.
        """
        jobs = await self._shards.count([collection.id], consistency)
        sources = Sources(self._shards.routing.me)
        counts: dict[str, int] = {}
        for job, counted in self._shards.answered(jobs):
            counts[job.place.shard_id] = counted.counts[0]
            sources.add(Served(job.node_id, job.place.shard_id, counted.role, counted.lag_ms, counted.version))
        return counts, sources

    async def counts_known(self, collections: Iterable[Collection]) -> dict[str, int | None]:
        """Return how many entities each shard has of all the collections together; None where nobody can be asked."""
        jobs = await self._shards.count([collection.id for collection in collections], STRONG)
        return {
            job.place.shard_id: None if job.error is not None or job.answer is None else sum(job.answer.counts)
            for job in jobs
        }

    async def page(self, collection: Collection, after: bytes | None, limit: int, consistency: Consistency) -> Page:
        """Return up to `limit` entities in uuid order after `after`; fewer, if they exceed the bytes of a page.

        Every shard is asked for a fair share first and for more only if its share is used up, so a page of n entities
        reads about n from storage and not n from each shard.

        Raises:
            ThemisServerError: some shards cannot be read; it names them. Nothing is ever left out of a page.
        """
        sources = Sources(self._shards.routing.me)
        streams = [_Stream(place, after) for place in self._shards.routing.places()]
        share = max(limit // len(streams) + limit // 8, _SHARE_ITEMS_MIN)
        bytes_max = self._page_bytes_max
        share_bytes = bytes_max // len(streams)

        async def fill(some: list[_Stream]) -> None:
            wanted = [PageWanted(stream.place, collection.id, stream.position, share, share_bytes) for stream in some]
            pages = await self._shards.pages(wanted, consistency)
            for stream, (page, served) in zip(some, pages, strict=True):
                stream.take(page.pairs, page.more)
                sources.add(served)

        await fill(streams)
        heap = [(stream.pairs[0][0], index) for index, stream in enumerate(streams) if stream.pairs]
        heapq.heapify(heap)
        entities: list[tuple[bytes, bytes]] = []
        size = 0
        while heap:
            _, index = heap[0]
            stream = streams[index]
            pair = stream.pairs[stream.at]
            size += len(pair[1]) + _ITEM_BYTES
            if len(entities) == limit or (size > bytes_max and entities):
                return Page(entities, entities[-1][0], sources)
            entities.append(pair)
            stream.at += 1
            if stream.at == len(stream.pairs) and stream.more:
                await fill([stream])
            if stream.at < len(stream.pairs):
                heapq.heapreplace(heap, (stream.pairs[stream.at][0], index))
            else:
                heapq.heappop(heap)
        return Page(entities, None, sources)
