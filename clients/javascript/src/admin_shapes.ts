/** `shapes`, of the answers that operators get. */

import type {
  AdminMetrics,
  AdminTopology,
  ClusterNode,
  ClusterNodeDetail,
  ClusterNodeList,
  ClusterShard,
  ClusterShardList,
  ClusterStatus,
  DiskStatus,
  HealthCounts,
  JoinToken,
  JoinTokenCreated,
  JoinTokenList,
  JoinTokenRevoked,
  LeaderTransferred,
  MetadataStatus,
  NodeChanged,
  NodeDetails,
  NodeGroup,
  NodeRemoved,
  Replica,
  ReplicaCounts,
  ReplicasSet,
  ReplicaStatus,
  ShardChanged,
  UnreachableNode,
} from "./_generated/models.js";
import { flag, integer, isObject, list, nullable, number, optional, record, text } from "./shapes.js";

const unreachable = list(record<UnreachableNode>({ node_id: text, since: optional(text) }));
const replicas = list(record<Replica>({ node_id: text, role: text }));

export const isAdminTopology = record<AdminTopology>({
  epoch: integer,
  shards: list(
    record<AdminTopology["shards"][number]>({
      shard_id: text,
      primary_endpoint: nullable(text),
      replicas: list(text),
      health: text,
      datacenter: text,
      token_ranges: list(record<{ start: string; end: string }>({ start: text, end: text })),
      key_count: integer,
      key_count_known: optional(flag),
    }),
  ),
  unreachable: optional(unreachable),
});

const points = list(record<{ timestamp: number; value: number }>({ timestamp: integer, value: number }));

export const isAdminMetrics = record<AdminMetrics>({
  node_id: optional(text),
  timestamp_ms: integer,
  interval_ms: integer,
  query_latency_p95: points,
  throughput: points,
  operations: list(
    record<AdminMetrics["operations"][number]>({
      operation: text,
      requests: integer,
      errors: integer,
      p50_ms: number,
      p95_ms: number,
      p99_ms: number,
    }),
  ),
  storage: isObject,
  raft: isObject,
  process: isObject,
});

const counts = record<HealthCounts>({ total: integer, healthy: integer, degraded: integer, down: integer });

export const isClusterStatus = record<ClusterStatus>({
  cluster: text,
  node_id: text,
  epoch: integer,
  replicas: integer,
  coordinator: nullable(text),
  nodes: counts,
  shards: counts,
  metadata: record<MetadataStatus>({
    store: text,
    available: flag,
    why: optional(text),
    leader: nullable(text),
    members: replicas,
  }),
  unsettled: list(text),
  findings: list(text),
  unreachable: optional(unreachable),
});

// Nodes

const isClusterNode = record<ClusterNode>({
  node_id: text,
  endpoint: text,
  peer: text,
  datacenter: text,
  rack: text,
  kind: text,
  state: text,
  health: text,
  reasons: list(text),
  version: text,
  reachable: flag,
  unreachable_since: optional(text),
  replicas: record<ReplicaCounts>({ voters: integer, learners: integer, leaders: integer, lagging: integer }),
  disk: optional(record<DiskStatus>({ free_bytes: integer })),
});

export const isClusterNodeList = record<ClusterNodeList>({ epoch: integer, items: list(isClusterNode) });

const isNodeDetails = record<NodeDetails>({
  uptime_s: number,
  groups: list(
    record<NodeGroup>({
      shard_id: text,
      role: text,
      state: text,
      term: integer,
      applied: integer,
      commit: integer,
      log_bytes: integer,
    }),
  ),
});

export const isClusterNodeDetail = record<ClusterNodeDetail>({
  epoch: integer,
  node: isClusterNode,
  details: optional(isNodeDetails),
});

export const isNodeChanged = record<NodeChanged>({ node_id: text, state: text, epoch: integer });

export const isNodeRemoved = record<NodeRemoved>({ removed: text, epoch: integer });

// Shards

export const isClusterShard = record<ClusterShard>({
  shard_id: text,
  health: text,
  leader: nullable(text),
  leader_term: optional(integer),
  commit: optional(integer),
  settled: optional(flag),
  replicas: list(
    record<ReplicaStatus>({
      node_id: text,
      role: text,
      wanted: text,
      state: text,
      match: optional(integer),
      lag_entries: optional(integer),
      applied: optional(integer),
    }),
  ),
});

export const isClusterShardList = record<ClusterShardList>({
  epoch: integer,
  items: list(isClusterShard),
  unreachable: optional(unreachable),
});

export const isLeaderTransferred = record<LeaderTransferred>({ shard_id: text, leader: text, leader_term: integer });

export const isShardChanged = record<ShardChanged>({ shard_id: text, epoch: integer, replicas });

export const isReplicasSet = record<ReplicasSet>({ replicas: integer, epoch: integer });

// Join tokens

export const isJoinTokenList = record<JoinTokenList>({
  items: list(record<JoinToken>({ token_id: text, description: text, created_at: text, expires_at: text })),
});

export const isJoinTokenCreated = record<JoinTokenCreated>({
  token_id: text,
  token: text,
  description: text,
  created_at: text,
  expires_at: text,
});

export const isJoinTokenRevoked = record<JoinTokenRevoked>({ revoked: text });
