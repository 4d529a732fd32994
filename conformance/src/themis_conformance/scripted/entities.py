"""Reading and writing one entity; batches do the same for many."""

from __future__ import annotations

from dataclasses import dataclass

from themis_conformance.names import EntityName
from themis_conformance.scripted.call import Call, Reply
from themis_conformance.scripted.documents import merge, read_document
from themis_conformance.scripted.problems import Refusal
from themis_conformance.scripted.replicas import Replicas
from themis_conformance.scripted.store import Collection, Entity, Store, json_bytes

__all__ = ["EntityHandlers", "Written"]


@dataclass(frozen=True)
class Written:
    """A write that took effect."""

    version: int
    created: bool


class EntityHandlers:
    """GET, HEAD, PUT, PATCH, DELETE /entity/{urn}.

    Args:
        store: The data.
        replicas: Who answers.
    """

    def __init__(self, store: Store, replicas: Replicas) -> None:
        self._store = store
        self._replicas = replicas

    def read(self, call: Call) -> Reply:
        """The document as it was sent."""
        query = call.query()
        name = call.entity()
        condition = call.if_none_match()
        serving = self._replicas.for_read(call, query, self._replicas.shard_of(name.uuid))
        collection = self._store.collection_of(name)
        told = self._replicas.headers(serving)
        try:
            known = find(collection, name, serving.as_of)
        except Refusal as refusal:
            refusal.headers |= told
            raise
        headers = {"ETag": f'"{known.version}"', "Cache-Control": _cache_control(collection), **told}
        if condition is not None and (not condition or known.version in condition):
            return Reply(304, b"", headers)
        return Reply(200, known.raw, headers)

    def put(self, call: Call) -> Reply:
        """Create or replace."""
        call.query()
        name, expect = call.entity(), call.expectation()
        raw = call.body()
        read_document(raw)
        written = self.write_put(name, raw, expect)
        return self._written(name, written, 201 if written.created else 200)

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
        return self._written(name, Written(self._store.put(name, raw), created=False), 200)

    def delete(self, call: Call) -> Reply:
        """Delete."""
        call.query()
        name, expect = call.entity(), call.expectation()
        written = self.write_delete(name, expect)
        reply = self._written(name, written, 200)
        del reply.headers["ETag"]
        return reply

    def write_put(self, name: EntityName, raw: bytes, expect: list[int] | None) -> Written:
        """Store a document under a condition (see `Call.expectation`)."""
        collection = self._store.collection_for_write(name)
        check(collection, name, expect)
        created = name.uuid not in collection.entities
        return Written(self._store.put(name, raw), created)

    def write_delete(self, name: EntityName, expect: list[int] | None) -> Written:
        """Delete under a condition."""
        collection = self._store.collection_of(name)
        check(collection, name, expect)
        find(collection, name)
        return Written(self._store.remove(name), created=False)

    def _written(self, name: EntityName, written: Written, status: int) -> Reply:
        serving = self._replicas.leader(self._replicas.shard_of(name.uuid))
        told = self._replicas.headers(serving, version=written.version, read=False)
        body = {"urn": str(name), "version": written.version}
        return Reply.of(body, status, {"ETag": f'"{written.version}"', **told})


def find(collection: Collection, name: EntityName, as_of: int | None = None) -> Entity:
    """The entity (as it was at a version), or the refusal that it does not exist."""
    known = collection.at(name.uuid, as_of)
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


def _cache_control(collection: Collection) -> str:
    age = collection.options["cache_max_age_s"]
    return f"private, max-age={age}" if age else "private, no-cache"
