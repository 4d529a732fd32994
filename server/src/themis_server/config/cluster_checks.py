"""What no single setting of a node among others can tell: see `checks`."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Final

from themis_server.config.addresses import parse_host_port
from themis_server.config.cluster_sections import Cluster, Metadata, Peer
from themis_server.config.files import unreadable

if TYPE_CHECKING:
    from themis_server.config.sections import Config, Shards

__all__ = ["check_cluster", "check_metadata", "check_peer", "check_shards"]

_FRAME_MARGIN_BYTES: Final = 1 << 20
"""What may stand around the largest command or answer in a frame."""
_TOKENS_MAX: Final = 160_000
"""Of a cluster: some 35 bytes each in the topology, which every node and client reads whole at each change."""
_TOKENS_MAX_ETCD: Final = 32_000
"""etcd takes requests of 1.5 MiB (`--max-request-bytes`); what is left holds 1,000 shards and their nodes."""


def check_peer(config: Config, *, loopback: bool) -> list[str]:
    """Look at `[peer]`; `loopback` says whether `peer.host` is reachable from this machine only."""
    peer = config.peer
    problems = _check_tls(peer)
    if peer.allow_insecure and peer.tls_cert:
        problems.append("peer.allow_insecure: is set although peer.tls_cert is; with certificates, take it out")
    elif peer.allow_insecure and not loopback:
        problems.append(
            f"peer.allow_insecure: is accepted on a loopback address only, and peer.host is {peer.host}; make "
            "certificates instead (`themis-admin certs`)"
        )
    if peer.advertise:
        problems += _check_addresses("peer.advertise", (peer.advertise,))
    elif peer.enabled and _is_wildcard(peer.host):
        problems.append(f"peer.advertise: must be set, other nodes cannot connect to peer.host = {peer.host}")
    if peer.enabled:
        problems += _check_frames(config)
    return problems


def _check_tls(peer: Peer) -> list[str]:
    named = {"tls_cert": peer.tls_cert, "tls_key": peer.tls_key, "tls_ca": peer.tls_ca}
    given = [key for key, path in named.items() if path]
    problems = [
        f"peer.{key}: is empty although peer.{given[0]} is set; the peer port needs all three files"
        for key in named
        if given and key not in given
    ]
    return problems + unreadable("peer", named)


def _check_frames(config: Config) -> list[str]:
    limits, raft = config.limits, config.raft
    held = {
        "limits.batch_bytes_max": limits.batch_bytes_max,
        "limits.batch_response_bytes_max": limits.batch_response_bytes_max,
        "raft.entry_bytes_max": raft.entry_bytes_max,
        "raft.snapshot_chunk_bytes": raft.snapshot_chunk_bytes,
    }
    frame = config.peer.frame_bytes_max
    return [
        f"peer.frame_bytes_max: {frame} leaves no room for {name} = {size}; nodes could not send that to each other "
        f"(at least {size + _FRAME_MARGIN_BYTES})"
        for name, size in held.items()
        if frame < size + _FRAME_MARGIN_BYTES
    ]


def check_cluster(cluster: Cluster, peer: Peer) -> list[str]:
    """Look at `[cluster]`."""
    if not cluster.join:
        return []
    problems = _check_addresses("cluster.join", cluster.join)
    if not peer.enabled:
        problems.append("cluster.join: needs a peer port: peer.tls_cert, peer.tls_key and peer.tls_ca")
    if not cluster.join_token_file:
        problems.append("cluster.join_token_file: is empty although cluster.join is set; joining needs a token")
    return problems


def check_metadata(metadata: Metadata) -> list[str]:
    """Look at `[metadata]`."""
    named = {"etcd_ca": metadata.etcd_ca, "etcd_cert": metadata.etcd_cert, "etcd_key": metadata.etcd_key}
    problems = _check_addresses("metadata.etcd_endpoints", metadata.etcd_endpoints)
    if metadata.store == "etcd" and not metadata.etcd_endpoints:
        problems.append("metadata.etcd_endpoints: is empty although metadata.store is etcd")
    if bool(metadata.etcd_cert) != bool(metadata.etcd_key):
        problems.append("metadata.etcd_cert, metadata.etcd_key: one is set and one is not; a certificate needs its key")
    if metadata.etcd_cert and not metadata.etcd_ca:
        problems.append("metadata.etcd_ca: is empty although metadata.etcd_cert is set; without it there is no TLS")
    return problems + unreadable("metadata", named)


def check_shards(shards: Shards, metadata: Metadata) -> list[str]:
    """Look at `[shards]`: the token table must fit into one value of the metadata store."""
    most, where = (_TOKENS_MAX_ETCD, " with metadata.store = etcd") if metadata.store == "etcd" else (_TOKENS_MAX, "")
    tokens = shards.count * shards.virtual_nodes
    if tokens <= most:
        return []
    return [
        f"shards.virtual_nodes: {shards.virtual_nodes} for each of {shards.count} shards (shards.count) are "
        f"{tokens:,} tokens, and a cluster may have {most:,}{where}; set it to {most // shards.count} or less"
    ]


def _check_addresses(setting: str, texts: tuple[str, ...]) -> list[str]:
    problems = []
    for text in texts:
        try:
            parse_host_port(text)
        except ValueError as error:
            problems.append(f"{setting}: {error}")
    return problems


def _is_wildcard(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_unspecified
    except ValueError:
        return False
