"""Namespaces and collections: the schema registry, as it is stored and as this node holds it in memory.

    /catalog/namespaces/{namespace}               NamespaceRecord
    /catalog/collections/{namespace}/{name}       CollectionRecord
    /catalog/dropping/{id}                        a dropped collection whose data is still being removed
    /catalog/next_id                              the id for the next collection

A collection's id stands in the keys of its entities. A drop removes the name at once and the data after it; ids are
never used again, so a new collection of the same name never sees the old one's entities.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

import msgspec

from themis.urn import UrnPrefix
from themis_server.errors import ErrorCode, ThemisServerError
from themis_server.metadata.store import Compacted, Delete, MetadataStore, Put
from themis_server.observability.log import get_logger

ROOT = "/catalog/"
_NAMESPACES = "/catalog/namespaces/"
_COLLECTIONS = "/catalog/collections/"
_DROPPING = "/catalog/dropping/"
NEXT_ID = "/catalog/next_id"
_SETTLE_S = 5.0
_CONFLICT_SETTLE_S = 1.0
_RETRY_S = 0.5

_log = get_logger(__name__).limited(burst=3, interval_s=60.0)


class NamespaceOptions(msgspec.Struct, frozen=True):
    """What can be set of a namespace."""

    auto_create_collections: bool = True


class CollectionOptions(msgspec.Struct, frozen=True):
    """What can be set of a collection."""

    description: str = ""
    cache_max_age_s: int = 0
    change_feed: bool = True


class NamespaceRecord(msgspec.Struct, frozen=True):
    """A namespace as stored."""

    options: NamespaceOptions
    created_ms: int


class CollectionRecord(msgspec.Struct, frozen=True):
    """A collection as stored."""

    id: int
    model: str
    options: CollectionOptions
    created_ms: int


class Namespace(NamedTuple):
    """A namespace as this node knows it; `revision` is what a change of it compares with."""

    name: str
    record: NamespaceRecord
    revision: int


class Collection(NamedTuple):
    """A collection as this node knows it."""

    namespace: str
    name: str
    record: CollectionRecord
    revision: int
    id: int
    cache_control: str

    @property
    def prefix(self) -> UrnPrefix:
        """What its entities' URNs begin with."""
        return UrnPrefix(self.record.model, self.namespace, self.name)


class Alongside(NamedTuple):
    """What a change checks and writes beside itself, in its transaction: how an idempotent request is remembered."""

    compares: Mapping[str, int] = {}
    puts: tuple[Put, ...] = ()


NOTHING = Alongside()

_namespace_decoder = msgspec.json.Decoder(NamespaceRecord)
_collection_decoder = msgspec.json.Decoder(CollectionRecord)


class Catalog:
    """The catalog in memory, kept current by a watch, and its changes. Belongs to the event loop."""

    def __init__(self, store: MetadataStore, *, auto_create_namespaces: bool, auto_create_collections: bool) -> None:
        self._store = store
        self._auto_create_namespaces = auto_create_namespaces
        self._auto_create_collections = auto_create_collections
        self._changed = asyncio.Event()
        self._revision = 0
        self.namespaces: dict[str, Namespace] = {}
        self.collections: dict[str, dict[str, Collection]] = {}
        self.by_prefix: dict[str, Collection] = {}
        """From the normalised text of a URN up to its uuid to the collection: the look-up of every request."""

    async def load(self) -> None:
        """Read the whole catalog, as this node knows it: without asking others, where it has a replica or a copy."""
        listing = await self._store.list(ROOT, stale=True)
        if listing.revision < self._revision:
            raise ThemisServerError(
                ErrorCode.METADATA_UNAVAILABLE, "there is only a copy of the catalog that is older than what is known"
            )
        self.namespaces, self.collections, self.by_prefix = {}, {}, {}
        for key, value in listing.values.items():
            self._take(key, value.data, value.revision)
        self._advance(listing.revision)

    async def follow(self) -> None:
        """Keep the catalog current, without end; while the store cannot be reached it stays as it is."""
        stale = False
        while True:
            try:
                if stale:
                    await self.load()
                    stale = False
                async for event in self._store.watch(ROOT, self._revision):
                    self._take(event.key, event.data, event.revision)
                    self._advance(event.revision)
            except Compacted:
                stale = True
            except ThemisServerError as error:
                _log.warning("catalog.follow.failed", why=str(error))
                await asyncio.sleep(_RETRY_S)

    def _advance(self, revision: int) -> None:
        self._revision = max(self._revision, revision)
        self._changed.set()
        self._changed = asyncio.Event()

    async def reached(self, revision: int, timeout_s: float = _SETTLE_S) -> None:
        """Wait until this node has seen what the store was like at `revision`; raises outcome_unknown if it takes long.

        A change is made by the leader of the metadata, and this node learns of it through its watch.
        """
        try:
            async with asyncio.timeout(timeout_s):
                while self._revision < revision:
                    await self._changed.wait()
        except TimeoutError:
            raise ThemisServerError(
                ErrorCode.OUTCOME_UNKNOWN,
                f"the catalog was changed, but this node has not seen the change within {timeout_s:g} s",
            ) from None

    async def confirm(self, namespace: str, name: str = "") -> None:
        """Make what is said here of a namespace, and of a collection of it, true as of this call.

        Raises:
            ThemisServerError: the store cannot be asked, or this node does not see what it says.
        """
        keys = [_NAMESPACES + namespace, *([f"{_COLLECTIONS}{namespace}/{name}"] if name else [])]
        values = await asyncio.gather(*[self._store.get(key) for key in keys])
        revisions = [None if value is None else value.revision for value in values]
        await self._sees(dict(zip(keys, revisions, strict=True)))

    async def confirm_all(self) -> None:
        """Make everything that is said here true as of this call.

        Raises:
            ThemisServerError: the store cannot be asked, or this node does not see what it says.
        """
        listing = await self._store.list(ROOT)
        known = [_NAMESPACES + name for name in self.namespaces]
        known += [f"{_COLLECTIONS}{space}/{name}" for space, names in self.collections.items() for name in names]
        stored: dict[str, int | None] = {key: value.revision for key, value in listing.values.items()}
        await self._sees({**dict.fromkeys(known), **stored})

    async def _sees(self, values: Mapping[str, int | None]) -> None:
        """Wait until this node has seen the revisions of keys, or that they were removed (None)."""
        gone = {key: self._revision_of(key) for key, revision in values.items() if revision is None}
        latest = max([revision for revision in values.values() if revision is not None], default=0)
        try:
            async with asyncio.timeout(_SETTLE_S):
                while self._revision < latest:
                    await self._changed.wait()
                while any(known is not None and self._revision_of(key) == known for key, known in gone.items()):
                    await self._changed.wait()
        except TimeoutError:
            raise ThemisServerError(
                ErrorCode.METADATA_UNAVAILABLE, "this node lags behind the metadata", retry_after_s=1
            ) from None

    def _revision_of(self, key: str) -> int | None:
        if key.startswith(_NAMESPACES):
            namespace = self.namespaces.get(key.removeprefix(_NAMESPACES))
            return namespace and namespace.revision
        space, _, name = key.removeprefix(_COLLECTIONS).partition("/")
        collection = self.collections.get(space, {}).get(name)
        return collection and collection.revision

    def _take(self, key: str, data: bytes | None, revision: int) -> None:
        if key.startswith(_NAMESPACES):
            name = key.removeprefix(_NAMESPACES)
            if data is None:
                self.namespaces.pop(name, None)
            else:
                self.namespaces[name] = Namespace(name, _namespace_decoder.decode(data), revision)
        elif key.startswith(_COLLECTIONS):
            namespace, _, name = key.removeprefix(_COLLECTIONS).partition("/")
            self._take_collection(namespace, name, data, revision)

    def _take_collection(self, namespace: str, name: str, data: bytes | None, revision: int) -> None:
        siblings = self.collections.setdefault(namespace, {})
        old = siblings.pop(name, None)
        if old is not None:
            self.by_prefix.pop(old.prefix.text, None)
        if data is None:
            if not siblings:
                del self.collections[namespace]
            return
        record = _collection_decoder.decode(data)
        age_s = record.options.cache_max_age_s
        cache_control = f"private, max-age={age_s}" if age_s else "private, no-cache"
        collection = Collection(namespace, name, record, revision, record.id, cache_control)
        siblings[name] = collection
        self.by_prefix[collection.prefix.text] = collection

    # Looking up

    def namespace(self, name: str) -> Namespace:
        """Return a namespace, or raise namespace_not_found."""
        found = self.namespaces.get(name)
        if found is None:
            raise ThemisServerError(ErrorCode.NAMESPACE_NOT_FOUND, f"there is no namespace {name!r}")
        return found

    def collection(self, namespace: str, name: str) -> Collection:
        """Return a collection by its name, or raise namespace_not_found or collection_not_found."""
        found = self.collections.get(namespace, {}).get(name)
        if found is None:
            self.namespace(namespace)
            raise ThemisServerError(
                ErrorCode.COLLECTION_NOT_FOUND, f"there is no collection {name!r} in namespace {namespace!r}"
            )
        return found

    def resolve(self, prefix: UrnPrefix) -> Collection:
        """Return the collection that a URN names, or raise one of the not-found errors or collection_model_mismatch."""
        collection = self.collection(prefix.namespace, prefix.collection)
        if collection.record.model != prefix.model:
            raise _model_mismatch(collection, prefix.model)
        return collection

    # Changing

    async def ensure(self, prefix: UrnPrefix, now_ms: int) -> Collection:
        """Return the collection that a write's URN names; create it, and its namespace, where that is allowed."""
        while True:
            try:
                return self.resolve(prefix)
            except ThemisServerError as error:
                if not self._may_create(prefix, error.code):
                    raise
            try:
                await self._create(prefix, CollectionOptions(), now_ms, NOTHING)
            except ThemisServerError as error:
                if error.code not in (ErrorCode.COLLECTION_EXISTS, ErrorCode.METADATA_CONFLICT):
                    raise

    def _may_create(self, prefix: UrnPrefix, why: ErrorCode) -> bool:
        if why == ErrorCode.NAMESPACE_NOT_FOUND:
            return self._auto_create_namespaces and self._auto_create_collections
        if why == ErrorCode.COLLECTION_NOT_FOUND:
            return (
                self._auto_create_collections
                and self.namespaces[prefix.namespace].record.options.auto_create_collections
            )
        return False

    async def create_namespace(
        self, name: str, options: NamespaceOptions, now_ms: int, alongside: Alongside = NOTHING
    ) -> Namespace:
        """Create a namespace, or raise namespace_exists."""
        record = NamespaceRecord(options, now_ms)
        await self._commit(
            {_NAMESPACES + name: 0},
            [Put(_NAMESPACES + name, msgspec.json.encode(record))],
            alongside,
            lambda: self._refuse_namespace(name),
        )
        return self.namespace(name)

    def _refuse_namespace(self, name: str) -> None:
        if name in self.namespaces:
            raise ThemisServerError(ErrorCode.NAMESPACE_EXISTS, f"there is a namespace {name!r} already")

    async def alter_namespace(self, name: str, options: NamespaceOptions, alongside: Alongside = NOTHING) -> Namespace:
        """Replace a namespace's options."""
        old = self.namespace(name)
        record = msgspec.structs.replace(old.record, options=options)
        await self._commit(
            {_NAMESPACES + name: old.revision}, [Put(_NAMESPACES + name, msgspec.json.encode(record))], alongside
        )
        return self.namespace(name)

    async def create_collection(
        self, prefix: UrnPrefix, options: CollectionOptions, now_ms: int, alongside: Alongside = NOTHING
    ) -> Collection:
        """Create a collection, and its namespace where that is allowed."""
        if prefix.namespace not in self.namespaces and not self._auto_create_namespaces:
            self.namespace(prefix.namespace)
        return await self._create(prefix, options, now_ms, alongside)

    async def _create(
        self, prefix: UrnPrefix, options: CollectionOptions, now_ms: int, alongside: Alongside
    ) -> Collection:
        counter = await self._store.get(NEXT_ID)
        collection_id = 1 if counter is None else int(counter.data)
        key = f"{_COLLECTIONS}{prefix.namespace}/{prefix.collection}"
        record = CollectionRecord(collection_id, prefix.model, options, now_ms)
        compares = {NEXT_ID: 0 if counter is None else counter.revision, key: 0}
        ops: list[Put | Delete] = [
            Put(NEXT_ID, b"%d" % (collection_id + 1)),
            Put(key, msgspec.json.encode(record)),
        ]
        namespace = self.namespaces.get(prefix.namespace)
        compares[_NAMESPACES + prefix.namespace] = 0 if namespace is None else namespace.revision
        if namespace is None:
            ops.append(
                Put(_NAMESPACES + prefix.namespace, msgspec.json.encode(NamespaceRecord(NamespaceOptions(), now_ms)))
            )
        await self._commit(compares, ops, alongside, lambda: self._refuse_collection(prefix))
        return self.collection(prefix.namespace, prefix.collection)

    def _refuse_collection(self, prefix: UrnPrefix) -> None:
        existing = self.collections.get(prefix.namespace, {}).get(prefix.collection)
        if existing is None:
            return
        if existing.record.model != prefix.model:
            raise _model_mismatch(existing, prefix.model)
        raise ThemisServerError(ErrorCode.COLLECTION_EXISTS, f"there is a collection {prefix.collection!r} already")

    async def alter_collection(
        self, namespace: str, name: str, options: CollectionOptions, alongside: Alongside = NOTHING
    ) -> Collection:
        """Replace a collection's options."""
        old = self.collection(namespace, name)
        key = f"{_COLLECTIONS}{namespace}/{name}"
        record = msgspec.structs.replace(old.record, options=options)
        await self._commit({key: old.revision}, [Put(key, msgspec.json.encode(record))], alongside)
        return self.collection(namespace, name)

    async def begin_drop_collection(self, namespace: str, name: str, alongside: Alongside = NOTHING) -> list[int]:
        """Remove a collection's name; return the ids whose data is to be removed, then given to `end_drop`."""
        collection = self.collection(namespace, name)
        await self._commit(*_dropping([collection]), alongside)
        return [collection.id]

    async def begin_drop_namespace(self, name: str, *, force: bool, alongside: Alongside = NOTHING) -> list[int]:
        """Remove a namespace, and with `force` its collections; return the ids whose data is to be removed."""
        namespace = self.namespace(name)
        collections = list(self.collections.get(name, {}).values())
        if collections and not force:
            raise ThemisServerError(
                ErrorCode.NAMESPACE_NOT_EMPTY,
                f"namespace {name!r} has {len(collections)} collections; drop them or use force=true",
            )
        compares, ops = _dropping(collections)
        # Its revision is raised by nobody who creates a collection, so what must not change is the whole set of names.
        compares[_NAMESPACES + name] = namespace.revision
        counter = await self._store.get(NEXT_ID)
        compares[NEXT_ID] = 0 if counter is None else counter.revision
        if list(self.collections.get(name, {}).values()) != collections:
            raise ThemisServerError(ErrorCode.METADATA_CONFLICT, "the namespace changed meanwhile; nothing was dropped")
        await self._commit(compares, [*ops, Delete(_NAMESPACES + name)], alongside)
        return [collection.id for collection in collections]

    async def end_drop(self, ids: Sequence[int]) -> None:
        """Note that the data of dropped collections is gone from every shard."""
        await self._store.transaction({}, [Delete(f"{_DROPPING}{collection_id}") for collection_id in ids])

    async def unfinished_drops(self) -> list[int]:
        """Return dropped collections whose data may not be gone: a node stopped half-way."""
        listing = await self._store.list(_DROPPING)
        return [int(key.removeprefix(_DROPPING)) for key in listing.values]

    async def _commit(
        self,
        compares: dict[str, int],
        ops: Sequence[Put | Delete],
        alongside: Alongside,
        refuse: Callable[[], None] = lambda: None,
    ) -> None:
        refuse()
        revision = await self._store.transaction({**compares, **alongside.compares}, [*ops, *alongside.puts])
        if revision is None:
            # Somebody was faster. What they did may say it better than "conflict", once this node has seen it.
            await self._catch_up(compares)
            refuse()
            raise ThemisServerError(
                ErrorCode.METADATA_CONFLICT, "the catalog changed meanwhile; nothing was done", retry_after_s=0
            )
        await self.reached(revision)

    async def _catch_up(self, keys: Iterable[str]) -> None:
        """Wait a moment until this node has seen the present values of the keys."""
        values = await asyncio.gather(*[self._store.get(key) for key in keys])
        latest = max((value.revision for value in values if value is not None), default=0)
        with contextlib.suppress(ThemisServerError):
            await self.reached(latest, _CONFLICT_SETTLE_S)


def _dropping(collections: Sequence[Collection]) -> tuple[dict[str, int], list[Put | Delete]]:
    compares: dict[str, int] = {}
    ops: list[Put | Delete] = []
    for collection in collections:
        key = f"{_COLLECTIONS}{collection.namespace}/{collection.name}"
        compares[key] = collection.revision
        ops += [Delete(key), Put(f"{_DROPPING}{collection.id}", b"{}")]
    return compares, ops


def _model_mismatch(collection: Collection, asked: str) -> ThemisServerError:
    return ThemisServerError(
        ErrorCode.COLLECTION_MODEL_MISMATCH,
        f"collection {collection.name!r} of namespace {collection.namespace!r} is of model "
        f"{collection.record.model}, not {asked}",
        expected=collection.record.model,
    )
