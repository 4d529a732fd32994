"""Iterating a collection: pages behind an ordinary (or async) iterator.

A listing keeps no state on the server; its cursor is a place in the key order. Closing an iterator forgets the page it
holds; leaving a `for` loop early leaves nothing behind.
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any, Self

import msgspec

from themis._generated.models import EntityList
from themis.urn import Urn

__all__ = ["AsyncEntityIterator", "EntityIterator", "ListedEntity"]


class ListedEntity(msgspec.Struct, frozen=True):
    """An entity of a listing.

    Attributes:
        urn: Its name.
        version: The version it had when its page was read.
        doc: The document; None when only versions were asked for.
    """

    urn: Urn
    version: int
    doc: dict[str, Any] | None


class _Pages:
    """What both iterators know: the page at hand and where the next one begins."""

    def __init__(self, cursor: str | None) -> None:
        self.cursor = cursor
        self.buffer: deque[ListedEntity] = deque()
        self.more = True

    def take(self, page: EntityList) -> None:
        self.buffer.extend(ListedEntity(Urn.parse(item.urn), item.version, item.doc) for item in page.items)
        self.cursor = page.cursor
        self.more = page.cursor is not None

    def drop(self) -> None:
        self.buffer.clear()
        self.more = False


class EntityIterator(Iterator[ListedEntity]):
    """Entities in the order of their uuids, fetched page by page. Also a context manager.

    `cursor` is where the page after the one at hand begins: pass it to `iterate(cursor=...)` to go on later.
    """

    def __init__(self, fetch: Callable[[str | None], EntityList], cursor: str | None) -> None:
        self._fetch = fetch
        self._pages = _Pages(cursor)

    @property
    def cursor(self) -> str | None:
        """Where the next page begins; None before the first and after the last."""
        return self._pages.cursor

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> ListedEntity:
        pages = self._pages
        while not pages.buffer:
            if not pages.more:
                raise StopIteration
            pages.take(self._fetch(pages.cursor))
        return pages.buffer.popleft()

    def close(self) -> None:
        """Stop; the iterator is at its end."""
        self._pages.drop()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class AsyncEntityIterator(AsyncIterator[ListedEntity]):
    """Entities in the order of their uuids, fetched page by page. Also an async context manager.

    `cursor` is where the page after the one at hand begins: pass it to `iterate(cursor=...)` to go on later.
    """

    def __init__(self, fetch: Callable[[str | None], Awaitable[EntityList]], cursor: str | None) -> None:
        self._fetch = fetch
        self._pages = _Pages(cursor)

    @property
    def cursor(self) -> str | None:
        """Where the next page begins; None before the first and after the last."""
        return self._pages.cursor

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> ListedEntity:
        pages = self._pages
        while not pages.buffer:
            if not pages.more:
                raise StopAsyncIteration
            pages.take(await self._fetch(pages.cursor))
        return pages.buffer.popleft()

    async def aclose(self) -> None:
        """Stop; the iterator is at its end."""
        self._pages.drop()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()
