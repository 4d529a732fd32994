"""The metrics of a node among others: its groups, its peers, what it forwards, snapshots, the cluster as it sees it.

Part of the catalogue, after the same rules. Nothing here is counted on the way of a request: the figures exist anyway,
and are looked up once a second.
"""

from __future__ import annotations

from typing import Final

from themis_server.observability.metrics import Kind, MetricSpec

__all__ = ["CLUSTER_CATALOGUE"]

# What the node replicates

GROUPS: Final = MetricSpec(
    "themis_groups",
    Kind.GAUGE,
    "Raft groups with a replica here, the metadata's included, by its role: leader, follower, learner, candidate, or "
    "waiting (for its first snapshot).",
    ("role",),
)
GROUPS_WITHOUT_LEADER: Final = MetricSpec(
    "themis_groups_without_leader",
    Kind.GAUGE,
    "Groups with a replica here of which this node knows no leader; above 0 for seconds, their writes and strong reads "
    "are refused.",
)
GROUPS_QUIESCED: Final = MetricSpec(
    "themis_groups_quiesced", Kind.GAUGE, "Groups here that sleep because nothing happens in them; they cost nothing."
)
GROUPS_UNSETTLED: Final = MetricSpec(
    "themis_groups_unsettled",
    Kind.GAUGE,
    "Groups led here whose replicas are not yet those that the topology wants; above 0 while replicas are moved.",
)
LEADER_CHANGES: Final = MetricSpec(
    "themis_leader_changes_total",
    Kind.COUNTER,
    "Times that a group here was found with another leader than a second before; transfers and elections alike.",
)
ELECTIONS: Final = MetricSpec(
    "themis_elections_total",
    Kind.COUNTER,
    "Raft terms that began in groups here: elections won or lost, and transfers. Every replica of a group counts the "
    "same ones.",
)
REPLICATION_LAG: Final = MetricSpec(
    "themis_replication_lag_entries",
    Kind.GAUGE,
    "The most committed entries that the replica on a peer is not known to have, over the groups led here, by node.",
    ("peer",),
)
PROVEN_AGE: Final = MetricSpec(
    "themis_replica_proven_age_seconds",
    Kind.GAUGE,
    "Time since the state of a follower or learner here was last proven current, the greatest over those that are read "
    "here. Only reads have it proven, so it grows while nobody reads.",
)
LOG_RETAINED_BYTES: Final = MetricSpec(
    "themis_log_retained_bytes", Kind.GAUGE, "Bytes of Raft log kept in all groups here; kept for replicas that lag."
)
LOG_RETAINED_ENTRIES: Final = MetricSpec(
    "themis_log_retained_entries", Kind.GAUGE, "Entries of Raft log kept in all groups here."
)

# Other nodes

PEERS: Final = MetricSpec("themis_peers", Kind.GAUGE, "Other nodes of the topology that have a peer port.")
PEERS_CONNECTED: Final = MetricSpec(
    "themis_peers_connected", Kind.GAUGE, "Those of them to which a Raft stream of this node stands."
)
PEER_CONNECTIONS: Final = MetricSpec(
    "themis_peer_connections",
    Kind.GAUGE,
    "Connections with other nodes that are greeted and open, both ways, by lane: raft, or calls.",
    ("lane",),
)
PEER_CONNECT_FAILURES: Final = MetricSpec(
    "themis_peer_connect_failures_total",
    Kind.COUNTER,
    "Outgoing connections that came to nothing: no answer, TLS failed, no greeting in time.",
)
PEER_CLOSED: Final = MetricSpec(
    "themis_peer_connections_rejected_total",
    Kind.COUNTER,
    "Connections closed by this node, by reason: tls_failed (no certificate of the cluster's CA), bad_preamble, "
    "greeting_late, crowded_out (too many not greeted), too_fast (too many within a second), bad_frame, silent.",
    ("reason",),
)
PEER_REFUSALS: Final = MetricSpec(
    "themis_peer_refusals_total",
    Kind.COUNTER,
    "Greetings refused by name, by who refused (self: this node; peer: another refused this one) and by code.",
    ("by", "code"),
)
PEER_FRAMES: Final = MetricSpec(
    "themis_peer_frames_total",
    Kind.COUNTER,
    "Frames on the connections with other nodes, by lane and direction; on lane raft each is an envelope or a ping.",
    ("lane", "direction"),
)
PEER_BYTES: Final = MetricSpec(
    "themis_peer_bytes_total",
    Kind.COUNTER,
    "Bytes on the connections with other nodes, without what TLS adds, by lane and direction.",
    ("lane", "direction"),
)
ENVELOPES_DROPPED: Final = MetricSpec(
    "themis_peer_envelopes_dropped_total",
    Kind.COUNTER,
    "Raft envelopes not sent: no stream, or peer.queue_bytes_max waits for that peer. Raft sends them again.",
)
ENVELOPE_BYTES_DROPPED: Final = MetricSpec(
    "themis_peer_envelope_dropped_bytes_total", Kind.COUNTER, "Bytes of the envelopes not sent."
)
RAFT_MESSAGES: Final = MetricSpec(
    "themis_raft_messages_total", Kind.COUNTER, "Raft messages that came from other nodes."
)
RAFT_MESSAGES_REFUSED: Final = MetricSpec(
    "themis_raft_messages_refused_total",
    Kind.COUNTER,
    "Raft messages passed over, by reason: unknown_group (no replica here), refused (Raft did not take it).",
    ("reason",),
)
CALLS: Final = MetricSpec("themis_peer_calls_total", Kind.COUNTER, "Calls made to other nodes.")
CALLS_FAILED: Final = MetricSpec(
    "themis_peer_calls_failed_total",
    Kind.COUNTER,
    "Calls without an answer, by outcome: unreachable and busy (surely not done), lost (not known).",
    ("outcome",),
)
CALLS_SERVED: Final = MetricSpec(
    "themis_peer_calls_served_total", Kind.COUNTER, "Calls of other nodes that were answered, errors included."
)
HANDLERS_CRASHED: Final = MetricSpec(
    "themis_peer_handlers_crashed_total",
    Kind.COUNTER,
    "Calls of other nodes that failed with a fault in the server; not 0 is worth a look at the log.",
)
FORWARDED: Final = MetricSpec(
    "themis_requests_forwarded_total",
    Kind.COUNTER,
    "Requests sent on to other nodes because their shards are led, or read, there; clients that know the topology "
    "cause few.",
)
REPEATED: Final = MetricSpec(
    "themis_request_parts_repeated_total",
    Kind.COUNTER,
    "Parts of requests that were tried again, because a replica did not lead or a node was silent.",
)
HEDGED: Final = MetricSpec(
    "themis_reads_hedged_total",
    Kind.COUNTER,
    "Bounded and eventual reads asked of a second replica, as the first was slow.",
)

# Snapshots

SNAPSHOTS: Final = MetricSpec(
    "themis_snapshots_total",
    Kind.COUNTER,
    "Snapshots of groups, by result: sent, failed (to be sent), received, installed.",
    ("result",),
)
SNAPSHOT_BYTES: Final = MetricSpec(
    "themis_snapshot_bytes_total", Kind.COUNTER, "Bytes of snapshots, by direction.", ("direction",)
)
SNAPSHOTS_SENDING: Final = MetricSpec(
    "themis_snapshots_sending",
    Kind.GAUGE,
    "Snapshots that are being sent, or wait for their turn (raft.snapshots_max).",
)

# The cluster, as this node sees it

NODES: Final = MetricSpec(
    "themis_nodes",
    Kind.GAUGE,
    "Nodes of the cluster as this node sees them, by health: healthy, degraded, down. While the metadata cannot be "
    "reached, it stays as it was.",
    ("health",),
)
NODE_DEGRADED: Final = MetricSpec(
    "themis_node_degraded",
    Kind.GAUGE,
    "1 while this node reports itself degraded (full or slow disk, metadata refused), otherwise 0; `themis-admin "
    "nodes` says why.",
)
SHARDS: Final = MetricSpec("themis_shards", Kind.GAUGE, "Shards of the cluster.")
GROUPS_AT_RISK: Final = MetricSpec(
    "themis_groups_at_risk",
    Kind.GAUGE,
    "Groups of the whole cluster, the metadata's included, of which some voters are on nodes that are down, or that "
    "this node has no stream to, and no further one may fail.",
)
GROUPS_WITHOUT_MAJORITY: Final = MetricSpec(
    "themis_groups_without_majority",
    Kind.GAUGE,
    "Groups of the whole cluster of which so many voters are on such nodes that nothing can be written, as this node "
    "sees it; a node that is cut off sees that of all.",
)
COORDINATOR: Final = MetricSpec(
    "themis_coordinator", Kind.GAUGE, "1 on the node that runs the placer, otherwise 0; one node of a cluster does."
)
METADATA_REFUSED: Final = MetricSpec(
    "themis_metadata_refused",
    Kind.GAUGE,
    "1 while the metadata store shows less than this node has seen and is not believed, otherwise 0.",
)
CERTIFICATE_EXPIRES: Final = MetricSpec(
    "themis_certificate_expires_timestamp_seconds",
    Kind.GAUGE,
    "When the certificate of the peer port ends, in seconds since 1970; without a peer port with TLS it is absent.",
)

CLUSTER_CATALOGUE: Final[tuple[MetricSpec, ...]] = tuple(
    value for value in list(globals().values()) if isinstance(value, MetricSpec)
)
