"""The metadata store outside of the cluster, where one is configured."""

from __future__ import annotations

from themis_server.config import Config
from themis_server.errors import StartRefusedError
from themis_server.metadata.lastknown import LastKnown
from themis_server.metadata.store import MetadataStore


def external_store(config: Config, local: LastKnown) -> MetadataStore | None:
    """Return the configured store outside of the cluster, None for the embedded one; raises `StartRefusedError`."""
    settings = config.metadata
    if settings.store != "etcd":
        return None
    try:
        from themis_server.metadata.etcd import EtcdSettings, EtcdStore
    except ImportError as error:
        raise StartRefusedError(
            f"metadata.store: etcd needs what the extra of themis-server of that name installs ({error})"
        ) from error
    return EtcdStore(
        EtcdSettings(
            settings.etcd_endpoints,
            settings.etcd_ca,
            settings.etcd_cert,
            settings.etcd_key,
            settings.etcd_timeout_s,
        ),
        f"{settings.etcd_prefix}{config.node.cluster}",
        local,
    )
