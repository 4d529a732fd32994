package dev.themisdb.client;

import dev.themisdb.client.core.ClusterFlows;
import dev.themisdb.client.core.Core;
import dev.themisdb.client.core.Step;
import dev.themisdb.client.generated.Topology;
import dev.themisdb.client.generated.VersionInfo;
import java.util.function.Supplier;

/** What a client can ask the cluster about itself; the root of ThemisClient. */
abstract class ClusterCalls {

  ClusterCalls() {}

  /** The client's state. */
  abstract Core core();

  /** Drives a flow to its end. */
  abstract <T> T run(Supplier<Step<T>> flow);

  /**
   * Reads nodes, shards and the token table, as a node knows them now.
   *
   * @return the topology
   */
  public Topology topology() {
    return topology(CallOptions.DEFAULT);
  }

  /**
   * Reads nodes, shards and the token table, as a node knows them now.
   *
   * @param options the options of this call
   * @return the topology
   */
  public Topology topology(CallOptions options) {
    return run(() -> ClusterFlows.topology(core(), options));
  }

  /**
   * Asks one node whether it takes requests; that it does not is no error.
   *
   * @return how any one of them is
   */
  public NodeHealth health() {
    return health(CallOptions.DEFAULT);
  }

  /**
   * Asks one node whether it takes requests; that it does not is no error.
   *
   * @param options the options of this call
   * @return how any one of them is
   */
  public NodeHealth health(CallOptions options) {
    return run(() -> ClusterFlows.health(core(), null, options));
  }

  /**
   * Asks one node whether it takes requests; that it does not is no error.
   *
   * @param endpoint the node's URL
   * @param options the options of this call
   * @return how it is
   */
  public NodeHealth health(String endpoint, CallOptions options) {
    return run(() -> ClusterFlows.health(core(), endpoint, options));
  }

  /**
   * Reads the server's version, its API's, and the features it has.
   *
   * @return the versions
   */
  public VersionInfo version() {
    return version(CallOptions.DEFAULT);
  }

  /**
   * Reads the server's version, its API's, and the features it has.
   *
   * @param options the options of this call
   * @return the versions
   */
  public VersionInfo version(CallOptions options) {
    return run(() -> ClusterFlows.version(core(), options));
  }

  /**
   * Reads the metrics of one node.
   *
   * @return Prometheus' text format
   */
  public String metrics() {
    return metrics(CallOptions.DEFAULT);
  }

  /**
   * Reads the metrics of one node.
   *
   * @param options the options of this call
   * @return Prometheus' text format
   */
  public String metrics(CallOptions options) {
    return run(() -> ClusterFlows.metrics(core(), options));
  }
}
