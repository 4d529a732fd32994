package dev.themisdb.client.core;

import dev.themisdb.client.generated.Node;
import dev.themisdb.client.generated.Replica;
import dev.themisdb.client.generated.Shard;
import dev.themisdb.client.generated.Topology;
import dev.themisdb.client.placement.TokenTable;
import dev.themisdb.client.transport.Endpoint;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What the cluster looks like, as a client needs it: who owns a hash, and where that is. One
 * epoch's picture, immutable; the router holds the newest one and replaces it as a whole. Who leads
 * is only a claim here: leaders move without a new epoch.
 */
final class TopologyView {

  /**
   * The nodes of one shard.
   *
   * @param claim who is said to lead it
   * @param replicas all that have a replica
   * @param voters those of them that vote
   */
  record ShardPlaces(Leaders.Claim claim, List<NodePlace> replicas, List<NodePlace> voters) {}

  private final long epoch;
  private final @Nullable String etag;
  private final TokenTable table;
  private final Map<String, NodePlace> nodes = new LinkedHashMap<>();
  private final Map<String, ShardPlaces> shards = new HashMap<>();

  /** Throws IllegalArgumentException when the topology makes no sense. */
  TopologyView(Topology topology, @Nullable String etag) {
    this.epoch = topology.epoch();
    this.etag = etag;
    for (Node node : topology.nodes()) {
      nodes.put(node.nodeId(), NodePlace.of(node));
    }
    this.table = TokenTable.fromWire(topology.tokens());
    for (Shard shard : topology.shards()) {
      shards.put(shard.shardId(), places(shard));
    }
    for (String shardId : table.shardIds()) {
      if (!shards.containsKey(shardId)) {
        throw new IllegalArgumentException(
            "the token table names shards that are not listed: " + shardId);
      }
    }
  }

  private ShardPlaces places(Shard shard) {
    List<NodePlace> replicas = new ArrayList<>();
    List<NodePlace> voters = new ArrayList<>();
    for (Replica replica : shard.replicas()) {
      NodePlace place = nodes.get(replica.nodeId());
      if (place != null) {
        replicas.add(place);
        if (!replica.role().equals("learner")) {
          voters.add(place);
        }
      }
    }
    Endpoint leader = shard.leader() == null ? null : endpointOf(shard.leader());
    long term = shard.leaderTerm() == null ? 0 : shard.leaderTerm();
    List<Endpoint> endpoints = replicas.stream().map(NodePlace::endpoint).toList();
    return new ShardPlaces(new Leaders.Claim(leader, term, endpoints), replicas, voters);
  }

  long epoch() {
    return epoch;
  }

  @Nullable String etag() {
    return etag;
  }

  Collection<NodePlace> nodes() {
    return nodes.values();
  }

  Map<String, ShardPlaces> shards() {
    return shards;
  }

  /** The shard that owns a hash. */
  String shardOf(long keyHash) {
    return table.shardForHash(keyHash);
  }

  /** Where a node is reached; null for a stranger. */
  @Nullable Endpoint endpointOf(String nodeId) {
    NodePlace place = nodes.get(nodeId);
    return place == null ? null : place.endpoint();
  }
}
