"""Counting a collection and paging through it: all shards, merged in key order."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from typing import NamedTuple

from themis_server.gateway.router import Router
from themis_server.metadata.catalog import Collection

_ITEM_BYTES = 256
"""What an item of a listing takes beside its document, at most."""


class Page(NamedTuple):
    """A page of (uuid, stored form), and the uuid after which the next one begins; None if there is none."""

    entities: list[tuple[bytes, bytes]]
    next_after: bytes | None


class Listing:
    """Reads that span a whole collection."""

    def __init__(self, router: Router, *, page_bytes_max: int) -> None:
        self._router = router
        self._page_bytes_max = page_bytes_max

    def count(self, collection: Collection) -> dict[str, int]:
        """Return how many entities a collection has in each shard."""
        replicas = sorted(self._router.replicas.items())
        return {shard_id: replica.count(collection.id) for shard_id, replica in replicas}

    def page(self, collection: Collection, after: bytes | None, limit: int) -> Page:
        """Return up to `limit` entities in uuid order after `after`; fewer, if they exceed the bytes of a page.

        Every shard is asked for a fair share first and for more only if its share is used up, so a page of n entities
        reads about n from storage and not n from each shard.
        """
        replicas = list(self._router.replicas.values())
        share = max(limit // len(replicas) + limit // 8, 8)
        bytes_max = self._page_bytes_max
        share_bytes = bytes_max // len(replicas)

        def stream(index: int) -> Iterator[tuple[bytes, bytes]]:
            position = after
            more = True
            while more:
                pairs, more = replicas[index].page(collection.id, position, share, share_bytes)
                yield from pairs
                if pairs:
                    position = pairs[-1][0]

        merged = heapq.merge(*[stream(index) for index in range(len(replicas))], key=lambda pair: pair[0])
        entities: list[tuple[bytes, bytes]] = []
        size = 0
        for pair in merged:
            size += len(pair[1]) + _ITEM_BYTES
            if len(entities) == limit or (size > bytes_max and entities):
                return Page(entities, entities[-1][0])
            entities.append(pair)
        return Page(entities, None)
