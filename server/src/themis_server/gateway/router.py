"""URN -> collection, shard, replica."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from themis.urn import parse_prefix, uuid_to_bytes
from themis_server.clock import Clock
from themis_server.errors import wrong_shard
from themis_server.metadata.catalog import Catalog, Collection
from themis_server.metadata.topology import TopologyView
from themis_server.shard.replica import Replica


class Located(NamedTuple):
    """Where an entity lives."""

    collection: Collection
    replica: Replica
    uuid: bytes


class Router:
    """Finds the place of entities by the catalog and the token table of this moment."""

    def __init__(self, catalog: Catalog, topology: TopologyView, replicas: Mapping[str, Replica], clock: Clock) -> None:
        self._catalog = catalog
        self._topology = topology
        self.replicas = replicas
        self._clock = clock

    def locate(self, prefix: str, uuid: str) -> Located:
        """Return the place of an entity whose collection exists.

        Args:
            prefix: the normalised text of the URN up to the uuid.
            uuid: its uuid in lower case.

        Raises:
            ThemisServerError: namespace_not_found, collection_not_found, collection_model_mismatch, wrong_shard.
        """
        return Located(self.collection(prefix), self.replica_of(uuid), uuid_to_bytes(uuid))

    def collection(self, prefix: str) -> Collection:
        """Return the collection that the text of a URN up to its uuid names."""
        return self._catalog.by_prefix.get(prefix) or self._catalog.resolve(parse_prefix(prefix))

    async def locate_for_write(self, prefix: str, uuid: str) -> Located:
        """Return the place of an entity; its collection comes into being if that is allowed."""
        collection = await self.collection_for_write(prefix)
        return Located(collection, self.replica_of(uuid), uuid_to_bytes(uuid))

    async def collection_for_write(self, prefix: str) -> Collection:
        """Return the collection a write goes to, creating it if that is allowed."""
        collection = self._catalog.by_prefix.get(prefix)
        return collection or await self._catalog.ensure(parse_prefix(prefix), self._clock.unix_ms())

    def replica_of(self, uuid: str) -> Replica:
        """Return the local replica of the shard that owns a uuid (lower case), or raise wrong_shard with its owner."""
        shard_id = self._topology.table.shard_for_uuid(uuid)
        replica = self.replicas.get(shard_id)
        if replica is None:
            raise wrong_shard(self._owner_of(shard_id), self._topology.epoch)
        return replica

    def _owner_of(self, shard_id: str) -> str | None:
        topology = self._topology.current
        endpoints = {node.node_id: node.endpoint for node in topology.nodes}
        for shard in topology.shards:
            if shard.shard_id == shard_id and shard.replicas:
                return endpoints.get(shard.replicas[0].node_id)
        return None
