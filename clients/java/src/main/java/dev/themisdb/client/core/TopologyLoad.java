package dev.themisdb.client.core;

import dev.themisdb.client.generated.Operation;
import dev.themisdb.client.generated.Topology;
import dev.themisdb.client.transport.Endpoint;
import dev.themisdb.client.transport.Request;
import dev.themisdb.client.transport.Response;
import dev.themisdb.client.transport.TransportFailure;
import java.io.IOException;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Asks one node after another for the topology, in random order, until one answers.
 *
 * <p>That nobody does is no error: without a topology, requests go to any node and are forwarded.
 */
final class TopologyLoad {

  private static final byte[] NOTHING = {};
  private static final long ATTEMPT_LEAST_NANOS = 500_000_000L;

  private final Core core;
  private final Router router;
  private final Iterator<Endpoint> order;
  private int left;
  private final long timeoutNanos;
  private final long deadline;

  private TopologyLoad(Core core, long timeoutNanos) {
    this.core = core;
    this.router = core.router;
    List<Endpoint> drawn = router.refreshOrder();
    this.order = drawn.iterator();
    this.left = drawn.size();
    this.timeoutNanos = timeoutNanos;
    this.deadline = core.clock.getAsLong() + timeoutNanos;
  }

  /** The flow; true if the topology is there and as new as any node has told of. */
  static Step<Boolean> begin(Core core, long timeoutNanos) {
    return new TopologyLoad(core, timeoutNanos).next();
  }

  private Step<Boolean> next() {
    if (!order.hasNext()) {
      return none();
    }
    Endpoint endpoint = order.next();
    if (core.tokenIsFetched && core.token == null) {
      return Step.after(
          new Effect.FetchToken(null, deadline - core.clock.getAsLong()),
          token -> {
            if (token.isEmpty()) {
              return none();
            }
            core.token = token.get();
            return ask(endpoint);
          });
    }
    return ask(endpoint);
  }

  private Step<Boolean> ask(Endpoint endpoint) {
    Operation operation = Operation.GET_TOPOLOGY;
    Map<String, String> headers = new LinkedHashMap<>(core.headers);
    headers.put("X-Request-Id", Core.newId());
    String token = core.token;
    if (token != null) {
      headers.put("Authorization", "Bearer " + token);
    }
    TopologyView view = router.view();
    if (view != null && view.etag() != null) {
      headers.put("If-None-Match", view.etag());
    }
    // A node that hangs must leave time to ask the others.
    long remaining = deadline - core.clock.getAsLong();
    long share = Math.min(remaining / Math.max(left, 1), timeoutNanos / 2);
    left--;
    long allowed = Math.min(remaining, Math.max(share, ATTEMPT_LEAST_NANOS));
    if (allowed <= 0) {
      return none();
    }
    Request request = new Request(operation.method(), endpoint, operation.path(), headers, NOTHING);
    return Step.await(
        new Effect.Send(request, allowed),
        (response, failure) -> {
          if (response != null) {
            return answered(endpoint, response);
          }
          if (!(failure instanceof TransportFailure lost)) {
            throw Step.unchecked(failure);
          }
          if (!lost.reused()) {
            router.failed(endpoint);
          }
          debug("no topology from " + endpoint + ": " + lost.getMessage());
          return next();
        });
  }

  private Step<Boolean> answered(Endpoint endpoint, Response response) {
    router.answered(endpoint);
    if (response.status() == 304) {
      return router.stale() ? next() : Step.done(true);
    }
    if (response.status() != 200) {
      debug("no topology from " + endpoint + ": status " + response.status());
      return next();
    }
    TopologyView view;
    try {
      Topology topology = Json.decodeModel(response.body(), Topology.class);
      view = new TopologyView(topology, response.header("etag"));
    } catch (IOException | IllegalArgumentException e) {
      HookList.LOGGER.log(
          System.Logger.Level.WARNING,
          "the topology of " + endpoint + " makes no sense: " + e.getMessage());
      return next();
    }
    router.install(view);
    router.sawEpoch(view.epoch());
    return router.stale() ? next() : Step.done(true);
  }

  private Step<Boolean> none() {
    if (router.view() == null) {
      router.loadFailed();
    }
    return Step.done(false);
  }

  private static void debug(String message) {
    HookList.LOGGER.log(System.Logger.Level.DEBUG, message);
  }
}
