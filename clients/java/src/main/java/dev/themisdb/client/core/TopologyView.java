package dev.themisdb.client.core;

import dev.themisdb.client.generated.Node;
import dev.themisdb.client.generated.Replica;
import dev.themisdb.client.generated.Shard;
import dev.themisdb.client.generated.Topology;
import dev.themisdb.client.placement.TokenTable;
import dev.themisdb.client.transport.Endpoint;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What the cluster looks like, as a client needs it: who owns a hash, and where that is. One
 * epoch's picture, immutable; the router holds the newest one and replaces it as a whole.
 */
final class TopologyView {

  private record Places(@Nullable Endpoint leader, List<Endpoint> replicas) {}

  private final long epoch;
  private final @Nullable String etag;
  private final List<Endpoint> nodes;
  private final TokenTable table;
  private final Map<String, Places> places = new HashMap<>();

  /** Throws IllegalArgumentException when the topology makes no sense. */
  TopologyView(Topology topology, @Nullable String etag) {
    this.epoch = topology.epoch();
    this.etag = etag;
    Map<String, Endpoint> byId = new LinkedHashMap<>();
    for (Node node : topology.nodes()) {
      byId.put(node.nodeId(), Endpoint.parse(node.endpoint()));
    }
    this.nodes = List.copyOf(byId.values());
    this.table = TokenTable.fromWire(topology.tokens());
    for (Shard shard : topology.shards()) {
      List<Endpoint> replicas = new ArrayList<>();
      for (Replica replica : shard.replicas()) {
        Endpoint endpoint = byId.get(replica.nodeId());
        if (endpoint != null) {
          replicas.add(endpoint);
        }
      }
      String leader = shard.leader();
      places.put(
          shard.shardId(),
          new Places(leader == null ? null : byId.get(leader), List.copyOf(replicas)));
    }
    for (String shardId : table.shardIds()) {
      if (!places.containsKey(shardId)) {
        throw new IllegalArgumentException(
            "the token table names shards that are not listed: " + shardId);
      }
    }
  }

  long epoch() {
    return epoch;
  }

  @Nullable String etag() {
    return etag;
  }

  List<Endpoint> nodes() {
    return nodes;
  }

  /** The node that leads the owner of a hash; null while there is no leader. */
  @Nullable Endpoint leaderOf(long keyHash) {
    return placesOf(keyHash).leader;
  }

  /** The nodes with a replica of the owner of a hash, the leader among them. */
  List<Endpoint> replicasOf(long keyHash) {
    return placesOf(keyHash).replicas;
  }

  private Places placesOf(long keyHash) {
    Places found = places.get(table.shardForHash(keyHash));
    if (found == null) {
      throw new IllegalStateException("a shard of the token table is not listed");
    }
    return found;
  }
}
