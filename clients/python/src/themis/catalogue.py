"""The catalogue's and the cluster's part of `ThemisClient`: methods without state of their own."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Literal, TypeVar

from themis import cluster, collections
from themis._generated.models import (
    Collection,
    CollectionCount,
    CollectionOptionsChange,
    EntityList,
    Model,
    Namespace,
    NamespaceOptionsChange,
    Topology,
    VersionInfo,
)
from themis.cluster import NodeHealth
from themis.core import Core
from themis.flow import Flow
from themis.listing import EntityIterator
from themis.options import Consistency, IdempotencyKey
from themis.surface import namespace_of, read_options

__all__ = ["CatalogueMethods"]

_T = TypeVar("_T")


class CatalogueMethods(ABC):
    """What `ThemisClient` can do with collections, namespaces and the cluster."""

    _core: Core

    @abstractmethod
    def _run(self, flow: Flow[_T]) -> _T:
        """Drive a flow to its end."""

    # Collections

    def iterate(
        self,
        collection: str,
        *,
        page_size: int = 500,
        include: Literal["doc", "version"] = "doc",
        cursor: str | None = None,
        namespace: str | None = None,
        consistency: Consistency | None = None,
        max_lag_ms: int | None = None,
        timeout: float | None = None,
    ) -> EntityIterator:
        """All entities of a collection in the order of their uuids; `timeout` is for each page.

        No snapshot: what is there from beginning to end is seen exactly once, what is written meanwhile may be or not.
        """
        collections.check_listing(page_size, include)
        where = namespace_of(self._core, namespace)
        read = read_options(self._core, consistency, max_lag_ms)

        def fetch(at: str | None) -> EntityList:
            return self._run(
                collections.list_page(self._core, where, collection, page_size, include, at, read, timeout)
            )

        return EntityIterator(fetch, cursor)

    def count_collection(
        self,
        name: str,
        *,
        namespace: str | None = None,
        consistency: Consistency | None = None,
        max_lag_ms: int | None = None,
        timeout: float | None = None,
    ) -> CollectionCount:
        """How many entities a collection has: `count`, and `shards` with the count of each."""
        read = read_options(self._core, consistency, max_lag_ms)
        where = namespace_of(self._core, namespace)
        return self._run(collections.count_collection(self._core, where, name, read, timeout))

    def create_collection(
        self,
        name: str,
        model: Model,
        *,
        description: str | None = None,
        cache_max_age_s: int | None = None,
        change_feed: bool | None = None,
        namespace: str | None = None,
        idempotency_key: IdempotencyKey = None,
        timeout: float | None = None,
    ) -> Collection:
        """Create a collection; its model is fixed for its life. Raises AlreadyExists or ModelMismatch."""
        options = CollectionOptionsChange(
            description=description, cache_max_age_s=cache_max_age_s, change_feed=change_feed
        )
        where = namespace_of(self._core, namespace)
        return self._run(
            collections.create_collection(self._core, where, name, model, options, idempotency_key, timeout)
        )

    def get_collection(self, name: str, *, namespace: str | None = None, timeout: float | None = None) -> Collection:
        """A collection with its model and options; raises CollectionNotFound."""
        return self._run(collections.get_collection(self._core, namespace_of(self._core, namespace), name, timeout))

    def list_collections(self, *, namespace: str | None = None, timeout: float | None = None) -> list[Collection]:
        """All collections of a namespace, by name."""
        return self._run(collections.list_collections(self._core, namespace_of(self._core, namespace), timeout))

    def alter_collection(
        self,
        name: str,
        *,
        description: str | None = None,
        cache_max_age_s: int | None = None,
        change_feed: bool | None = None,
        namespace: str | None = None,
        idempotency_key: IdempotencyKey = None,
        timeout: float | None = None,
    ) -> Collection:
        """Change the options named; the others stay."""
        options = CollectionOptionsChange(
            description=description, cache_max_age_s=cache_max_age_s, change_feed=change_feed
        )
        where = namespace_of(self._core, namespace)
        return self._run(collections.alter_collection(self._core, where, name, options, idempotency_key, timeout))

    def drop_collection(
        self,
        name: str,
        *,
        namespace: str | None = None,
        idempotency_key: IdempotencyKey = None,
        timeout: float | None = None,
    ) -> str:
        """Drop a collection with its data; returns its name."""
        where = namespace_of(self._core, namespace)
        return self._run(collections.drop_collection(self._core, where, name, idempotency_key, timeout))

    def create_namespace(
        self,
        name: str,
        *,
        auto_create_collections: bool | None = None,
        idempotency_key: IdempotencyKey = None,
        timeout: float | None = None,
    ) -> Namespace:
        """Create a namespace; raises AlreadyExists."""
        options = NamespaceOptionsChange(auto_create_collections=auto_create_collections)
        return self._run(collections.create_namespace(self._core, name, options, idempotency_key, timeout))

    def get_namespace(self, name: str, *, timeout: float | None = None) -> Namespace:
        """A namespace with its options; raises NamespaceNotFound."""
        return self._run(collections.get_namespace(self._core, name, timeout))

    def list_namespaces(self, *, timeout: float | None = None) -> list[Namespace]:
        """All namespaces, by name."""
        return self._run(collections.list_namespaces(self._core, timeout))

    def alter_namespace(
        self,
        name: str,
        *,
        auto_create_collections: bool | None = None,
        idempotency_key: IdempotencyKey = None,
        timeout: float | None = None,
    ) -> Namespace:
        """Change the options named; the others stay."""
        options = NamespaceOptionsChange(auto_create_collections=auto_create_collections)
        return self._run(collections.alter_namespace(self._core, name, options, idempotency_key, timeout))

    def drop_namespace(
        self,
        name: str,
        *,
        force: bool = False,
        idempotency_key: IdempotencyKey = None,
        timeout: float | None = None,
    ) -> str:
        """Drop a namespace; returns its name. One that has collections (NamespaceNotEmpty) only with `force`."""
        return self._run(collections.drop_namespace(self._core, name, force, idempotency_key, timeout))

    # Cluster

    def topology(self, *, timeout: float | None = None) -> Topology:
        """Nodes, shards and the token table, as a node knows them now."""
        return self._run(cluster.topology(self._core, timeout))

    def health(self, *, endpoint: str | None = None, timeout: float | None = None) -> NodeHealth:
        """Ask one node (any, or the one named) whether it takes requests: truthy when it does, and never an error."""
        return self._run(cluster.health(self._core, endpoint, timeout))

    def version(self, *, timeout: float | None = None) -> VersionInfo:
        """The server's version, its API's, and the features it has."""
        return self._run(cluster.version(self._core, timeout))

    def metrics(self, *, timeout: float | None = None) -> str:
        """The metrics of one node, in Prometheus' text format."""
        return self._run(cluster.metrics(self._core, timeout))
