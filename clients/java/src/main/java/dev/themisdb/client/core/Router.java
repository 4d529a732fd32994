package dev.themisdb.client.core;

import dev.themisdb.client.transport.Endpoint;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.DoubleSupplier;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Which node to ask: the newest topology, who leads, who is near, and which endpoints are out.
 *
 * <p>State and decisions only; whoever does the I/O tells the router what happened. Any node takes
 * any request and forwards it at most once, so a wrong choice costs a hop, never an answer: the
 * router prefers the leader of the shard (or, for reads that may lag, the nearest replicas) and
 * falls back to whatever is alive.
 *
 * <pre>
 * a key, a read that may lag    nearest replicas ─┐
 * a key, anything else ──────────────────────────┴▶ leader ▶ voters ▶ replicas that are down ─┐
 * no key ───────────────────────────────────────────────────────────────────────────────────┴▶ nearest nodes ▶ seeds
 * </pre>
 *
 * <p>When all are out, the one whose time is nearest is used: better a refused connection than no
 * attempt. Being <em>down</em> is what the cluster says of a node: such a node is asked when nobody
 * else of its kind is there.
 */
final class Router {

  private static final long LOAD_AGAIN_NANOS = 1_000_000_000L;

  /** Where the requests about one shard may go; the voters are those that are not down. */
  private record Routes(Nearness.Tiers near, List<Endpoint> voters) {}

  /** A topology with everything that is chosen from, replaced as a whole. */
  private record Chart(
      TopologyView view, Nearness.Tiers nodes, Set<Endpoint> down, Map<String, Routes> shards) {}

  private final List<Endpoint> seeds;
  private final LongSupplier clock;
  private final DoubleSupplier random;
  private final Nearness nearness;
  private final Outages outages;
  private final Leaders leaders = new Leaders();
  private volatile @Nullable Chart chart;
  private volatile long epochSeen = -1;
  private volatile long loadAt;

  /**
   * A router.
   *
   * @param seeds the endpoints the user named; always known, whatever the topology says
   * @param clock monotonic nanoseconds
   * @param random uniform in [0, 1)
   * @param nearness where the client is
   */
  Router(List<Endpoint> seeds, LongSupplier clock, DoubleSupplier random, Nearness nearness) {
    this.seeds = List.copyOf(new LinkedHashSet<>(seeds));
    this.clock = clock;
    this.random = random;
    this.nearness = nearness;
    this.outages = new Outages(clock, random);
    this.loadAt = clock.getAsLong();
  }

  // Topology

  /** The newest topology, null before the first was loaded. */
  @Nullable TopologyView view() {
    Chart current = chart;
    return current == null ? null : current.view;
  }

  /** Whether a node has told of a newer epoch than we know. */
  boolean stale() {
    TopologyView current = view();
    return current != null && epochSeen > current.epoch();
  }

  /** Whether there is no topology yet, and it is time to (re)try loading it. */
  boolean wantsTopology() {
    return chart == null && clock.getAsLong() - loadAt >= 0;
  }

  /** Whether there is a topology of more than one node. */
  boolean isCluster() {
    TopologyView current = view();
    return current != null && current.nodes().size() > 1;
  }

  /**
   * Takes a topology as the current one, unless its epoch is older.
   *
   * <p>Of leaders that differ, the one with the greater term stays, whichever topology is newer.
   */
  synchronized boolean install(TopologyView newer) {
    TopologyView current = view();
    if (current != null && newer.epoch() < current.epoch()) {
      return false;
    }
    Map<String, Leaders.Claim> claims = new HashMap<>();
    newer.shards().forEach((shardId, places) -> claims.put(shardId, places.claim()));
    leaders.take(claims);
    chart = charted(newer);
    return true;
  }

  private Chart charted(TopologyView view) {
    Map<String, Routes> shards = new HashMap<>();
    view.shards()
        .forEach(
            (shardId, places) ->
                shards.put(
                    shardId,
                    new Routes(
                        nearness.tiers(places.replicas()),
                        places.voters().stream()
                            .filter(place -> !place.isDown())
                            .map(NodePlace::endpoint)
                            .toList())));
    Set<Endpoint> down = new HashSet<>();
    view.nodes().stream().filter(NodePlace::isDown).forEach(place -> down.add(place.endpoint()));
    return new Chart(view, nearness.tiers(view.nodes()), down, shards);
  }

  /** A node has answered as the leader of a key's shard; true when that is news. */
  boolean hint(long keyHash, String nodeId) {
    TopologyView current = view();
    Endpoint endpoint = current == null ? null : current.endpointOf(nodeId);
    if (current == null || endpoint == null) {
      return false;
    }
    String shardId = current.shardOf(keyHash);
    if (endpoint.equals(leaders.of(shardId))) {
      return false;
    }
    synchronized (this) {
      return leaders.hint(shardId, endpoint);
    }
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
      TopologyView current = view();
      return current != null && epoch > current.epoch();
    }
  }

  // Endpoints

  /** An exchange with it brought no answer, or the answer that it is leaving. */
  void failed(Endpoint endpoint) {
    outages.failed(endpoint);
  }

  /** An exchange with it brought an answer, of whatever status. */
  void answered(Endpoint endpoint) {
    outages.answered(endpoint);
  }

  /** Whether it is passed over at this moment. */
  boolean isOut(Endpoint endpoint) {
    return outages.isOut(endpoint);
  }

  /** All endpoints: those of the topology, and the seeds. */
  List<Endpoint> known() {
    TopologyView current = view();
    LinkedHashSet<Endpoint> found = new LinkedHashSet<>();
    if (current != null) {
      current.nodes().forEach(place -> found.add(place.endpoint()));
    }
    found.addAll(seeds);
    return new ArrayList<>(found);
  }

  /** Whether there is an endpoint beside these that is not out. */
  boolean hasAnother(Collection<Endpoint> asked) {
    return known().stream().anyMatch(each -> !asked.contains(each) && !isOut(each));
  }

  /** The shard of a key, if a topology says so that nobody has told of a newer one of. */
  @Nullable String shardOf(long keyHash) {
    TopologyView current = view();
    return current == null || epochSeen > current.epoch() ? null : current.shardOf(keyHash);
  }

  /** The leader of a key's shard, as far as known. */
  @Nullable Endpoint leader(long keyHash) {
    TopologyView current = view();
    return current == null ? null : leaders.of(current.shardOf(keyHash));
  }

  /** The replicas of a key's shard that a lagging read may best go to, all equally good. */
  List<Endpoint> nearest(long keyHash) {
    Chart current = chart;
    if (current == null) {
      return List.of();
    }
    for (List<Endpoint> tier : routes(current, keyHash).near.up()) {
      List<Endpoint> usable = tier.stream().filter(endpoint -> !isOut(endpoint)).toList();
      if (!usable.isEmpty()) {
        return usable;
      }
    }
    return List.of();
  }

  /**
   * The endpoint for a request.
   *
   * @param keyHash of the key it is about; null when any node will do
   * @param anyReplica whether a replica that lags may answer
   * @param avoid who has just failed to answer it; asked again only if nobody else is there
   */
  Endpoint choose(@Nullable Long keyHash, boolean anyReplica, @Nullable Endpoint avoid) {
    Chart current = chart;
    Endpoint chosen = null;
    if (current != null) {
      chosen = keyHash == null ? null : chooseFor(current, keyHash, anyReplica, avoid);
      chosen = chosen != null ? chosen : drawNearest(current.nodes.up(), avoid);
      chosen = chosen != null ? chosen : drawNearest(current.nodes.down(), avoid);
    }
    chosen = chosen != null ? chosen : draw(seeds, avoid);
    return chosen != null ? chosen : lastResort(avoid);
  }

  private @Nullable Endpoint chooseFor(
      Chart current, long keyHash, boolean anyReplica, @Nullable Endpoint avoid) {
    Routes routes = routes(current, keyHash);
    if (anyReplica) {
      Endpoint chosen = drawNearest(routes.near.up(), avoid);
      if (chosen != null) {
        return chosen;
      }
    }
    Endpoint leader = leaders.of(current.view.shardOf(keyHash));
    leader = leader == null || leader.equals(avoid) ? null : leader;
    boolean isDown = leader != null && current.down.contains(leader);
    if (leader != null && !isDown && isUsable(leader)) {
      return leader;
    }
    Endpoint chosen = draw(routes.voters, avoid);
    if (chosen == null && leader != null && isDown && isUsable(leader)) {
      return leader;
    }
    chosen = chosen != null ? chosen : drawNearest(routes.near.up(), avoid);
    return chosen != null ? chosen : drawNearest(routes.near.down(), avoid);
  }

  private static Routes routes(Chart current, long keyHash) {
    Routes found = current.shards.get(current.view.shardOf(keyHash));
    if (found == null) {
      throw new IllegalStateException("a shard of the token table is not listed");
    }
    return found;
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

  private @Nullable Endpoint drawNearest(List<List<Endpoint>> tiers, @Nullable Endpoint avoid) {
    for (List<Endpoint> tier : tiers) {
      Endpoint chosen = draw(tier, avoid);
      if (chosen != null) {
        return chosen;
      }
    }
    return null;
  }

  private @Nullable Endpoint draw(List<Endpoint> candidates, @Nullable Endpoint avoid) {
    if (outages.isEmpty() && avoid == null) {
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
    return isUsable(chosen) ? chosen : null;
  }

  /** One of equally good candidates; there must be some. */
  Endpoint drawn(List<Endpoint> candidates) {
    int count = candidates.size();
    return candidates.get(count == 1 ? 0 : (int) (random.getAsDouble() * count));
  }

  private boolean isUsable(Endpoint endpoint) {
    return outages.isEmpty() || outages.isUsable(endpoint);
  }

  private Endpoint lastResort(@Nullable Endpoint avoid) {
    List<Endpoint> known = known();
    List<Endpoint> others = known.stream().filter(each -> !each.equals(avoid)).toList();
    long now = clock.getAsLong();
    return Collections.min(
        others.isEmpty() ? known : others,
        Comparator.comparingLong(each -> outages.nanosLeft(each, now)));
  }
}
