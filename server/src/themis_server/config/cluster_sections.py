"""The settings of a node among others: the peer port, the cluster it joins, the store of the metadata.

Written after the same rules as `sections`, which puts them into the whole.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal, TypeAlias

from msgspec import Meta, Struct

__all__ = ["Cluster", "Metadata", "Peer"]

_KIB: Final = 1 << 10
_MIB: Final = 1 << 20
_GIB: Final = 1 << 30

MetadataKind: TypeAlias = Literal["embedded", "etcd"]


class Peer(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The peer port: what nodes say to each other. Closed until it has certificates."""

    host: Annotated[
        str, Meta(min_length=1, description="Address to listen on for other nodes; any address, as TLS guards it.")
    ] = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65535, description="Port to listen on for other nodes; 0 takes a free one.")] = (
        9080
    )
    advertise: Annotated[
        str,
        Meta(
            description="HOST:PORT under which other nodes reach this one, published in the topology. Empty: host and "
            "port."
        ),
    ] = ""
    tls_cert: Annotated[
        str,
        Meta(
            description="PEM file with this node's certificate of the cluster's CA (`themis-admin certs node`). With "
            "it, tls_key and tls_ca the peer port opens."
        ),
    ] = ""
    tls_key: Annotated[str, Meta(description="PEM file with the private key of tls_cert.")] = ""
    tls_ca: Annotated[
        str, Meta(description="PEM file with the cluster's CA: only nodes with a certificate of it are spoken to.")
    ] = ""
    allow_insecure: Annotated[
        bool,
        Meta(
            description="Open the peer port without TLS. Accepted on a loopback address only, for measurements: "
            "whoever reaches the port can do everything."
        ),
    ] = False
    frame_bytes_max: Annotated[
        int, Meta(ge=_MIB, le=_GIB, description="Largest frame accepted from a peer; a larger one closes the stream.")
    ] = 64 * _MIB
    queue_bytes_max: Annotated[
        int,
        Meta(
            ge=_MIB,
            le=16 * _GIB,
            description="Most bytes that wait to be sent to one peer; Raft messages beyond it are dropped (Raft sends "
            "them again), calls are refused.",
        ),
    ] = 64 * _MIB
    connect_timeout_s: Annotated[
        float, Meta(ge=0.05, le=60, description="Time to connect to a peer, TLS and greeting included.")
    ] = 2.0
    call_timeout_s: Annotated[
        float, Meta(ge=0.05, le=600, description="Time a call to another node may take, where its caller sets none.")
    ] = 10.0

    @property
    def enabled(self) -> bool:
        """Whether the node has a peer port."""
        return self.tls_cert != "" or self.allow_insecure


class Cluster(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Joining a cluster, and how it looks after its nodes."""

    join: Annotated[
        tuple[str, ...],
        Meta(description="HOST:PORT of peer ports of the cluster to join; read at the first start of a node only."),
    ] = ()
    join_token_file: Annotated[
        str,
        Meta(description="File with the join token that `themis-admin join-token create` printed; read at the join."),
    ] = ""
    node_lease_s: Annotated[
        float,
        Meta(ge=0.5, le=600, description="A node that has not renewed its registration for so long is down."),
    ] = 9.0
    replace_after_s: Annotated[
        float,
        Meta(
            ge=1,
            le=2_592_000,
            description="The replicas of a node that has been down for so long are replaced on other nodes; cancelled "
            "if it comes back.",
        ),
    ] = 600.0
    moves_max: Annotated[
        int,
        Meta(ge=1, le=1024, description="Most shards that are being changed at once to replace, drain or balance."),
    ] = 4
    hedge_reads: Annotated[
        bool,
        Meta(
            description="Ask a second replica for a bounded or eventual read when the first takes longer than most do."
        ),
    ] = True
    leader_wait_s: Annotated[
        float,
        Meta(
            ge=0,
            le=60,
            description="Time a request waits for a shard that has no leader just now, before it is refused.",
        ),
    ] = 3.0


class Metadata(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where topology and catalog are kept."""

    store: Annotated[
        MetadataKind,
        Meta(description="embedded: in the cluster itself, no other process; etcd: in an etcd cluster."),
    ] = "embedded"
    voters_max: Annotated[
        int, Meta(ge=1, le=7, description="Embedded: most nodes that vote on the metadata; the others follow it.")
    ] = 5
    etcd_endpoints: Annotated[
        tuple[str, ...], Meta(description="etcd: HOST:PORT of its members; asked in turn when one fails.")
    ] = ()
    etcd_prefix: Annotated[
        str, Meta(min_length=1, description="etcd: what all keys begin with; one etcd may serve several clusters.")
    ] = "/themis/"
    etcd_ca: Annotated[str, Meta(description="etcd: PEM file with the CA of its servers; empty: plain text.")] = ""
    etcd_cert: Annotated[str, Meta(description="etcd: PEM file with the certificate this node shows.")] = ""
    etcd_key: Annotated[str, Meta(description="etcd: PEM file with the private key of etcd_cert.")] = ""
    etcd_timeout_s: Annotated[float, Meta(ge=0.1, le=60, description="etcd: time a request may take.")] = 3.0
