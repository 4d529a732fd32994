"""The two databases of a node and what stands around them: its directory, caches, and the disk's free space."""

from __future__ import annotations

from dataclasses import dataclass

from themis_server.cache.entities import CoherentEngine, EntityCache
from themis_server.clock import Clock
from themis_server.config import Config
from themis_server.observability.instruments import Instruments
from themis_server.observability.log import get_logger
from themis_server.storage import keys
from themis_server.storage.directory import FORMAT, DataDirectory, DirectoryRefused, Identity
from themis_server.storage.engine import Engine, EngineError, Overlay
from themis_server.storage.rocks import RocksEngine, Role
from themis_server.storage.space import DiskSpace

_log = get_logger(__name__)


@dataclass(frozen=True)
class Stores:
    """The opened storage of a node; `close` it last."""

    directory: DataDirectory
    identity: Identity
    log: RocksEngine
    state: RocksEngine
    cache: EntityCache
    coherent: CoherentEngine
    """The state as whoever writes it uses it: the cache learns of every write."""
    space: DiskSpace

    def close(self, instruments: Instruments) -> None:
        """Sync the state and close everything; a database that does not close cleanly is only logged."""
        instruments.rocksdb.forget("raft")
        instruments.rocksdb.forget("data")
        try:
            self.state.sync()
        finally:
            for engine in (self.state, self.log):
                try:
                    engine.close()
                except EngineError as error:
                    _log.warning("storage.close.failed", why=str(error))
            self.directory.close()


def open_stores(config: Config, clock: Clock, instruments: Instruments) -> Stores:
    """Open a node's directory and databases; raises `DirectoryRefused` or `EngineError`."""
    directory = DataDirectory(config.node.data_path)
    wanted = Identity(FORMAT, config.node.id, config.node.cluster, config.shards.count, config.shards.virtual_nodes)
    identity = directory.identify(wanted)
    for name, setting in (("shards", "count"), ("virtual_nodes", "virtual_nodes")):
        if getattr(identity, name) != getattr(wanted, name):
            _log.warning(
                "config.ignored",
                setting=f"shards.{setting}",
                configured=getattr(wanted, name),
                fixed_at_first_start=getattr(identity, name),
            )
    storage = config.storage
    log = RocksEngine(
        directory.path / "raft",
        Role.LOG,
        write_buffer_bytes=storage.write_buffer_bytes,
        max_open_files=storage.max_open_files,
    )
    if log.get(keys.RECOVERY_KEY) is not None:
        log.close()
        directory.close()
        raise DirectoryRefused(
            f"a plan of recovery is being applied to {directory.path} and is not done: `themis-server recover apply` "
            "with the same plan goes on with it"
        )
    state = RocksEngine(
        directory.path / "data",
        Role.STATE,
        block_cache_bytes=storage.block_cache_bytes,
        write_buffer_bytes=storage.write_buffer_bytes,
        max_open_files=storage.max_open_files,
    )
    cache = EntityCache(state, storage.entity_cache_bytes)
    instruments.rocksdb.watch("raft", log.property)
    instruments.rocksdb.watch("data", state.property)
    space = DiskSpace(directory.path, storage.disk_reserve_bytes, clock.monotonic_s)
    return Stores(directory, identity, log, state, cache, CoherentEngine(state, cache), space)


class LocalNotes:
    """The last known metadata of a node (`metadata.lastknown.LastKnown`), in its own state database.

    A note is synced when it is made: what a node has seen must survive a power failure, or the fence would fall.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def load(self, name: str) -> bytes | None:
        """Return what was saved under a name, None if nothing was."""
        return self._engine.get(_key(name))

    def save(self, name: str, data: bytes) -> None:
        """Keep a value in place of the one before."""
        overlay = Overlay(self._engine)
        overlay.put(_key(name), data)
        self._engine.write(overlay)
        self._engine.sync()


def _key(name: str) -> bytes:
    return keys.TOPOLOGY_KEY + name.encode()
