package dev.themisdb.client.core;

import dev.themisdb.client.errors.ConfigurationException;
import dev.themisdb.client.transport.Endpoint;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Where a client is, and so which nodes are near: those of its own rack, then of its own
 * datacenter, then all others.
 *
 * <p>Candidates are sorted into <em>tiers</em> once, when a topology is taken: the nodes of a tier
 * are as good as each other, and any of an earlier tier is better.
 *
 * @param datacenter the client's, null: all nodes are equally near
 * @param rack the client's within it, null: all of the datacenter are
 */
public record Nearness(@Nullable String datacenter, @Nullable String rack) {

  /** All nodes are equally near. */
  public static final Nearness NOWHERE = new Nearness(null, null);

  private static final int RANKS_OF_A_DISTANCE = 2;

  /**
   * Checks the parts; throws ConfigurationException.
   *
   * @param datacenter the client's, null: all nodes are equally near
   * @param rack the client's within it, null: all of the datacenter are
   */
  public Nearness {
    if (datacenter != null) {
      Checks.name(datacenter, "datacenter");
    }
    if (rack != null) {
      Checks.name(rack, "rack");
      if (datacenter == null) {
        throw new ConfigurationException("rack goes with datacenter");
      }
    }
  }

  /**
   * Candidates for a request, the best first. Those that the cluster has not heard of are kept
   * apart, for when nobody else is there.
   */
  record Tiers(List<List<Endpoint>> up, List<List<Endpoint>> down) {}

  /** Sorts candidates: by distance, and of equally near ones the healthy before the degraded. */
  Tiers tiers(Collection<NodePlace> places) {
    return new Tiers(
        sorted(places.stream().filter(place -> !place.isDown()).toList()),
        sorted(places.stream().filter(NodePlace::isDown).toList()));
  }

  private List<List<Endpoint>> sorted(List<NodePlace> places) {
    TreeMap<Integer, List<Endpoint>> ranked = new TreeMap<>();
    for (NodePlace place : places) {
      int rank = RANKS_OF_A_DISTANCE * distance(place) + (place.isDegraded() ? 1 : 0);
      ranked.computeIfAbsent(rank, unused -> new ArrayList<>()).add(place.endpoint());
    }
    return List.copyOf(ranked.values());
  }

  private int distance(NodePlace place) {
    if (datacenter == null) {
      return 0;
    }
    if (!datacenter.equals(place.datacenter())) {
      return 2;
    }
    return rack == null || rack.equals(place.rack()) ? 0 : 1;
  }
}
