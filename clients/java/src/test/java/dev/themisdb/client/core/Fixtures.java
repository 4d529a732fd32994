package dev.themisdb.client.core;

import dev.themisdb.client.RetryBudget;
import dev.themisdb.client.RetryPolicy;
import dev.themisdb.client.generated.Topology;
import dev.themisdb.client.transport.Endpoint;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;

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
        new Json(Json.defaultMapper()));
  }

  /** Three nodes; the only shard is led by the first and replicated on the first two. */
  static TopologyView view(long epoch) {
    String json =
        """
        {"epoch": %d,
         "nodes": [%s, %s, %s],
         "shards": [{"shard_id": "s", "leader": "n1",
                     "replicas": [{"node_id": "n1", "role": "voter"},
                                  {"node_id": "n2", "role": "voter"}]}],
         "tokens": [["0000000000000000", "s"]]}
        """
            .formatted(epoch, node(1), node(2), node(3));
    try {
      Topology topology = Json.decodeModel(json.getBytes(StandardCharsets.UTF_8), Topology.class);
      return new TopologyView(topology, "\"" + epoch + "\"");
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }

  private static String node(int number) {
    return """
        {"node_id": "n%d", "endpoint": "http://node%d:1", "datacenter": "d", "rack": "r",
         "state": "up", "version": "0"}
        """
        .formatted(number, number);
  }
}
