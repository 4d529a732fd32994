"""The metric objects of a node among others: see `cluster_catalogue`."""

from __future__ import annotations

from typing import Final

from themis_server.observability import cluster_catalogue as catalogue
from themis_server.observability.metrics import Registry

__all__ = ["ClusterInstruments"]


class ClusterInstruments:
    """A metric with labels is a family; one without is the object itself.

    Families have no children before there is something to show, so a node without a peer port shows none of theirs.
    """

    def __init__(self, registry: Registry) -> None:
        counter, gauge = registry.counter, registry.gauge
        self.groups: Final = gauge(catalogue.GROUPS)
        self.groups_without_leader: Final = gauge(catalogue.GROUPS_WITHOUT_LEADER).labels()
        self.groups_quiesced: Final = gauge(catalogue.GROUPS_QUIESCED).labels()
        self.groups_unsettled: Final = gauge(catalogue.GROUPS_UNSETTLED).labels()
        self.leader_changes: Final = counter(catalogue.LEADER_CHANGES).labels()
        self.elections: Final = counter(catalogue.ELECTIONS).labels()
        self.replication_lag_entries: Final = gauge(catalogue.REPLICATION_LAG)
        self.proven_age_seconds: Final = gauge(catalogue.PROVEN_AGE)
        self.log_retained_bytes: Final = gauge(catalogue.LOG_RETAINED_BYTES).labels()
        self.log_retained_entries: Final = gauge(catalogue.LOG_RETAINED_ENTRIES).labels()
        self.peers: Final = gauge(catalogue.PEERS).labels()
        self.peers_connected: Final = gauge(catalogue.PEERS_CONNECTED).labels()
        self.peer_connections: Final = gauge(catalogue.PEER_CONNECTIONS)
        self.peer_connect_failures: Final = counter(catalogue.PEER_CONNECT_FAILURES).labels()
        self.peer_rejected: Final = counter(catalogue.PEER_CLOSED)
        self.peer_refusals: Final = counter(catalogue.PEER_REFUSALS)
        self.peer_frames: Final = counter(catalogue.PEER_FRAMES)
        self.peer_bytes: Final = counter(catalogue.PEER_BYTES)
        self.envelopes_dropped: Final = counter(catalogue.ENVELOPES_DROPPED).labels()
        self.envelope_bytes_dropped: Final = counter(catalogue.ENVELOPE_BYTES_DROPPED).labels()
        self.raft_messages: Final = counter(catalogue.RAFT_MESSAGES).labels()
        self.raft_messages_refused: Final = counter(catalogue.RAFT_MESSAGES_REFUSED)
        self.calls: Final = counter(catalogue.CALLS).labels()
        self.calls_failed: Final = counter(catalogue.CALLS_FAILED)
        self.calls_served: Final = counter(catalogue.CALLS_SERVED).labels()
        self.handlers_crashed: Final = counter(catalogue.HANDLERS_CRASHED).labels()
        self.forwarded: Final = counter(catalogue.FORWARDED).labels()
        self.repeated: Final = counter(catalogue.REPEATED).labels()
        self.hedged: Final = counter(catalogue.HEDGED).labels()
        self.snapshots: Final = counter(catalogue.SNAPSHOTS)
        self.snapshot_bytes: Final = counter(catalogue.SNAPSHOT_BYTES)
        self.snapshots_sending: Final = gauge(catalogue.SNAPSHOTS_SENDING).labels()
        self.nodes: Final = gauge(catalogue.NODES)
        self.node_degraded: Final = gauge(catalogue.NODE_DEGRADED).labels()
        self.shards: Final = gauge(catalogue.SHARDS).labels()
        self.groups_at_risk: Final = gauge(catalogue.GROUPS_AT_RISK).labels()
        self.groups_without_majority: Final = gauge(catalogue.GROUPS_WITHOUT_MAJORITY).labels()
        self.coordinator: Final = gauge(catalogue.COORDINATOR).labels()
        self.metadata_refused: Final = gauge(catalogue.METADATA_REFUSED).labels()
        self.certificate_expires: Final = gauge(catalogue.CERTIFICATE_EXPIRES)
