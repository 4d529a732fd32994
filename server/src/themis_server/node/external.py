"""The metadata store outside of the cluster, where one is configured."""

from __future__ import annotations

from typing import TYPE_CHECKING

from themis_server.config import Config
from themis_server.errors import StartRefusedError
from themis_server.gateway.status import MetadataSeen
from themis_server.metadata.lastknown import LastKnown, Remembering
from themis_server.metadata.store import MetadataStore

if TYPE_CHECKING:
    from themis_server.metadata.etcd import EtcdRewriting, EtcdSettings, EtcdStore


class Etcd:
    """What speaks to the configured etcd. Make it by `etcd_of`."""

    def __init__(self, settings: EtcdSettings, prefix: str) -> None:
        self._settings = settings
        self._prefix = prefix

    def store(self, local: LastKnown) -> EtcdStore:
        """Return the store, with what the node has seen of it."""
        from themis_server.metadata.etcd import EtcdStore

        return EtcdStore(self._settings, self._prefix, local)

    @staticmethod
    def seen_in(local: LastKnown) -> tuple[int, int]:
        """Return how far the node has noted that it saw the store (`EtcdStore.seen`)."""
        from themis_server.metadata.etcd import seen_in

        return seen_in(local)

    def rewriting(self) -> EtcdRewriting:
        """Return what changes it while nodes do not believe it."""
        from themis_server.metadata.etcd import EtcdRewriting

        return EtcdRewriting(self._settings, self._prefix)


def etcd_of(config: Config) -> Etcd | None:
    """Return the configured etcd, None with the embedded store; raises `StartRefusedError` without its driver."""
    settings = config.metadata
    if settings.store != "etcd":
        return None
    try:
        from themis_server.metadata.etcd import EtcdSettings
    except ImportError as error:
        raise StartRefusedError(
            f"metadata.store: etcd needs what the extra of themis-server of that name installs ({error})"
        ) from error
    reached = EtcdSettings(
        settings.etcd_endpoints,
        settings.etcd_ca,
        settings.etcd_cert,
        settings.etcd_key,
        settings.etcd_timeout_s,
    )
    return Etcd(reached, f"{settings.etcd_prefix}{config.node.cluster}")


def external_store(config: Config, local: LastKnown) -> MetadataStore | None:
    """Return the configured store outside of the cluster, None for the embedded one; raises `StartRefusedError`."""
    etcd = etcd_of(config)
    return None if etcd is None else etcd.store(local)


def seen_of(store: MetadataStore, copy: Remembering) -> MetadataSeen:
    """Return how far this node has seen a store outside of the cluster, of whose catalogue it keeps a copy."""
    revision, last_change = getattr(store, "seen", (0, 0))
    return MetadataSeen(revision, last_change, copy.fingerprint)


async def close(store: MetadataStore) -> None:
    """Close a store outside of the cluster."""
    end = getattr(store, "close", None)
    if end is not None:
        await end()
