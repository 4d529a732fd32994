"""What a node has seen of the metadata last, kept on its own disk: so that it starts and serves while etcd is away.

With the embedded store the replica of group 0 is that copy already, and only the topology is kept beside it, for the
fence (`fencing`). With etcd the catalog is kept too.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Protocol

import msgspec

from themis_server.errors import ErrorCode, ThemisServerError
from themis_server.metadata.store import Delete, Listing, MetadataStore, Put, Value, WatchEvent

_SAVE_AFTER_S = 0.5
_AWAY = (ErrorCode.METADATA_UNAVAILABLE, ErrorCode.METADATA_OUTDATED)
"""The store cannot be asked, or must not be believed."""


class LastKnown(Protocol):
    """A few small named values on the node's own disk."""

    def load(self, name: str) -> bytes | None:
        """Return what was saved under a name, None if nothing was."""
        ...

    def save(self, name: str, data: bytes) -> None:
        """Keep a value, in place of the one before, over restarts."""
        ...


class InMemory:
    """Values that a restart forgets: for tests, and for whoever keeps nothing."""

    def __init__(self) -> None:
        self.values: dict[str, bytes] = {}

    def load(self, name: str) -> bytes | None:
        """Return what was saved under a name."""
        return self.values.get(name)

    def save(self, name: str, data: bytes) -> None:
        """Keep a value."""
        self.values[name] = data


class _Copy(msgspec.Struct, frozen=True):
    revision: int
    values: dict[str, tuple[bytes, int]]


_decoder = msgspec.msgpack.Decoder(_Copy)


def copied(local: LastKnown, prefix: str) -> Listing | None:
    """Return the copy of a prefix that `Remembering` has saved, None if there is none."""
    data = local.load(prefix.strip("/"))
    if data is None:
        return None
    copy = _decoder.decode(data)
    return Listing({key: Value(*value) for key, value in copy.values.items()}, copy.revision)


def fingerprint(values: Mapping[str, bytes]) -> str:
    """Return what tells two copies apart that are not the same, 32 hex digits."""
    digest = hashlib.blake2b(digest_size=16)
    for key in sorted(values):
        digest.update(msgspec.msgpack.encode((key, values[key])))
    return digest.hexdigest()


class Remembering:
    """A `MetadataStore` that keeps a copy of one prefix and lists it from there while the store cannot be reached.

    Only listings that may be stale are answered so. Whoever watches the prefix keeps the copy current; it is saved
    half a second after a change, so that a thousand changes are not a thousand writes of everything.

    Args:
        store: What is asked.
        local: Where the copy is kept.
        prefix: Of which keys, for example `/catalog/`.
    """

    def __init__(self, store: MetadataStore, local: LastKnown, prefix: str) -> None:
        self._store = store
        self._local = local
        self._prefix = prefix
        self._name = prefix.strip("/")
        self._listing: Listing | None = None
        self._saving: asyncio.TimerHandle | None = None

    async def get(self, key: str, *, stale: bool = False) -> Value | None:
        """Return the value at `key`, from the store."""
        return await self._store.get(key, stale=stale)

    async def list(self, prefix: str, *, stale: bool = False) -> Listing:
        """Return everything under `prefix`, with `stale` from the copy when the store cannot be reached."""
        kept = prefix == self._prefix
        try:
            listing = await self._store.list(prefix, stale=stale)
        except ThemisServerError as error:
            copy = self._kept() if kept and stale and error.code in _AWAY else None
            if copy is None:
                raise
            return copy
        if kept:
            self._listing = Listing(dict(listing.values), listing.revision)
            self._save_soon()
        return listing

    async def put(self, key: str, data: bytes, *, lease: int = 0) -> int:
        """Set `key` in the store."""
        return await self._store.put(key, data, lease=lease)

    async def delete(self, key: str) -> int:
        """Remove `key` from the store."""
        return await self._store.delete(key)

    async def transaction(self, compares: dict[str, int], ops: Sequence[Put | Delete]) -> int | None:
        """Change the store."""
        return await self._store.transaction(compares, ops)

    async def watch(self, prefix: str, after_revision: int) -> AsyncIterator[WatchEvent]:
        """Yield the store's changes, noting those of the prefix in the copy."""
        async for event in self._store.watch(prefix, after_revision):
            if prefix == self._prefix:
                self._note(event)
            yield event

    async def grant_lease(self, ttl_s: float) -> int:
        """Start a lease in the store."""
        return await self._store.grant_lease(ttl_s)

    async def keep_lease(self, lease: int, ttl_s: float) -> bool:
        """Keep a lease of the store alive."""
        return await self._store.keep_lease(lease, ttl_s)

    async def end_lease(self, lease: int) -> None:
        """End a lease of the store."""
        await self._store.end_lease(lease)

    @property
    def fingerprint(self) -> str:
        """The `fingerprint` of the copy."""
        listing = self._kept()
        return fingerprint({} if listing is None else {key: value.data for key, value in listing.values.items()})

    def flush(self) -> None:
        """Save the copy now, if there is anything new in it: the node stops."""
        if self._saving is not None:
            self._saving.cancel()
            self._save()

    def _kept(self) -> Listing | None:
        if self._listing is None:
            self._listing = copied(self._local, self._prefix)
        return self._listing

    def _note(self, event: WatchEvent) -> None:
        known = self._listing
        if known is None or event.revision < known.revision:
            return
        values = known.values
        if event.data is None:
            values.pop(event.key, None)
        else:
            values[event.key] = Value(event.data, event.revision)
        self._listing = Listing(values, event.revision)
        self._save_soon()

    def _save_soon(self) -> None:
        if self._saving is None:
            self._saving = asyncio.get_running_loop().call_later(_SAVE_AFTER_S, self._save)

    def _save(self) -> None:
        self._saving = None
        listing = self._listing
        assert listing is not None
        values = {key: (value.data, value.revision) for key, value in listing.values.items()}
        self._local.save(self._name, msgspec.msgpack.encode(_Copy(listing.revision, values)))
