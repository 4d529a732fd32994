package dev.themisdb.client.core;

import dev.themisdb.client.transport.Response;

/**
 * What every answer teaches beyond what it answers: the epoch of the cluster's topology, who leads
 * the shard of the entity it is about, and what the session has seen.
 */
final class Lessons {

  /** Which replica has answered. */
  static final String ROLE = "themis-role";

  /** The node that it is on. */
  static final String NODE = "themis-node";

  private static final int DIGITS_MAX = 18;

  private Lessons() {}

  /** Takes from the headers of an answer what it says. */
  static void learn(Core core, Call call, Response response) {
    String epoch = response.header("themis-topology-epoch");
    boolean news = epoch != null && isNumber(epoch) && core.router.sawEpoch(Long.parseLong(epoch));
    if (leaderIsNews(core, call, response) || news) {
      core.refreshWanted.run();
    }
    Session session = core.session;
    String seen = session == null ? null : response.header(Session.HEADER);
    if (session != null && seen != null) {
      session.note(seen);
    }
  }

  private static boolean leaderIsNews(Core core, Call call, Response response) {
    Long keyHash = call.keyHash;
    // The Themis-Node of a batch or a listing has put the answer together, and leads nothing.
    if (!call.ofOneEntity || keyHash == null || !"leader".equals(response.header(ROLE))) {
      return false;
    }
    String node = response.header(NODE);
    return node != null && core.router.hint(keyHash, node);
  }

  static boolean isNumber(String text) {
    return !text.isEmpty()
        && text.length() <= DIGITS_MAX
        && text.chars().allMatch(c -> c >= '0' && c <= '9');
  }
}
