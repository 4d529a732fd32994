"""Namespaces and collections: create, get, list, alter, drop; count and list a collection's entities."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from themis.urn import UrnPrefix, uuid_from_bytes, uuid_to_bytes
from themis_server._generated import models
from themis_server.api.answer import Answer
from themis_server.api.call import Call
from themis_server.api.codec import decode_body, decode_cursor, encode_cursor
from themis_server.api.consistency import consistency_of, head_of_many
from themis_server.api.routes import Handler
from themis_server.clock import Clock
from themis_server.errors import ErrorCode, ThemisServerError
from themis_server.gateway.catalog import CatalogChanges, Remembered
from themis_server.gateway.freshness import Freshness
from themis_server.gateway.listing import Listing
from themis_server.metadata.catalog import Catalog, Collection, CollectionOptions, Namespace, NamespaceOptions
from themis_server.storage import values

_encode = msgspec.json.Encoder().encode
_create_namespace = msgspec.json.Decoder(models.NamespaceCreate)
_alter_namespace = msgspec.json.Decoder(models.NamespaceAlter)
_create_collection = msgspec.json.Decoder(models.CollectionCreate)
_alter_collection = msgspec.json.Decoder(models.CollectionAlter)


class CatalogHandlers:
    """Serves the catalog."""

    def __init__(
        self,
        freshness: Freshness,
        changes: CatalogChanges,
        listing: Listing,
        clock: Clock,
        *,
        auto_create_collections: bool,
        strict_json: bool,
    ) -> None:
        self._catalog: Catalog = freshness.catalog
        self._freshness = freshness
        self._changes = changes
        self._listing = listing
        self._clock = clock
        self._strict_json = strict_json
        self._namespace_defaults = NamespaceOptions(auto_create_collections)

    def handlers(self) -> Mapping[str, Handler]:
        """Return operationId -> handler."""
        return {
            "listNamespaces": self.list_namespaces,
            "createNamespace": self.create_namespace,
            "getNamespace": self.get_namespace,
            "alterNamespace": self.alter_namespace,
            "dropNamespace": self.drop_namespace,
            "listCollections": self.list_collections,
            "createCollection": self.create_collection,
            "getCollection": self.get_collection,
            "alterCollection": self.alter_collection,
            "dropCollection": self.drop_collection,
            "countCollection": self.count_collection,
            "listEntities": self.list_entities,
        }

    # Namespaces

    async def list_namespaces(self, call: Call) -> Answer:
        """List namespaces by name."""
        await self._freshness.confirm_all()
        return self._page(call, "namespaces", self._catalog.namespaces, _namespace)

    async def create_namespace(self, call: Call) -> Answer:
        """Create a namespace."""
        call.query()
        raw = await call.body()
        body = decode_body(_create_namespace, raw, strict=self._strict_json)
        options = _changed(self._namespace_defaults, body.options)

        async def create(remembered: Remembered) -> tuple[int, bytes]:
            now_ms = self._clock.unix_ms()
            preview = models.Namespace(name=body.name, options=_namespace_options(options), created_at=_time(now_ms))
            answer = (201, _encode(preview))
            await self._catalog.create_namespace(body.name, options, now_ms, remembered(answer))
            return answer

        return await self._once(call, raw, create)

    async def get_namespace(self, call: Call) -> Answer:
        """Describe a namespace."""
        call.query()
        (name,) = call.path_values()
        namespace = await self._freshness.found(lambda: self._catalog.namespace(name), name)
        return Answer(200, _encode(_namespace(namespace)))

    async def alter_namespace(self, call: Call) -> Answer:
        """Change options of a namespace."""
        call.query()
        (name,) = call.path_values()
        raw = await call.body()
        body = decode_body(_alter_namespace, raw, strict=self._strict_json)

        async def alter(remembered: Remembered) -> tuple[int, bytes]:
            old = self._catalog.namespace(name)
            options = _changed(old.record.options, body.options)
            changed = old._replace(record=msgspec.structs.replace(old.record, options=options))
            answer = (200, _encode(_namespace(changed)))
            await self._catalog.alter_namespace(name, options, remembered(answer))
            return answer

        return await self._once(call, raw, alter)

    async def drop_namespace(self, call: Call) -> Answer:
        """Drop a namespace, with `force` and all its collections and their data."""
        force = bool(call.query().get("force", False))
        (name,) = call.path_values()

        async def drop(remembered: Remembered) -> tuple[int, bytes]:
            answer = (200, _encode(models.Dropped(dropped=name)))
            await self._changes.drop_namespace(name, force=force, alongside=remembered(answer))
            return answer

        return await self._once(call, b"force" if force else b"", drop)

    # Collections

    async def list_collections(self, call: Call) -> Answer:
        """List a namespace's collections by name."""
        (namespace,) = call.path_values()
        await self._freshness.confirm_all()
        self._catalog.namespace(namespace)
        collections = self._catalog.collections.get(namespace, {})
        return self._page(call, f"collections/{namespace}", collections, _collection)

    async def create_collection(self, call: Call) -> Answer:
        """Create a collection."""
        call.query()
        (namespace,) = call.path_values()
        raw = await call.body()
        body = decode_body(_create_collection, raw, strict=self._strict_json)
        options = _changed(CollectionOptions(), body.options)

        async def create(remembered: Remembered) -> tuple[int, bytes]:
            # The id is given inside the transaction, so what a retry is told is read back from the catalog.
            answer = (201, b"")
            prefix = UrnPrefix(body.model, namespace, body.name)
            collection = await self._catalog.create_collection(
                prefix, options, self._clock.unix_ms(), remembered(answer)
            )
            return 201, _encode(_collection(collection))

        async def replay() -> bytes:
            collection = await self._freshness.found(
                lambda: self._catalog.collection(namespace, body.name), namespace, body.name
            )
            return _encode(_collection(collection))

        return await self._once(call, raw, create, replay)

    async def get_collection(self, call: Call) -> Answer:
        """Describe a collection."""
        call.query()
        return Answer(200, _encode(_collection(await self._named(call))))

    async def alter_collection(self, call: Call) -> Answer:
        """Change options of a collection."""
        call.query()
        namespace, name = call.path_values()
        raw = await call.body()
        body = decode_body(_alter_collection, raw, strict=self._strict_json)

        async def alter(remembered: Remembered) -> tuple[int, bytes]:
            old = self._catalog.collection(namespace, name)
            options = _changed(old.record.options, body.options)
            changed = old._replace(record=msgspec.structs.replace(old.record, options=options))
            answer = (200, _encode(_collection(changed)))
            await self._catalog.alter_collection(namespace, name, options, remembered(answer))
            return answer

        return await self._once(call, raw, alter)

    async def drop_collection(self, call: Call) -> Answer:
        """Drop a collection with its data."""
        call.query()
        namespace, name = call.path_values()

        async def drop(remembered: Remembered) -> tuple[int, bytes]:
            answer = (200, _encode(models.Dropped(dropped=name)))
            await self._changes.drop_collection(namespace, name, remembered(answer))
            return answer

        return await self._once(call, b"", drop)

    async def count_collection(self, call: Call) -> Answer:
        """Count a collection, shard by shard."""
        consistency = consistency_of(call, call.query())
        counts, sources = await self._listing.count(await self._named(call), consistency)
        shards = [models.ShardCount(shard_id=shard_id, count=count) for shard_id, count in counts.items()]
        body = models.CollectionCount(count=sum(counts.values()), shards=shards)
        return Answer(200, _encode(body), head_of_many(sources))

    async def list_entities(self, call: Call) -> Answer:
        """Page through a collection in key order."""
        query = call.query()
        consistency = consistency_of(call, query)
        collection = await self._named(call)
        scope = f"entities/{collection.id}"
        cursor = query.get("cursor")
        after = None if cursor is None else _uuid_position(decode_cursor(str(cursor), scope))
        limit = query["limit"]
        assert isinstance(limit, int)
        page = await self._listing.page(collection, after, limit, consistency)
        prefix = collection.prefix.text
        with_documents = query["include"] == "doc"
        items = [
            models.ListedEntity(
                urn=prefix + uuid_from_bytes(uuid),
                version=values.version_of(stored),
                doc=msgspec.Raw(values.document_of(stored)) if with_documents else msgspec.UNSET,
            )
            for uuid, stored in page.entities
        ]
        next_cursor = None if page.next_after is None else encode_cursor(scope, uuid_from_bytes(page.next_after))
        return Answer(200, _encode(models.EntityList(items=items, cursor=next_cursor)), head_of_many(page.sources))

    # Shared

    async def _named(self, call: Call) -> Collection:
        namespace, name = call.path_values()
        return await self._freshness.found(lambda: self._catalog.collection(namespace, name), namespace, name)

    @staticmethod
    def _page(call: Call, scope: str, found: Mapping[str, Any], describe: Callable[[Any], object]) -> Answer:
        query = call.query()
        limit, cursor = query["limit"], query.get("cursor")
        assert isinstance(limit, int)
        after = "" if cursor is None else decode_cursor(str(cursor), scope)
        names = sorted(name for name in found if name > after)
        body: dict[str, object] = {"items": [describe(found[name]) for name in names[:limit]]}
        if len(names) > limit:
            body["cursor"] = encode_cursor(scope, names[limit - 1])
        return Answer(200, _encode(body))

    async def _once(
        self,
        call: Call,
        raw: bytes,
        change: Callable[[Remembered], Any],
        replay: Callable[[], Awaitable[bytes]] | None = None,
    ) -> Answer:
        """Make a change of the catalog, at most once under its idempotency key."""
        request = b"%s %s %s" % (call.operation.operation_id.encode(), call.path.encode(), raw)
        done = await self._changes.once(call.idempotency_key(), request, change)
        body = done.body or (b"" if replay is None else await replay())
        return Answer(done.status, body, "Idempotency-Replayed: true\r\n" if done.replayed else "")


def _uuid_position(text: str) -> bytes:
    try:
        return uuid_to_bytes(text)
    except ValueError:
        raise ThemisServerError(ErrorCode.INVALID_CURSOR, "the cursor cannot be used", parameter="cursor") from None


def _changed(options: Any, change: Any) -> Any:
    """Return `options` with what a request sets of them."""
    if isinstance(change, msgspec.UnsetType):
        return options
    given = {name: getattr(change, name) for name in change.__struct_fields__}
    return msgspec.structs.replace(
        options, **{name: value for name, value in given.items() if value is not msgspec.UNSET}
    )


def _time(unix_ms: int) -> datetime:
    return datetime.fromtimestamp(unix_ms / 1000, UTC)


def _namespace_options(options: NamespaceOptions) -> models.NamespaceOptions:
    return models.NamespaceOptions(auto_create_collections=options.auto_create_collections)


def _namespace(namespace: Namespace) -> models.Namespace:
    return models.Namespace(
        name=namespace.name,
        options=_namespace_options(namespace.record.options),
        created_at=_time(namespace.record.created_ms),
    )


def _collection(collection: Collection) -> models.Collection:
    record = collection.record
    return models.Collection(
        name=collection.name,
        namespace=collection.namespace,
        model=record.model,  # type: ignore[arg-type]
        id=record.id,
        options=models.CollectionOptions(
            description=record.options.description,
            cache_max_age_s=record.options.cache_max_age_s,
            change_feed=record.options.change_feed,
        ),
        created_at=_time(record.created_ms),
    )
