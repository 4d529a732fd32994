"""What a scripted cluster holds: entities, namespaces and collections, and how often each was changed."""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from themis_conformance.names import EntityName, parse_urn
from themis_conformance.plan import CollectionPlan, NamespacePlan, ServerPlan
from themis_conformance.scripted.problems import Refusal

__all__ = ["Collection", "Entity", "Namespace", "Store", "json_bytes"]

_FIRST_VERSION: Final = 1000


def json_bytes(value: Any) -> bytes:
    """A value as JSON in UTF-8."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass(frozen=True)
class Entity:
    """A stored entity: its document as the bytes that were sent."""

    version: int
    raw: bytes

    @property
    def doc(self) -> Any:
        """The document."""
        return json.loads(self.raw)


@dataclass
class Collection:
    """A collection with its entities by uuid."""

    name: str
    namespace: str
    model: str
    collection_id: int
    options: dict[str, Any]
    created_at: str = field(default_factory=_now)
    entities: dict[str, Entity] = field(default_factory=dict)
    history: dict[str, list[tuple[int, Entity | None]]] = field(default_factory=dict)
    """What each uuid has been since which version; None: deleted."""

    def at(self, uuid: str, as_of: int | None) -> Entity | None:
        """The entity as it is, or as it was at a version."""
        if as_of is None:
            return self.entities.get(uuid)
        past = [entity for version, entity in self.history.get(uuid, []) if version <= as_of]
        return past[-1] if past else None

    def put(self, uuid: str, entity: Entity) -> None:
        """Create or replace."""
        self.entities[uuid] = entity
        self.history.setdefault(uuid, []).append((entity.version, entity))

    def remove(self, uuid: str, version: int) -> None:
        """Delete."""
        del self.entities[uuid]
        self.history[uuid].append((version, None))

    def to_wire(self) -> dict[str, Any]:
        """As the API shows it."""
        return {
            "name": self.name,
            "namespace": self.namespace,
            "model": self.model,
            "id": self.collection_id,
            "options": dict(self.options),
            "created_at": self.created_at,
        }


@dataclass
class Namespace:
    """A namespace with its collections by name."""

    name: str
    options: dict[str, Any]
    created_at: str = field(default_factory=_now)
    collections: dict[str, Collection] = field(default_factory=dict)

    def to_wire(self) -> dict[str, Any]:
        """As the API shows it."""
        return {"name": self.name, "options": dict(self.options), "created_at": self.created_at}


class Store:
    """All data of a cluster. What is not there is a Refusal.

    Args:
        plan: What there is at the beginning.
        shard_of: The shard of a uuid.
    """

    def __init__(self, plan: ServerPlan, shard_of: Callable[[str], str]) -> None:
        self.namespaces: dict[str, Namespace] = {}
        self._shard_of = shard_of
        self._versions_of: dict[str, list[int]] = {}
        self.committed: dict[str, int] = {}
        self._version = _FIRST_VERSION - 1
        self._collections_made = 0
        self.add_namespace("default", {})
        for namespace in plan.namespaces:
            self._plan_namespace(namespace)
        for collection in plan.collections:
            self._plan_collection(collection)
        for entity in plan.entities:
            name = parse_urn(entity.urn)
            version = entity.version if entity.version is not None else self.next_version()
            self._version = max(self._version, version)
            self.collection_for_write(name).put(name.uuid, Entity(version, json_bytes(entity.doc)))
            self._note_version(name.uuid, version)

    def _plan_namespace(self, plan: NamespacePlan) -> None:
        if plan.name not in self.namespaces:
            self.add_namespace(plan.name, plan.options)

    def _plan_collection(self, plan: CollectionPlan) -> None:
        self._plan_namespace(NamespacePlan(plan.namespace))
        self.add_collection(self.namespaces[plan.namespace], plan.name, plan.model, plan.options)

    # Changes

    def next_version(self) -> int:
        """A version greater than all before."""
        self._version += 1
        return self._version

    def put(self, name: EntityName, raw: bytes) -> int:
        """Create or replace an entity; returns its version."""
        version = self.next_version()
        self.collection_for_write(name).put(name.uuid, Entity(version, raw))
        self._note_version(name.uuid, version)
        self.note_commit(str(name))
        return version

    def remove(self, name: EntityName) -> int:
        """Delete an entity; returns the version of that."""
        version = self.next_version()
        self.collection_of(name).remove(name.uuid, version)
        self._note_version(name.uuid, version)
        self.note_commit(str(name))
        return version

    def _note_version(self, uuid: str, version: int) -> None:
        versions = self._versions_of.setdefault(self._shard_of(uuid), [])
        versions.append(max(version, versions[-1] if versions else 0))

    @property
    def last_version(self) -> int:
        """The newest version there is."""
        return self._version

    def seen(self, shard: str, as_of: int | None) -> int:
        """The newest version of a shard, or the newest up to a version; 0 if it has none."""
        versions = self._versions_of.get(shard, [])
        count = len(versions) if as_of is None else bisect_right(versions, as_of)
        return versions[count - 1] if count else 0

    def note_commit(self, what: str) -> None:
        """A write to this took effect: a URN, or the path of a namespace or collection."""
        self.committed[what] = self.committed.get(what, 0) + 1

    def add_namespace(self, name: str, options: dict[str, Any]) -> Namespace:
        """Make a namespace."""
        made = self.namespaces[name] = Namespace(name, {"auto_create_collections": True, **options})
        return made

    def add_collection(self, namespace: Namespace, name: str, model: str, options: dict[str, Any]) -> Collection:
        """Make a collection."""
        self._collections_made += 1
        all_options = {"description": "", "cache_max_age_s": 0, "change_feed": True, **options}
        made = Collection(name, namespace.name, model, self._collections_made, all_options)
        namespace.collections[name] = made
        return made

    # Look-ups

    def namespace(self, name: str) -> Namespace:
        """The namespace of this name."""
        found = self.namespaces.get(name)
        if found is None:
            raise Refusal("namespace_not_found", f"There is no namespace {name!r}.")
        return found

    def collection(self, namespace: str, name: str) -> Collection:
        """The collection of this name."""
        found = self.namespace(namespace).collections.get(name)
        if found is None:
            raise Refusal("collection_not_found", f"There is no collection {name!r} in the namespace {namespace!r}.")
        return found

    def collection_of(self, name: EntityName) -> Collection:
        """The collection an entity belongs to, if its model is that of the URN."""
        found = self.collection(name.namespace, name.collection)
        if found.model != name.model:
            detail = f"The collection {found.name!r} has the model {found.model}, not {name.model}."
            raise Refusal("collection_model_mismatch", detail, {"expected": found.model})
        return found

    def collection_for_write(self, name: EntityName) -> Collection:
        """Like `collection_of`, but namespace and collection come into being where that is allowed."""
        namespace = self.namespaces.get(name.namespace) or self.add_namespace(name.namespace, {})
        if name.collection not in namespace.collections and namespace.options["auto_create_collections"]:
            self.add_collection(namespace, name.collection, name.model, {})
        return self.collection_of(name)
