"""Every setting of a node: its type, its bounds, its default and what it does.

This file is the only place that knows them. The loader takes types and bounds from here, `config print` and
docs/reference/configuration.md take the descriptions. A name ends in its unit (`_bytes`, `_s`, `_ms`, `_ticks`).
A setting that must never be shown is marked `extra={"secret": True}`.
"""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import Annotated, Final, Literal, TypeAlias

from msgspec import Meta, Struct, field

from themis_server.config.cluster_sections import Cluster, Metadata, Peer

__all__ = [
    "Catalog",
    "Cluster",
    "Config",
    "Http",
    "Idempotency",
    "Limits",
    "Log",
    "Metadata",
    "Node",
    "Peer",
    "Raft",
    "Shards",
    "Storage",
    "is_loopback",
]

_KIB: Final = 1 << 10
_MIB: Final = 1 << 20
_GIB: Final = 1 << 30

NAME_PATTERN: Final = r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,62}$"

LogFormat: TypeAlias = Literal["auto", "console", "json"]
NodeKind: TypeAlias = Literal["data", "read_replica"]
LogLevel: TypeAlias = Literal["debug", "info", "warning", "error"]


def is_loopback(host: str) -> bool:
    """Tell whether `host` can only be reached from this machine: 127.0.0.0/8, ::1 or the name `localhost`.

    Any other name counts as reachable: what it resolves to may change after the check.
    """
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class Node(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who this node is and where it keeps its data."""

    id: Annotated[
        str,
        Meta(
            pattern=NAME_PATTERN,
            description="Name of this node, unique in its cluster. It is written into the data directory at the "
            "first start and must not change afterwards.",
        ),
    ] = "node-1"
    data_dir: Annotated[
        str,
        Meta(
            min_length=1,
            description="Directory of the log and the state; made when missing. A relative path starts at the "
            "working directory of the process. One process at a time may hold it.",
        ),
    ] = "./data"
    datacenter: Annotated[
        str, Meta(pattern=NAME_PATTERN, description="Datacenter this node stands in, shown in the topology.")
    ] = "dc1"
    rack: Annotated[
        str,
        Meta(
            pattern=NAME_PATTERN,
            description="Rack (or availability zone) this node stands in: what fails together carries one name.",
        ),
    ] = "rack1"
    cluster: Annotated[
        str,
        Meta(
            pattern=NAME_PATTERN,
            description="Name of the cluster. It is written into the data directory at the first start, so that "
            "a node never joins the wrong one.",
        ),
    ] = "themis"
    kind: Annotated[
        NodeKind,
        Meta(
            description="data: holds replicas that vote; read_replica: holds copies of all shards that only serve "
            "bounded and eventual reads, and never votes."
        ),
    ] = "data"

    @property
    def data_path(self) -> Path:
        """`data_dir` as an absolute path."""
        return Path(self.data_dir).expanduser().absolute()


class Http(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The client port."""

    host: Annotated[
        str,
        Meta(
            min_length=1,
            description="Address to listen on. Any other than a loopback address (127.0.0.0/8, ::1, localhost) is "
            "accepted only with tls_cert, tls_key and tls_client_ca: client certificates are the login until users "
            "come with a later release.",
        ),
    ] = "127.0.0.1"
    port: Annotated[
        int, Meta(ge=0, le=65535, description="Port to listen on; 0 takes any free one and says which at the start.")
    ] = 8080
    advertise: Annotated[
        str,
        Meta(
            description="URL under which clients reach this node (`https://db1.example.org:8080`), published in the "
            "topology. Empty: made from host and port."
        ),
    ] = ""
    tls_cert: Annotated[
        str,
        Meta(
            description="PEM file with the certificate chain of the client port. Set together with tls_key; with both, "
            "the port speaks HTTPS only, TLS 1.2 or newer."
        ),
    ] = ""
    tls_key: Annotated[
        str, Meta(description="PEM file with the private key of tls_cert; it should be readable for this user only.")
    ] = ""
    tls_client_ca: Annotated[
        str,
        Meta(
            description="PEM file with certificate authorities. When set, a client must show a certificate of one of "
            "them."
        ),
    ] = ""
    cors_origins: Annotated[
        tuple[str, ...],
        Meta(
            description='Origins whose pages a browser lets use this node, each as scheme://host[:port]. "*" is '
            "refused: while there are no users, it would open the node to every page its operator visits."
        ),
    ] = ()
    allow_insecure: Annotated[
        bool,
        Meta(
            description="Says that plain HTTP without a login is meant, which silences the warning about it at the "
            "start. It opens nothing: plain HTTP stays on loopback with or without it."
        ),
    ] = False

    @property
    def tls(self) -> bool:
        """Whether the client port speaks HTTPS."""
        return self.tls_cert != ""

    @property
    def loopback(self) -> bool:
        """Whether the port is reachable from this machine only."""
        return is_loopback(self.host)

    def endpoint(self, port: int | None = None) -> str:
        """Return the URL that the topology publishes; `port` is the bound one where the setting is 0."""
        if self.advertise:
            return self.advertise.rstrip("/")
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.tls else 'http'}://{host}:{self.port if port is None else port}"


class Limits(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a client may ask of a node; every limit answers with an error that names it."""

    body_bytes_max: Annotated[
        int, Meta(ge=_KIB, le=64 * _MIB, description="Largest body of a request for one entity or one setting.")
    ] = _MIB
    batch_bytes_max: Annotated[
        int, Meta(ge=_KIB, le=256 * _MIB, description="Largest body of a batch request; not below body_bytes_max.")
    ] = 8 * _MIB
    bodies_bytes_max: Annotated[
        int,
        Meta(
            ge=_MIB,
            le=64 * _GIB,
            description="Most bytes of request bodies that are being received at once, over all connections; further "
            "requests are answered 429 with Retry-After. Not below batch_bytes_max.",
        ),
    ] = 256 * _MIB
    batch_items_max: Annotated[int, Meta(ge=1, le=100_000, description="Most items of one batch.")] = 10_000
    batch_response_bytes_max: Annotated[
        int,
        Meta(
            ge=_KIB,
            le=_GIB,
            description="Largest answer to a batch; items beyond it carry the error batch_response_limit. Not below "
            "body_bytes_max.",
        ),
    ] = 32 * _MIB
    json_depth_max: Annotated[
        int, Meta(ge=1, le=256, description="Deepest nesting of arrays and objects in a body.")
    ] = 64
    headers_max: Annotated[int, Meta(ge=8, le=1024, description="Most header fields of a request.")] = 64
    header_bytes_max: Annotated[
        int, Meta(ge=256, le=64 * _KIB, description="Longest header field of a request, name and value.")
    ] = 8 * _KIB
    uri_bytes_max: Annotated[int, Meta(ge=256, le=64 * _KIB, description="Longest request target.")] = 8 * _KIB
    header_timeout_s: Annotated[
        float, Meta(ge=0.05, le=3600, description="Time for all headers of a request to arrive.")
    ] = 5.0
    body_timeout_s: Annotated[
        float, Meta(ge=0.05, le=3600, description="Time for the whole body of a request to arrive.")
    ] = 30.0
    idle_timeout_s: Annotated[
        float, Meta(ge=0.05, le=86_400, description="Time a kept-alive connection may rest between two requests.")
    ] = 60.0
    connections_per_address_max: Annotated[
        int, Meta(ge=1, le=1_000_000, description="Most open connections of one client address.")
    ] = 200
    proposals_max: Annotated[
        int,
        Meta(
            ge=1,
            le=10_000_000,
            description="Most writes that wait to be committed, over all shards; further ones are answered 429 with "
            "Retry-After.",
        ),
    ] = 10_000
    proposal_bytes_max: Annotated[
        int,
        Meta(
            ge=_MIB,
            le=16 * _GIB,
            description="Most bytes of writes that wait to be committed, over all shards. Not below batch_bytes_max.",
        ),
    ] = 64 * _MIB
    request_timeout_s: Annotated[
        float,
        Meta(
            ge=0.05,
            le=3600,
            description="Time the node works on a request once its body is there. A write that takes longer is "
            "answered outcome_unknown: it may still happen.",
        ),
    ] = 30.0
    strict_json: Annotated[
        bool, Meta(description="Refuse documents in which an object has the same key twice (otherwise the last wins).")
    ] = False
    drain_timeout_s: Annotated[
        float,
        Meta(ge=0, le=3600, description="Time a stopping node gives accepted requests to end before it closes them."),
    ] = 20.0


class Shards(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How keys are spread; read at the first start of a cluster only and kept in the topology from then on."""

    count: Annotated[int, Meta(ge=1, le=1024, description="Number of shards (Raft groups) of a new cluster.")] = 8
    virtual_nodes: Annotated[
        int, Meta(ge=1, le=4096, description="Tokens of each shard on the hash ring of a new cluster.")
    ] = 150
    replicas: Annotated[
        int,
        Meta(
            ge=1,
            le=9,
            description="Replicas that each shard of a new cluster shall have; fewer while there are fewer nodes.",
        ),
    ] = 3


class Raft(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Replication and its log."""

    tick_ms: Annotated[int, Meta(ge=5, le=10_000, description="Length of a tick, the unit of the two below.")] = 50
    heartbeat_ticks: Annotated[
        int, Meta(ge=1, le=100, description="Ticks between two heartbeats of a leader; below election_ticks.")
    ] = 2
    election_ticks: Annotated[
        int,
        Meta(
            ge=2,
            le=1000,
            description="Ticks without a leader's heartbeat before which nobody votes for another. A voter stands for "
            "election half a heartbeat interval later if it is the first in rank in its group, and a heartbeat "
            "interval later for each voter before it, below 2 x election_ticks.",
        ),
    ] = 10
    fsync: Annotated[
        bool,
        Meta(
            description="Acknowledge a write only when it is on the disk. Switched off, a power failure loses "
            "acknowledged writes: for measurements only."
        ),
    ] = True
    lease_reads: Annotated[
        bool,
        Meta(
            description="Let a leader answer strong reads without asking the others while it knows that none of them "
            "can have been elected. Faster, and right only while the clocks of the nodes run at about the same speed."
        ),
    ] = False
    log_retain_bytes: Annotated[
        int,
        Meta(
            ge=_MIB,
            le=64 * _GIB,
            description="Log of a shard that is kept for a replica that lags; beyond that it is sent a snapshot.",
        ),
    ] = 64 * _MIB
    snapshot_chunk_bytes: Annotated[
        int, Meta(ge=16 * _KIB, le=16 * _MIB, description="Size of the pieces in which a snapshot is sent.")
    ] = _MIB
    snapshot_bytes_per_s: Annotated[
        int, Meta(ge=64 * _KIB, le=64 * _GIB, description="Bytes of snapshots that a node sends in a second, at most.")
    ] = 64 * _MIB
    snapshots_max: Annotated[
        int, Meta(ge=1, le=256, description="Snapshots that a node sends at once, and that it receives at once.")
    ] = 4
    log_compact_entries: Annotated[
        int, Meta(ge=100, le=100_000_000, description="Applied log entries of a shard after which its log is cut.")
    ] = 20_000
    log_compact_bytes: Annotated[
        int, Meta(ge=_MIB, le=64 * _GIB, description="Applied log bytes of a shard after which its log is cut.")
    ] = 8 * _MIB
    entry_bytes_max: Annotated[
        int,
        Meta(
            ge=4 * _KIB,
            le=64 * _MIB,
            description="Size up to which commands are packed into one log entry; a larger command has its own.",
        ),
    ] = _MIB


class Storage(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """RocksDB and the disk."""

    block_cache_bytes: Annotated[
        int,
        Meta(
            ge=_MIB, le=1024 * _GIB, description="Memory for blocks read from disk, shared by all shards of the node."
        ),
    ] = 64 * _MIB
    entity_cache_bytes: Annotated[
        int,
        Meta(
            ge=0,
            le=1024 * _GIB,
            description="Memory for entities that were read lately, in front of the blocks; 0 switches it off.",
        ),
    ] = 64 * _MIB
    write_buffer_bytes: Annotated[
        int, Meta(ge=_MIB, le=16 * _GIB, description="Memory table of a database before it is written to a file.")
    ] = 64 * _MIB
    max_open_files: Annotated[
        int, Meta(ge=64, le=1_000_000, description="Most files that each of the two databases keeps open.")
    ] = 512
    disk_reserve_bytes: Annotated[
        int,
        Meta(
            ge=0,
            le=1024 * _GIB,
            description="Free space below which writes are answered 507, so that the log, compaction and a clean stop "
            "still have room. Reads go on.",
        ),
    ] = 64 * _MIB
    change_feed_retention_s: Annotated[
        int, Meta(ge=0, le=31_536_000, description="Age after which events of a change feed are dropped.")
    ] = 86_400


class Idempotency(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is remembered of writes that carried an Idempotency-Key."""

    retention_s: Annotated[
        int, Meta(ge=1, le=31_536_000, description="Time during which a repeated key is answered as the first time.")
    ] = 86_400
    records_max: Annotated[
        int, Meta(ge=1, le=100_000_000, description="Most keys remembered by a shard; beyond it the oldest go first.")
    ] = 100_000


class Catalog(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Namespaces and collections."""

    auto_create_namespaces: Annotated[
        bool, Meta(description="Make an unknown namespace by the first write into it; otherwise answer 404.")
    ] = True
    auto_create_collections: Annotated[
        bool,
        Meta(
            description="Make an unknown collection by the first write into it, in namespaces whose own option does "
            "not say otherwise; else answer 404."
        ),
    ] = True


class Log(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The node's own log, written to standard error."""

    format: Annotated[
        LogFormat,
        Meta(description="json: one object a line; console: for reading; auto: console on a terminal, otherwise json."),
    ] = "auto"
    level: Annotated[LogLevel, Meta(description="Least severe level that is written.")] = "info"
    slow_request_ms: Annotated[
        int, Meta(ge=0, le=3_600_000, description="Requests that take longer are logged as slow; 0 logs none.")
    ] = 500


class Config(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole configuration of one node; every attribute is a section of the TOML file."""

    node: Node = field(default_factory=Node)
    http: Http = field(default_factory=Http)
    limits: Limits = field(default_factory=Limits)
    shards: Shards = field(default_factory=Shards)
    raft: Raft = field(default_factory=Raft)
    peer: Peer = field(default_factory=Peer)
    cluster: Cluster = field(default_factory=Cluster)
    metadata: Metadata = field(default_factory=Metadata)
    storage: Storage = field(default_factory=Storage)
    idempotency: Idempotency = field(default_factory=Idempotency)
    catalog: Catalog = field(default_factory=Catalog)
    log: Log = field(default_factory=Log)
