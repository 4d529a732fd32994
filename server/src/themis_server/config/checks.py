"""What no single setting can tell: combinations that contradict each other, files that are not there."""

from __future__ import annotations

from urllib.parse import urlsplit

from themis_server.config.cluster_checks import check_cluster, check_metadata, check_peer, check_shards
from themis_server.config.files import open_to_others, unreadable
from themis_server.config.sections import Config, Http, Limits, Raft, is_loopback

__all__ = ["check", "warnings"]


def check(config: Config) -> list[str]:
    """Return every reason why a node must not start with `config`, one plain line each; empty when there is none.

    Looks at the file system only for the TLS files that are named.
    """
    return [
        *_check_bind(config.http),
        *_check_tls(config.http),
        *_check_urls(config.http),
        *_check_limits(config.limits),
        *_check_raft(config.raft),
        *check_peer(config, loopback=is_loopback(config.peer.host)),
        *check_cluster(config.cluster, config.peer),
        *check_metadata(config.metadata),
        *check_shards(config.shards, config.metadata),
    ]


def warnings(config: Config) -> list[str]:
    """Return what an operator should know but may want, one plain line each; the node logs them at the start."""
    found = []
    if not config.http.tls and not config.http.allow_insecure:
        found.append(
            f"http.host: {config.http.host} is served without TLS and without a login, to every user of this machine "
            "(http.allow_insecure = true says that this is meant)"
        )
    if not config.raft.fsync:
        found.append("raft.fsync: switched off, a power failure loses acknowledged writes")
    if config.storage.disk_reserve_bytes == 0:
        found.append("storage.disk_reserve_bytes: 0, a full disk stops the node instead of refusing writes")
    if config.peer.allow_insecure:
        found.append(
            "peer.allow_insecure: other nodes are spoken to without TLS; whoever reaches the port can do everything"
        )
    found += open_to_others("http.tls_key", config.http.tls_key)
    found += open_to_others("peer.tls_key", config.peer.tls_key)
    found += open_to_others("metadata.etcd_key", config.metadata.etcd_key)
    return found


def _check_bind(http: Http) -> list[str]:
    if is_loopback(http.host) or (http.tls and http.tls_client_ca):
        return []
    return [
        f"http.host: {http.host} is not a loopback address. Plain HTTP is accepted on loopback only (127.0.0.1, ::1, "
        "localhost); for any other bind, set http.tls_cert, http.tls_key and http.tls_client_ca: client certificates "
        "are the login until users come with a later release."
    ]


def _check_tls(http: Http) -> list[str]:
    problems = []
    if http.tls_cert and not http.tls_key:
        problems.append("http.tls_key: is empty although http.tls_cert is set; TLS needs both")
    if http.tls_key and not http.tls_cert:
        problems.append("http.tls_cert: is empty although http.tls_key is set; TLS needs both")
    if http.tls_client_ca and not http.tls_cert:
        problems.append(
            "http.tls_client_ca: needs http.tls_cert and http.tls_key, client certificates exist in TLS only"
        )
    named = {"tls_cert": http.tls_cert, "tls_key": http.tls_key, "tls_client_ca": http.tls_client_ca}
    return problems + unreadable("http", named)


def _check_urls(http: Http) -> list[str]:
    problems = []
    if http.advertise and not _is_origin(http.advertise.rstrip("/")):
        problems.append(f"http.advertise: {http.advertise!r} is not a URL like https://db1.example.org:8080")
    for origin in http.cors_origins:
        if origin == "*":
            problems.append(
                'http.cors_origins: "*" would let every page that is open in a browser of this machine read and write '
                "the data; list the origins"
            )
        elif not _is_origin(origin):
            problems.append(f"http.cors_origins: {origin!r} is not an origin like https://console.example.org")
    return problems


def _is_origin(text: str) -> bool:
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return False
    if parts.scheme not in ("http", "https") or not parts.hostname or (port is not None and port == 0):
        return False
    # An origin is nothing but scheme, host and port; what else there is (a path, a user) shows in the reassembly.
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return text.lower() == f"{parts.scheme}://{host}" + ("" if port is None else f":{port}")


def _check_limits(limits: Limits) -> list[str]:
    must_hold = (
        ("body_bytes_max", "batch_bytes_max", "a batch of one entity must fit"),
        ("body_bytes_max", "batch_response_bytes_max", "an answer of one entity must fit"),
        ("batch_bytes_max", "bodies_bytes_max", "otherwise the largest batch could never be received"),
        ("batch_bytes_max", "proposal_bytes_max", "otherwise the largest batch could never be accepted"),
    )
    return [
        f"limits.{larger}: {getattr(limits, larger)} is below limits.{smaller} = {getattr(limits, smaller)}; {why}"
        for smaller, larger, why in must_hold
        if getattr(limits, larger) < getattr(limits, smaller)
    ]


def _check_raft(raft: Raft) -> list[str]:
    if raft.heartbeat_ticks < raft.election_ticks:
        return []
    return [
        f"raft.election_ticks: {raft.election_ticks} is not above raft.heartbeat_ticks = {raft.heartbeat_ticks}; "
        "followers would stand for election between two heartbeats (ten times as many is usual)"
    ]
