package dev.themisdb.client.core;

import dev.themisdb.client.transport.Endpoint;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.DoubleSupplier;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Which node to ask: the newest topology, and which endpoints are out.
 *
 * <p>State and decisions only; whoever does the I/O tells the router what happened. Any node takes
 * any request and forwards it at most once, so a wrong choice costs a hop, never an answer: the
 * router prefers the leader of the shard (or, for reads that may lag, any replica) and falls back
 * to whatever is alive.
 *
 * <p>An endpoint that failed is out for a while that doubles with each failure; then one request
 * tries it again, and a success brings it back. When all are out, the one whose time is nearest is
 * used: better a refused connection than no attempt.
 */
final class Router {

  private static final long OUT_FIRST_NANOS = 500_000_000L;
  private static final long OUT_LONGEST_NANOS = 30_000_000_000L;
  private static final long LOAD_AGAIN_NANOS = 1_000_000_000L;

  private record Outage(long until, long pause) {}

  private final List<Endpoint> seeds;
  private final LongSupplier clock;
  private final DoubleSupplier random;
  private final ConcurrentHashMap<Endpoint, Outage> out = new ConcurrentHashMap<>();
  private volatile @Nullable TopologyView view;
  private volatile long epochSeen = -1;
  private volatile long loadAt;

  /**
   * A router.
   *
   * @param seeds the endpoints the user named; always known, whatever the topology says
   * @param clock monotonic nanoseconds
   * @param random uniform in [0, 1)
   */
  Router(List<Endpoint> seeds, LongSupplier clock, DoubleSupplier random) {
    this.seeds = List.copyOf(new LinkedHashSet<>(seeds));
    this.clock = clock;
    this.random = random;
    this.loadAt = clock.getAsLong();
  }

  /** The newest topology, null before the first was loaded. */
  @Nullable TopologyView view() {
    return view;
  }

  /** Whether a node has told of a newer epoch than we know. */
  boolean stale() {
    TopologyView current = view;
    return current != null && epochSeen > current.epoch();
  }

  /** Whether there is no topology yet, and it is time to (re)try loading it. */
  boolean wantsTopology() {
    return view == null && clock.getAsLong() - loadAt >= 0;
  }

  /** Takes a topology as the current one, unless its epoch is older. */
  synchronized boolean install(TopologyView newer) {
    TopologyView current = view;
    if (current != null && newer.epoch() < current.epoch()) {
      return false;
    }
    view = newer;
    return true;
  }

  /** Loading failed everywhere: requests go to the seeds, and loading waits a little. */
  void loadFailed() {
    loadAt = clock.getAsLong() + LOAD_AGAIN_NANOS;
  }

  /** A node answered under this epoch; true when the topology ought to be refreshed for it. */
  boolean sawEpoch(long epoch) {
    if (epoch <= epochSeen) {
      return false;
    }
    synchronized (this) {
      if (epoch <= epochSeen) {
        return false;
      }
      epochSeen = epoch;
      TopologyView current = view;
      return current != null && epoch > current.epoch();
    }
  }

  /** An exchange with it brought no answer. */
  synchronized void failed(Endpoint endpoint) {
    Outage outage = out.get(endpoint);
    long pause = outage == null ? OUT_FIRST_NANOS : Math.min(outage.pause * 2, OUT_LONGEST_NANOS);
    // Half of it is drawn, so that clients do not come back in step.
    long until = clock.getAsLong() + (long) (pause * (0.5 + random.getAsDouble() / 2));
    out.put(endpoint, new Outage(until, pause));
  }

  /** An exchange with it brought an answer, of whatever status. */
  void answered(Endpoint endpoint) {
    if (!out.isEmpty()) {
      out.remove(endpoint);
    }
  }

  /** Whether it is passed over at this moment. */
  boolean isOut(Endpoint endpoint) {
    Outage outage = out.get(endpoint);
    return outage != null && outage.until - clock.getAsLong() > 0;
  }

  /** All endpoints: those of the topology, and the seeds. */
  List<Endpoint> known() {
    TopologyView current = view;
    LinkedHashSet<Endpoint> found = new LinkedHashSet<>();
    if (current != null) {
      found.addAll(current.nodes());
    }
    found.addAll(seeds);
    return new ArrayList<>(found);
  }

  /** The leader of a key's shard, as far as known. */
  @Nullable Endpoint leader(long keyHash) {
    TopologyView current = view;
    return current == null ? null : current.leaderOf(keyHash);
  }

  /**
   * The endpoint for a request.
   *
   * @param keyHash of the key it is about; null when any node will do
   * @param anyReplica whether a replica that lags may answer
   * @param avoid who has just failed to answer it; asked again only if nobody else is there
   */
  Endpoint choose(@Nullable Long keyHash, boolean anyReplica, @Nullable Endpoint avoid) {
    TopologyView current = view;
    if (current != null && keyHash != null) {
      Endpoint chosen = chooseFor(current, keyHash, anyReplica, avoid);
      if (chosen != null) {
        return chosen;
      }
    }
    if (current != null) {
      Endpoint chosen = draw(current.nodes(), avoid);
      if (chosen != null) {
        return chosen;
      }
    }
    Endpoint seed = draw(seeds, avoid);
    return seed != null ? seed : lastResort(avoid);
  }

  private @Nullable Endpoint chooseFor(
      TopologyView current, long keyHash, boolean anyReplica, @Nullable Endpoint avoid) {
    if (anyReplica) {
      Endpoint chosen = draw(current.replicasOf(keyHash), avoid);
      if (chosen != null) {
        return chosen;
      }
    }
    Endpoint leader = current.leaderOf(keyHash);
    if (leader != null && !leader.equals(avoid) && (out.isEmpty() || usable(leader))) {
      return leader;
    }
    return draw(current.replicasOf(keyHash), avoid);
  }

  /** Whom to ask for the topology: everybody, in random order, those that are out last. */
  List<Endpoint> refreshOrder() {
    List<Endpoint> drawn = known();
    for (int i = drawn.size() - 1; i > 0; i--) {
      Collections.swap(drawn, i, (int) (random.getAsDouble() * (i + 1)));
    }
    List<Endpoint> order = new ArrayList<>(drawn.size());
    drawn.stream().filter(endpoint -> !isOut(endpoint)).forEach(order::add);
    drawn.stream().filter(endpoint -> !order.contains(endpoint)).forEach(order::add);
    return order;
  }

  private @Nullable Endpoint draw(List<Endpoint> candidates, @Nullable Endpoint avoid) {
    if (out.isEmpty() && avoid == null) {
      return candidates.isEmpty() ? null : drawn(candidates);
    }
    List<Endpoint> usable = new ArrayList<>(candidates.size());
    for (Endpoint endpoint : candidates) {
      if (!endpoint.equals(avoid) && !isOut(endpoint)) {
        usable.add(endpoint);
      }
    }
    if (usable.isEmpty()) {
      return null;
    }
    Endpoint chosen = drawn(usable);
    return usable(chosen) ? chosen : null;
  }

  private Endpoint drawn(List<Endpoint> candidates) {
    int count = candidates.size();
    return candidates.get(count == 1 ? 0 : (int) (random.getAsDouble() * count));
  }

  /** Whether to send to it now; the first to ask after an outage's end becomes its one probe. */
  private boolean usable(Endpoint endpoint) {
    if (out.get(endpoint) == null) {
      return true;
    }
    synchronized (this) {
      Outage outage = out.get(endpoint);
      if (outage == null) {
        return true;
      }
      long now = clock.getAsLong();
      if (outage.until - now > 0) {
        return false;
      }
      out.put(endpoint, new Outage(now + outage.pause, outage.pause));
      return true;
    }
  }

  private Endpoint lastResort(@Nullable Endpoint avoid) {
    List<Endpoint> known = known();
    List<Endpoint> others = known.stream().filter(each -> !each.equals(avoid)).toList();
    long now = clock.getAsLong();
    return Collections.min(
        others.isEmpty() ? known : others, Comparator.comparingLong(each -> nanosLeft(each, now)));
  }

  private long nanosLeft(Endpoint endpoint, long now) {
    Outage outage = out.get(endpoint);
    return outage == null ? Long.MIN_VALUE : outage.until - now;
  }
}
