"""Changes of the catalog that reach beyond it: drops that remove data from every shard, and idempotent requests."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple

import msgspec

from themis_server.clock import Clock
from themis_server.errors import ErrorCode, ThemisServerError
from themis_server.gateway.freshness import NOT_FOUND, Freshness
from themis_server.gateway.shards import Shards
from themis_server.gateway.writing import digest, key_reused
from themis_server.metadata.catalog import NOTHING, Alongside, Catalog
from themis_server.metadata.store import Delete, MetadataStore, Put, Value

_REMEMBERED = "/idempotency/"
_REPEATS_MAX = 4
_REPEAT_AFTER_S = 0.001
_LOST_RACE = {
    ErrorCode.NAMESPACE_EXISTS,
    ErrorCode.NAMESPACE_NOT_FOUND,
    ErrorCode.COLLECTION_EXISTS,
    ErrorCode.COLLECTION_NOT_FOUND,
    ErrorCode.METADATA_CONFLICT,
}
"""What a change is told when another one, which may have been the same request, was faster."""


class _Record(msgspec.Struct, frozen=True):
    fingerprint: str
    expires_ms: int
    status: int
    body: str


class Done(NamedTuple):
    """The answer to a change; `replayed` if an earlier request with the same key was given it."""

    status: int
    body: bytes
    replayed: bool


Remembered = Callable[[tuple[int, bytes]], Alongside]
"""Given the answer of a change, what to write in its transaction so that a retry is given the same."""

_decoder = msgspec.json.Decoder(_Record)


class CatalogChanges:
    """Carries out changes of the catalog."""

    def __init__(
        self,
        freshness: Freshness,
        store: MetadataStore,
        shards: Shards,
        clock: Clock,
        *,
        retention_ms: int,
    ) -> None:
        self._catalog: Catalog = freshness.catalog
        self._freshness = freshness
        self._store = store
        self._shards = shards
        self._clock = clock
        self._retention_ms = retention_ms

    async def once(
        self, key: str | None, request: bytes, change: Callable[[Remembered], Awaitable[tuple[int, bytes]]]
    ) -> Done:
        """Make a change; with an idempotency `key` at most once, told from other requests by the bytes of `request`."""
        if key is None:
            status, body = await self._persistently(lambda: change(lambda answer: NOTHING))
            return Done(status, body, False)
        path = f"{_REMEMBERED}{digest(key).hex()}"
        fingerprint = digest(request.hex()).hex()
        now_ms = self._clock.unix_ms()
        known = await self._store.get(path)
        done = _replayed(known, fingerprint, now_ms)
        if done is not None:
            return done
        unchanged = {path: 0 if known is None else known.revision}

        def remembered(answer: tuple[int, bytes]) -> Alongside:
            record = _Record(fingerprint, now_ms + self._retention_ms, answer[0], answer[1].decode())
            return Alongside(unchanged, (Put(path, msgspec.json.encode(record)),))

        try:
            status, body = await self._persistently(lambda: change(remembered))
        except ThemisServerError as error:
            # A client that sends a request again while the first is under way loses the race against itself.
            done = _replayed(await self._store.get(path), fingerprint, now_ms) if error.code in _LOST_RACE else None
            if done is None:
                raise
            return done
        return Done(status, body, False)

    async def _persistently(self, change: Callable[[], Awaitable[tuple[int, bytes]]]) -> tuple[int, bytes]:
        """Make a change again when another one came between its reading and its writing, up to four times more.

        Changes that touch different names still meet, at the counter of collection ids. What does not exist may only
        not have been heard of yet.
        """
        for attempt in range(_REPEATS_MAX):
            try:
                return await change()
            except ThemisServerError as error:
                if error.code not in NOT_FOUND and error.code != ErrorCode.METADATA_CONFLICT:
                    raise
                if error.code in NOT_FOUND and (attempt or self._freshness.is_current):
                    raise
            # Somebody was faster. A moment later the watch has brought what they wrote.
            await self._freshness.confirm_all()
            await asyncio.sleep(_REPEAT_AFTER_S * 2**attempt)
        return await change()

    async def forget_expired(self) -> None:
        """Remove remembered requests whose time has passed."""
        now_ms = self._clock.unix_ms()
        listing = await self._store.list(_REMEMBERED)
        due = [key for key, value in listing.values.items() if _decoder.decode(value.data).expires_ms <= now_ms]
        if due:
            await self._store.transaction({}, [Delete(key) for key in due])

    async def drop_collection(self, namespace: str, name: str, alongside: Alongside) -> None:
        """Drop a collection and remove its data from every shard."""
        await self._remove_now_or_later(await self._catalog.begin_drop_collection(namespace, name, alongside))

    async def drop_namespace(self, name: str, *, force: bool, alongside: Alongside) -> None:
        """Drop a namespace, with `force` and its collections and their data."""
        await self._remove_now_or_later(
            await self._catalog.begin_drop_namespace(name, force=force, alongside=alongside)
        )

    async def finish_drops(self) -> None:
        """Remove the data of drops that a crash, or a shard that took no writes, interrupted."""
        await self._remove(await self._catalog.unfinished_drops())

    async def _remove_now_or_later(self, ids: Sequence[int]) -> None:
        # The names are gone for good, so "nothing was written" would be untrue now, whatever a shard says. The mark in
        # the metadata stays until the data is gone too, and finish_drops comes by again.
        with contextlib.suppress(ThemisServerError):
            await self._remove(ids)

    async def _remove(self, ids: Sequence[int]) -> None:
        if not ids:
            return
        await self._shards.drop_collections(ids)
        await self._catalog.end_drop(ids)


def _replayed(known: Value | None, fingerprint: str, now_ms: int) -> Done | None:
    """Return what a remembered request was answered, None if there is none; raises idempotency_key_reused."""
    if known is None:
        return None
    record = _decoder.decode(known.data)
    if record.expires_ms <= now_ms:
        return None
    if record.fingerprint != fingerprint:
        raise key_reused()
    return Done(record.status, record.body.encode(), True)
