package dev.themisdb.client.core;

import dev.themisdb.client.RetryBudget;
import dev.themisdb.client.RetryPolicy;
import dev.themisdb.client.generated.Topology;
import dev.themisdb.client.transport.Endpoint;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** What tests of the core start from. */
final class Fixtures {

  private Fixtures() {}

  static Options options() {
    return new Options(
        List.of(Endpoint.parse("http://seed:1")),
        "default",
        Duration.ofSeconds(30),
        RetryPolicy.DEFAULT,
        new RetryBudget(),
        List.of(),
        null,
        null,
        true,
        Duration.ofSeconds(30),
        "test",
        4,
        new Json(Json.defaultMapper()),
        Freshness.UNSAID,
        Nearness.NOWHERE,
        true);
  }

  /** Three nodes; the only shard is led by the first and replicated on the first two. */
  static TopologyView view(long epoch) {
    return new Cluster(3, 2).epoch(epoch).view();
  }

  /** A topology of one shard, to be changed until it is looked at. */
  static final class Cluster {
    private final int nodes;
    private final int voters;
    private final Map<Integer, String> health = new HashMap<>();
    private final Map<Integer, String> places = new HashMap<>();
    private long epoch = 1;
    private String leader = "\"n1\"";
    private long term;
    private int learner;

    /** Nodes n1, n2, ... of which the first ones vote, and n1 leads. */
    Cluster(int nodes, int voters) {
      this.nodes = nodes;
      this.voters = voters;
    }

    Cluster epoch(long number) {
      epoch = number;
      return this;
    }

    Cluster leader(String nodeId, long ofTerm) {
      leader = nodeId.isEmpty() ? "null" : "\"" + nodeId + "\"";
      term = ofTerm;
      return this;
    }

    Cluster learner(int number) {
      learner = number;
      return this;
    }

    Cluster health(int number, String said) {
      health.put(number, said);
      return this;
    }

    Cluster place(int number, String datacenter, String rack) {
      places.put(number, "\"datacenter\": \"%s\", \"rack\": \"%s\"".formatted(datacenter, rack));
      return this;
    }

    TopologyView view() {
      StringBuilder listed = new StringBuilder();
      StringBuilder replicas = new StringBuilder();
      for (int number = 1; number <= nodes; number++) {
        listed.append(number == 1 ? "" : ",").append(node(number));
        if (number <= voters || number == learner) {
          String role = number == learner ? "learner" : "voter";
          replicas
              .append(number == 1 ? "" : ",")
              .append("{\"node_id\": \"n%d\", \"role\": \"%s\"}".formatted(number, role));
        }
      }
      String json =
          """
          {"epoch": %d, "nodes": [%s],
           "shards": [{"shard_id": "s", "leader": %s, "leader_term": %d, "replicas": [%s]}],
           "tokens": [["0000000000000000", "s"]]}
          """
              .formatted(epoch, listed, leader, term, replicas);
      try {
        Topology topology = Json.decodeModel(json.getBytes(StandardCharsets.UTF_8), Topology.class);
        return new TopologyView(topology, "\"" + epoch + "\"");
      } catch (IOException e) {
        throw new IllegalStateException(e);
      }
    }

    private String node(int number) {
      return """
          {"node_id": "n%d", "endpoint": "http://node%d:1", %s,
           "state": "up", "version": "0", "health": "%s"}
          """
          .formatted(
              number,
              number,
              places.getOrDefault(number, "\"datacenter\": \"d\", \"rack\": \"r\""),
              health.getOrDefault(number, "healthy"));
    }
  }
}
