package dev.themisdb.client.core;

import dev.themisdb.client.CallOptions;
import dev.themisdb.client.NodeHealth;
import dev.themisdb.client.errors.CallException;
import dev.themisdb.client.errors.ConfigurationException;
import dev.themisdb.client.errors.ThemisException;
import dev.themisdb.client.errors.TimeoutException;
import dev.themisdb.client.errors.TransportException;
import dev.themisdb.client.generated.Operation;
import dev.themisdb.client.generated.Topology;
import dev.themisdb.client.generated.VersionInfo;
import dev.themisdb.client.transport.Endpoint;
import java.nio.charset.StandardCharsets;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** What the cluster says about itself, as flows. */
public final class ClusterFlows {

  private static final Set<Integer> NOT_READY = Set.of(503);

  private ClusterFlows() {}

  /**
   * GET /topology; the client's own routing learns from it.
   *
   * @param core the client's state
   * @param options the call's
   * @return the topology
   */
  public static Step<Topology> topology(Core core, CallOptions options) {
    Operation operation = Operation.GET_TOPOLOGY;
    Call call = new Call(operation, operation.path(), core.timeoutNanos(options.timeout()));
    return Course.perform(core, call)
        .map(
            answer -> {
              Topology found = answer.decoded(Topology.class);
              try {
                core.router.install(new TopologyView(found, null));
              } catch (IllegalArgumentException e) {
                throw answer.malformed("the topology makes no sense: " + e.getMessage());
              }
              return found;
            });
  }

  /**
   * GET /health/ready of one node, asked once.
   *
   * @param core the client's state
   * @param endpoint the node, null for any
   * @param options the call's
   * @return how it is
   */
  public static Step<NodeHealth> health(Core core, @Nullable String endpoint, CallOptions options) {
    Endpoint node = node(core, endpoint);
    Operation operation = Operation.GET_READY;
    Call call = new Call(operation, operation.path(), core.timeoutNanos(options.timeout()));
    call.endpoint = node;
    call.expected = NOT_READY;
    call.retriesMax = 0;
    return Step.recovering(
        () -> Course.perform(core, call).map(answer -> health(node, answer)),
        error -> Step.done(dead(node, error)));
  }

  private static Endpoint node(Core core, @Nullable String endpoint) {
    if (endpoint == null) {
      return core.router.choose(null, false, null);
    }
    try {
      return Endpoint.parse(endpoint);
    } catch (IllegalArgumentException e) {
      throw new ConfigurationException(String.valueOf(e.getMessage()));
    }
  }

  private static NodeHealth health(Endpoint node, Answer answer) {
    if (answer.response().status() != 503) {
      return new NodeHealth(node.url(), true, true, "");
    }
    String code = answer.problemCode();
    return new NodeHealth(node.url(), true, false, code.isEmpty() ? "status_503" : code);
  }

  private static NodeHealth dead(Endpoint node, ThemisException error) {
    if (error instanceof TransportException || error instanceof TimeoutException) {
      return new NodeHealth(node.url(), false, false, ((CallException) error).reason());
    }
    throw error;
  }

  /**
   * GET /version.
   *
   * @param core the client's state
   * @param options the call's
   * @return the versions
   */
  public static Step<VersionInfo> version(Core core, CallOptions options) {
    Operation operation = Operation.GET_VERSION;
    return CollectionFlows.fetch(
        core, operation, operation.path(), VersionInfo.class, options.timeout());
  }

  /**
   * GET /metrics.
   *
   * @param core the client's state
   * @param options the call's
   * @return the text
   */
  public static Step<String> metrics(Core core, CallOptions options) {
    Operation operation = Operation.GET_METRICS;
    Call call = new Call(operation, operation.path(), core.timeoutNanos(options.timeout()));
    call.headers.put("Accept", "text/plain");
    return Course.perform(core, call)
        .map(answer -> new String(answer.response().body(), StandardCharsets.UTF_8));
  }
}
