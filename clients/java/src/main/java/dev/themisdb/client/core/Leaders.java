package dev.themisdb.client.core;

import dev.themisdb.client.transport.Endpoint;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * Who leads which shard, as far as this client has been told.
 *
 * <p>Leaders move without a new epoch of the topology, and nodes learn of it at different moments:
 * two of them may each say that they lead. The Raft term decides: in each term a shard has one
 * leader, and the greater term is the later one. What an answer says ({@code Themis-Node} with
 * {@code Themis-Role: leader}) has no term; it is a <em>hint</em>, newer than the topology we have,
 * and stands until a topology of a greater term comes.
 *
 * <p>The router calls {@link #take} and {@link #hint} under its own lock; {@link #of} may be called
 * at any time.
 */
final class Leaders {

  /**
   * What a topology says of one shard.
   *
   * @param leader who leads it, null for nobody
   * @param term since which Raft term, 0 where it is not said
   * @param replicas where its replicas are
   */
  record Claim(@Nullable Endpoint leader, long term, List<Endpoint> replicas) {}

  private record Known(long term, @Nullable Endpoint leader, boolean hinted) {}

  private static final Known NOTHING = new Known(0, null, false);

  private volatile Map<String, Known> known = Map.of();

  /** The node that leads a shard; null while nobody is known to. */
  @Nullable Endpoint of(String shardId) {
    Known found = known.get(shardId);
    return found == null ? null : found.leader;
  }

  /** A topology was taken: believes it where it is newer than what is known. */
  void take(Map<String, Claim> claims) {
    Map<String, Known> before = known;
    Map<String, Known> judged = new ConcurrentHashMap<>();
    claims.forEach(
        (shardId, claim) ->
            judged.put(shardId, judged(claim, before.getOrDefault(shardId, NOTHING))));
    known = judged;
  }

  /** A node has answered as the leader of a shard; true when that is news. */
  boolean hint(String shardId, Endpoint leader) {
    Known found = known.get(shardId);
    if (found == null || leader.equals(found.leader)) {
      return false;
    }
    known.put(shardId, new Known(found.term, leader, true));
    return true;
  }

  private static Known judged(Claim claim, Known known) {
    if (claim.leader == null) {
      // Whoever says so has lost sight of the old one, too. The term stays: an older claim must
      // not come back.
      return new Known(known.term, null, false);
    }
    boolean older = claim.term < known.term;
    boolean overruled = claim.term == known.term && known.term > 0 && known.hinted;
    if (!older && !overruled) {
      return new Known(claim.term, claim.leader, false);
    }
    if (known.leader != null && claim.replicas.contains(known.leader)) {
      return known;
    }
    return new Known(known.term, older ? null : claim.leader, false);
  }
}
