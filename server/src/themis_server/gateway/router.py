"""URN -> collection and shard."""

from __future__ import annotations

from themis.placement import TokenTable
from themis.urn import UrnPrefix, parse_prefix
from themis_server.clock import Clock
from themis_server.errors import ThemisServerError
from themis_server.gateway.freshness import NOT_FOUND, Freshness
from themis_server.metadata.catalog import Collection
from themis_server.metadata.topology import TopologyView
from themis_server.shard.replica import Replica
from themis_server.shard.replicas import Replicas


class Router:
    """Finds the collection and the shard of entities by the catalog and the token table of this moment."""

    def __init__(self, freshness: Freshness, topology: TopologyView, replicas: Replicas, clock: Clock) -> None:
        self._freshness = freshness
        self._catalog = freshness.catalog
        self._topology = topology
        self._replicas = replicas.by_shard
        self._clock = clock

    @property
    def is_current(self) -> bool:
        """Whether this node cannot lag behind the catalog."""
        return self._freshness.is_current

    def known(self, prefix: str) -> Collection | None:
        """Return the collection that the normalised text of a URN up to its uuid names, if this node knows it."""
        return self._catalog.by_prefix.get(prefix)

    async def collection(self, prefix: str) -> Collection:
        """Return the collection that the text of a URN up to its uuid names.

        Raises:
            ThemisServerError: namespace_not_found, collection_not_found, collection_model_mismatch; or the metadata
                cannot be asked about a name that this node does not know.
        """
        found = self._catalog.by_prefix.get(prefix)
        if found is not None:
            return found
        parsed = parse_prefix(prefix)
        return await self._freshness.found(lambda: self._catalog.resolve(parsed), parsed.namespace, parsed.collection)

    async def collection_for_write(self, prefix: str) -> Collection:
        """Return the collection a write goes to, creating it if that is allowed."""
        found = self._catalog.by_prefix.get(prefix)
        if found is not None:
            return found
        parsed = parse_prefix(prefix)
        try:
            return await self._ensured(parsed)
        except ThemisServerError as error:
            if error.code not in NOT_FOUND or self._freshness.is_current:
                raise
        await self._freshness.confirm(parsed.namespace, parsed.collection)
        return await self._ensured(parsed)

    async def _ensured(self, prefix: UrnPrefix) -> Collection:
        return await self._catalog.ensure(prefix, self._clock.unix_ms())

    async def renewed(self, collection: Collection) -> bool:
        """Ask the metadata about a collection that a shard says was dropped; return whether it is another one now."""
        if self._freshness.is_current:
            return False
        await self._freshness.confirm(collection.namespace, collection.name)
        current = self._catalog.by_prefix.get(collection.prefix.text)
        return current is None or current.id != collection.id

    @property
    def table(self) -> TokenTable:
        """Who owns which hashes at this moment."""
        return self._topology.table

    def shard_of(self, uuid: str) -> str:
        """Return the shard that owns a uuid (lower case)."""
        return self._topology.table.shard_for_uuid(uuid)

    def replica_of(self, uuid: str) -> Replica | None:
        """Return this node's replica of the shard that owns a uuid (lower case); None if it has none."""
        return self._replicas.get(self._topology.table.shard_for_uuid(uuid))
