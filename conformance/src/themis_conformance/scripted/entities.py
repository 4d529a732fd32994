"""Reading and writing one entity; batches do the same for many."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from themis_conformance.names import EntityName
from themis_conformance.scripted.call import Call, Reply
from themis_conformance.scripted.documents import merge, read_document
from themis_conformance.scripted.problems import Refusal
from themis_conformance.scripted.store import Collection, Entity, Store, json_bytes

__all__ = ["EntityHandlers", "Written"]

_FOLLOWERS_LAG_MS = 5


@dataclass(frozen=True)
class Written:
    """A write that took effect."""

    version: int
    created: bool


class EntityHandlers:
    """GET, HEAD, PUT, PATCH, DELETE /entity/{urn}.

    Args:
        store: The data.
        leads: Whether a node (by number) leads the shard of a uuid.
    """

    def __init__(self, store: Store, leads: Callable[[int, str], bool]) -> None:
        self._store = store
        self._leads = leads

    def read(self, call: Call) -> Reply:
        """The document as it was sent."""
        query = call.query()
        name = call.entity()
        collection = self._store.collection_of(name)
        condition = call.if_none_match()
        known = find(collection, name)
        headers = {"ETag": f'"{known.version}"', "Cache-Control": _cache_control(collection)}
        headers |= self.role(call.node, name.uuid, query)
        if condition is not None and (not condition or known.version in condition):
            return Reply(304, b"", headers)
        return Reply(200, known.raw, headers)

    def role(self, node: int, uuid: str, query: dict[str, str]) -> dict[str, str]:
        """Who answered: a read that may lag is answered where it arrives, any other by the leader."""
        if query.get("consistency", "strong") == "strong" or self._leads(node, uuid):
            return {"Themis-Role": "leader", "Themis-Lag-Ms": "0"}
        return {"Themis-Role": "follower", "Themis-Lag-Ms": str(_FOLLOWERS_LAG_MS)}

    def put(self, call: Call) -> Reply:
        """Create or replace."""
        call.query()
        name, expect = call.entity(), call.expectation()
        raw = call.body()
        read_document(raw)
        written = self.write_put(name, raw, expect)
        return _written(name, written, 201 if written.created else 200)

    def patch(self, call: Call) -> Reply:
        """Merge."""
        call.query()
        name, expect = call.entity(), call.expectation()
        patch = read_document(call.body())
        collection = self._store.collection_of(name)
        check(collection, name, expect)
        raw = json_bytes(merge(find(collection, name).doc, patch))
        limit = call.limits.body_bytes_max
        if len(raw) > limit:
            detail = f"The patched document would have {len(raw)} bytes."
            raise Refusal("document_too_large", detail, {"limit": limit}, decided=True)
        return _written(name, self._store_entity(collection, name, raw), 200)

    def delete(self, call: Call) -> Reply:
        """Delete."""
        call.query()
        name, expect = call.entity(), call.expectation()
        written = self.write_delete(name, expect)
        return Reply.of({"urn": str(name), "version": written.version})

    def write_put(self, name: EntityName, raw: bytes, expect: list[int] | None) -> Written:
        """Store a document under a condition (see `Call.expectation`)."""
        collection = self._store.collection_for_write(name)
        check(collection, name, expect)
        return self._store_entity(collection, name, raw)

    def write_delete(self, name: EntityName, expect: list[int] | None) -> Written:
        """Delete under a condition."""
        collection = self._store.collection_of(name)
        check(collection, name, expect)
        find(collection, name)
        del collection.entities[name.uuid]
        self._store.note_commit(str(name))
        return Written(self._store.next_version(), created=False)

    def _store_entity(self, collection: Collection, name: EntityName, raw: bytes) -> Written:
        created = name.uuid not in collection.entities
        version = self._store.next_version()
        collection.entities[name.uuid] = Entity(version, raw)
        self._store.note_commit(str(name))
        return Written(version, created)


def find(collection: Collection, name: EntityName) -> Entity:
    """The entity, or the refusal that it does not exist."""
    known = collection.entities.get(name.uuid)
    if known is None:
        raise Refusal("entity_not_found", "There is no entity with this URN.", decided=True)
    return known


def check(collection: Collection, name: EntityName, expect: list[int] | None) -> None:
    """Refuse a write whose condition does not hold."""
    known = collection.entities.get(name.uuid)
    version = known.version if known else None
    if expect is None or (version or 0) in expect or (not expect and version is not None):
        return
    raise Refusal("precondition_failed", f"The entity has version {version}.", {"version": version}, decided=True)


def _written(name: EntityName, written: Written, status: int) -> Reply:
    body = {"urn": str(name), "version": written.version}
    return Reply.of(body, status, {"ETag": f'"{written.version}"'})


def _cache_control(collection: Collection) -> str:
    age = collection.options["cache_max_age_s"]
    return f"private, max-age={age}" if age else "private, no-cache"
