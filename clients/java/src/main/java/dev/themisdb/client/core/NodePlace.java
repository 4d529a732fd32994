package dev.themisdb.client.core;

import dev.themisdb.client.generated.Node;
import dev.themisdb.client.transport.Endpoint;

/**
 * Where a node is, and how it is.
 *
 * @param isDown the cluster has not heard of it
 * @param isDegraded it serves, but something is wrong with it
 */
record NodePlace(
    Endpoint endpoint, String datacenter, String rack, boolean isDown, boolean isDegraded) {

  private static final String DOWN = "down";

  /** Throws IllegalArgumentException when its endpoint is none. */
  static NodePlace of(Node node) {
    return new NodePlace(
        Endpoint.parse(node.endpoint()),
        node.datacenter(),
        node.rack(),
        DOWN.equals(node.health()) || DOWN.equals(node.state()),
        "degraded".equals(node.health()));
  }
}
