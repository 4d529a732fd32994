package dev.themisdb.client.core;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.themisdb.client.transport.Endpoint;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Of two nodes that each claim to lead, the greater term is right. */
class LeadersTest {

  private static final Endpoint A = Endpoint.parse("http://a:1");
  private static final Endpoint B = Endpoint.parse("http://b:1");
  private static final Endpoint C = Endpoint.parse("http://c:1");

  private final Leaders leaders = new Leaders();

  private @Nullable Endpoint taking(@Nullable Endpoint leader, long term, Endpoint... replicas) {
    leaders.take(Map.of("s", new Leaders.Claim(leader, term, List.of(replicas))));
    return leaders.of("s");
  }

  @Test
  void nobodyIsKnownAtFirst() {
    assertNull(leaders.of("s"));
    assertFalse(leaders.hint("s", A), "a shard that no topology has");
    assertNull(leaders.of("s"));
  }

  @Test
  void theGreaterTermIsRightInWhateverOrderTheyCome() {
    assertEquals(A, taking(A, 5, A, B));
    assertEquals(B, taking(B, 6, A, B));
    assertEquals(B, taking(A, 5, A, B));
    assertEquals(A, taking(A, 7, A, B));
  }

  @Test
  void anOlderClaimTakesALeaderAwayThatHasNoReplicaAnyMore() {
    taking(B, 6, A, B);
    assertNull(taking(A, 5, A, C));
    assertNull(taking(A, 5, A, B), "the term stays");
    assertEquals(A, taking(A, 6, A, C));
  }

  @Test
  void withoutTermsTheLastTopologyIsBelieved() {
    taking(A, 0, A, B);
    assertEquals(B, taking(B, 0, A, B));
    leaders.hint("s", A);
    assertEquals(B, taking(B, 0, A, B));
  }

  @Test
  void aHintHoldsUntilALaterTerm() {
    taking(A, 5, A, B);
    assertTrue(leaders.hint("s", B));
    assertFalse(leaders.hint("s", B), "no news");
    assertEquals(B, taking(A, 5, A, B));
    assertEquals(C, taking(C, 6, A, B, C));
  }

  @Test
  void aHintFallsWithItsReplica() {
    taking(A, 5, A, B);
    leaders.hint("s", B);
    assertEquals(A, taking(A, 5, A, C));
  }

  @Test
  void whoHasLostTheLeaderIsBelievedAndTheTermStays() {
    taking(A, 5, A, B);
    assertNull(taking(null, 0, A, B));
    assertNull(taking(B, 4, A, B), "an older claim does not come back");
    assertEquals(B, taking(B, 5, A, B));
  }

  @Test
  void shardsThatAreGoneAreForgotten() {
    taking(A, 5, A);
    leaders.take(Map.of());
    assertNull(leaders.of("s"));
    assertEquals(B, taking(B, 1, B), "its term, too");
  }
}
