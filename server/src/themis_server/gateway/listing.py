"""Counting a collection and paging through it: all shards, merged in key order."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

from themis_server.gateway.router import Router
from themis_server.metadata.catalog import Collection


class Page(NamedTuple):
    """A page of (uuid, stored form), and the uuid after which the next one begins; None if there is none."""

    entities: list[tuple[bytes, bytes]]
    next_after: bytes | None


class Listing:
    """Reads that span a whole collection."""

    def __init__(self, router: Router) -> None:
        self._router = router

    def count(self, collection: Collection) -> dict[str, int]:
        """Return how many entities a collection has in each shard."""
        replicas = sorted(self._router.replicas.items())
        return {shard_id: replica.count(collection.id) for shard_id, replica in replicas}

    def page(self, collection: Collection, after: bytes | None, limit: int) -> Page:
        """Return up to `limit` entities in uuid order after `after`.

        Every shard is asked for a fair share first and for more only if its share is used up, so a page of n entities
        reads about n from storage and not n from each shard.
        """
        replicas = list(self._router.replicas.values())
        share = max(limit // len(replicas) + limit // 8, 8)

        def stream(index: int) -> Iterator[tuple[bytes, bytes]]:
            position = after
            while True:
                pairs = replicas[index].page(collection.id, position, share)
                yield from pairs
                if len(pairs) < share:
                    return
                position = pairs[-1][0]

        merged = heapq.merge(*[stream(index) for index in range(len(replicas))], key=lambda pair: pair[0])
        entities = list(islice(merged, limit))
        more = next(merged, None) is not None if len(entities) == limit else False
        return Page(entities, entities[-1][0] if more else None)
