"""Namespaces and collections: create, get, list, alter, drop; count and list a collection's entities."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Iterable
from operator import itemgetter
from typing import Any, Final, TypeVar

from themis_conformance.names import MODELS, NAME
from themis_conformance.ring import Ring
from themis_conformance.scripted.call import Call, Reply
from themis_conformance.scripted.problems import Refusal
from themis_conformance.scripted.replicas import Replicas
from themis_conformance.scripted.store import Collection, Store

__all__ = ["CatalogueHandlers"]

_T = TypeVar("_T")

_LIMIT: Final = "100"
_NAMESPACE_OPTIONS: Final[dict[str, Callable[[Any], bool]]] = {
    "auto_create_collections": lambda value: isinstance(value, bool),
}
_COLLECTION_OPTIONS: Final[dict[str, Callable[[Any], bool]]] = {
    "description": lambda value: isinstance(value, str) and len(value) <= 1000,
    "cache_max_age_s": lambda value: type(value) is int and 0 <= value <= 86_400,
    "change_feed": lambda value: isinstance(value, bool),
}


class CatalogueHandlers:
    """The twelve operations of the catalogue."""

    def __init__(self, store: Store, ring: Ring, replicas: Replicas) -> None:
        self._store = store
        self._ring = ring
        self._replicas = replicas

    # Namespaces

    def list_namespaces(self, call: Call) -> Reply:
        """By name."""
        return _page(call, "namespaces", self._store.namespaces.items(), lambda found: found.to_wire())

    def create_namespace(self, call: Call) -> Reply:
        """Make one."""
        body = call.json_object(("name", "options"), ("name",))
        name, options = _name(body), _options(body, _NAMESPACE_OPTIONS)
        if name in self._store.namespaces:
            raise Refusal("namespace_exists", f"The namespace {name!r} exists already.")
        made = self._store.add_namespace(name, options)
        self._store.note_commit(f"/namespaces/{name}")
        return Reply.of(made.to_wire(), 201)

    def get_namespace(self, call: Call) -> Reply:
        """Describe one."""
        call.query()
        return Reply.of(self._store.namespace(call.name("namespace")).to_wire())

    def alter_namespace(self, call: Call) -> Reply:
        """Change options."""
        body = call.json_object(("options",), ("options",))
        options = _options(body, _NAMESPACE_OPTIONS)
        found = self._store.namespace(call.name("namespace"))
        found.options |= options
        self._store.note_commit(f"/namespaces/{found.name}")
        return Reply.of(found.to_wire())

    def drop_namespace(self, call: Call) -> Reply:
        """Drop one, with force and all that is in it."""
        force = call.query().get("force") == "true"
        found = self._store.namespace(call.name("namespace"))
        if found.collections and not force:
            detail = f"The namespace {found.name!r} has {len(found.collections)} collections."
            raise Refusal("namespace_not_empty", detail)
        del self._store.namespaces[found.name]
        self._store.note_commit(f"/namespaces/{found.name}")
        return Reply.of({"dropped": found.name})

    # Collections

    def list_collections(self, call: Call) -> Reply:
        """By name."""
        namespace = self._store.namespace(call.name("namespace"))
        scope = f"collections/{namespace.name}"
        return _page(call, scope, namespace.collections.items(), lambda found: found.to_wire())

    def create_collection(self, call: Call) -> Reply:
        """Make one."""
        body = call.json_object(("name", "model", "options"), ("name", "model"))
        name, options, model = _name(body), _options(body, _COLLECTION_OPTIONS), body["model"]
        if model not in MODELS:
            raise Refusal("invalid_body", f"{model!r} is no model.", {"pointer": "/model"})
        namespace = self._store.namespace(call.name("namespace"))
        known = namespace.collections.get(name)
        if known is not None and known.model != model:
            detail = f"The collection {name!r} has the model {known.model}, not {model}."
            raise Refusal("collection_model_mismatch", detail, {"expected": known.model})
        if known is not None:
            raise Refusal("collection_exists", f"The collection {name!r} exists already.")
        made = self._store.add_collection(namespace, name, model, options)
        self._note(made)
        return Reply.of(made.to_wire(), 201)

    def get_collection(self, call: Call) -> Reply:
        """Describe one."""
        call.query()
        return Reply.of(self._named(call).to_wire())

    def alter_collection(self, call: Call) -> Reply:
        """Change options."""
        body = call.json_object(("options",), ("options",))
        options = _options(body, _COLLECTION_OPTIONS)
        found = self._named(call)
        found.options |= options
        self._note(found)
        return Reply.of(found.to_wire())

    def drop_collection(self, call: Call) -> Reply:
        """Drop one with its data."""
        call.query()
        found = self._named(call)
        del self._store.namespaces[found.namespace].collections[found.name]
        self._note(found)
        return Reply.of({"dropped": found.name})

    def count_collection(self, call: Call) -> Reply:
        """Count, shard by shard."""
        told = self._told(call)
        counts = dict.fromkeys(self._ring.shard_ids(), 0)
        for uuid in self._named(call).entities:
            counts[self._ring.shard_of(uuid)] += 1
        shards = [{"shard_id": shard, "count": count} for shard, count in counts.items()]
        return Reply.of({"count": sum(counts.values()), "shards": shards}, headers=told)

    def list_entities(self, call: Call) -> Reply:
        """Page through a collection in the order of its uuids."""
        with_doc = call.query().get("include", "doc") == "doc"
        told = self._told(call)
        found = self._named(call)
        prefix = f"urn:themis:{found.model}:{found.namespace}:{found.name}:"

        def item(uuid: str) -> dict[str, Any]:
            entity = found.entities[uuid]
            shown: dict[str, Any] = {"urn": prefix + uuid, "version": entity.version}
            return shown | {"doc": entity.doc} if with_doc else shown

        uuids = ((uuid, uuid) for uuid in found.entities)
        return _page(call, f"entities/{found.collection_id}", uuids, item, told)

    def _told(self, call: Call) -> dict[str, str]:
        return self._replicas.headers_of_many(call.node, self._replicas.all_shards(call, call.query()))

    def _named(self, call: Call) -> Collection:
        return self._store.collection(call.name("namespace"), call.name("collection"))

    def _note(self, collection: Collection) -> None:
        self._store.note_commit(f"/namespaces/{collection.namespace}/collections/{collection.name}")


def _name(body: dict[str, Any]) -> str:
    name = body["name"]
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise Refusal("invalid_body", "That is no name.", {"pointer": "/name"})
    return name


def _options(body: dict[str, Any], allowed: dict[str, Callable[[Any], bool]]) -> dict[str, Any]:
    options = body.get("options", {})
    if not isinstance(options, dict):
        raise Refusal("invalid_body", "The options are no object.", {"pointer": "/options"})
    for name, value in options.items():
        if name not in allowed or not allowed[name](value):
            raise Refusal("invalid_body", f"There is no such option: {name!r}.", {"pointer": f"/options/{name}"})
    return options


def _page(
    call: Call,
    scope: str,
    found: Iterable[tuple[str, _T]],
    show: Callable[[_T], dict[str, Any]],
    headers: dict[str, str] | None = None,
) -> Reply:
    query = call.query()
    limit = int(query.get("limit", _LIMIT))
    after = _position(query["cursor"], scope) if "cursor" in query else ""
    following = sorted(((key, value) for key, value in found if key > after), key=itemgetter(0))
    body: dict[str, Any] = {"items": [show(value) for _, value in following[:limit]]}
    if len(following) > limit:
        body["cursor"] = _cursor(scope, following[limit - 1][0])
    return Reply.of(body, headers=headers)


def _cursor(scope: str, position: str) -> str:
    return base64.urlsafe_b64encode(json.dumps([scope, position]).encode()).rstrip(b"=").decode()


def _position(cursor: str, scope: str) -> str:
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        made_for, position = json.loads(raw)
    except (ValueError, TypeError, binascii.Error):
        made_for, position = None, None
    if made_for != scope or not isinstance(position, str):
        raise Refusal("invalid_cursor", "The cursor was not made for this listing.", {"parameter": "cursor"})
    return position
