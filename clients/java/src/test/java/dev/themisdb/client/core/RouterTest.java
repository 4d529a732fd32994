package dev.themisdb.client.core;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.themisdb.client.transport.Endpoint;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class RouterTest {

  private static final Endpoint SEED = Endpoint.parse("http://seed:1");
  private static final Endpoint NODE1 = Endpoint.parse("http://node1:1");
  private static final Endpoint NODE2 = Endpoint.parse("http://node2:1");

  private final AtomicLong now = new AtomicLong();
  private double drawn = 0.5;
  private final Router router = new Router(List.of(SEED), now::get, () -> drawn);

  private void pass(double seconds) {
    now.addAndGet((long) (seconds * 1e9));
  }

  @Test
  void withoutATopologyTheSeedsAreAsked() {
    assertTrue(router.wantsTopology());
    assertEquals(SEED, router.choose(1L, false, null));
    router.loadFailed();
    assertFalse(router.wantsTopology());
    pass(1);
    assertTrue(router.wantsTopology());
  }

  @Test
  void theLeaderIsAskedAndForLaggingReadsAnyReplica() {
    router.install(Fixtures.view(1));
    assertEquals(NODE1, router.choose(1L, false, null));
    Set<Endpoint> asked = new HashSet<>();
    for (double each : new double[] {0, 0.4, 0.6, 0.99}) {
      drawn = each;
      asked.add(router.choose(1L, true, null));
    }
    assertEquals(Set.of(NODE1, NODE2), asked);
  }

  @Test
  void whoHasJustFailedIsAvoided() {
    router.install(Fixtures.view(1));
    assertEquals(NODE2, router.choose(1L, false, NODE1));
  }

  @Test
  void anOutageEndsWithOneProbe() {
    router.install(Fixtures.view(1));
    router.failed(NODE1);
    assertTrue(router.isOut(NODE1));
    assertNotEquals(NODE1, router.choose(1L, false, null));
    pass(0.6);
    assertEquals(NODE1, router.choose(1L, false, null), "the probe");
    assertNotEquals(NODE1, router.choose(1L, false, null), "only one");
    router.answered(NODE1);
    assertEquals(NODE1, router.choose(1L, false, null));
  }

  @Test
  void outagesDouble() {
    router.install(Fixtures.view(1));
    for (int i = 0; i < 4; i++) {
      router.failed(NODE1);
    }
    pass(2.9);
    assertTrue(router.isOut(NODE1));
    pass(0.2);
    assertFalse(router.isOut(NODE1));
  }

  @Test
  void whenAllAreOutTheOneThatIsNextIsAsked() {
    router.install(Fixtures.view(1));
    for (Endpoint endpoint : router.known()) {
      router.failed(endpoint);
      pass(0.01);
    }
    assertEquals(NODE1, router.choose(1L, false, null));
    assertEquals(NODE2, router.choose(1L, false, NODE1));
  }

  @Test
  void olderEpochsAreIgnored() {
    assertTrue(router.install(Fixtures.view(5)));
    assertFalse(router.install(Fixtures.view(4)));
    assertFalse(router.sawEpoch(5));
    assertTrue(router.sawEpoch(6));
    assertFalse(router.sawEpoch(6), "told once");
    assertTrue(router.stale());
    router.install(Fixtures.view(6));
    assertFalse(router.stale());
  }

  @Test
  void thoseThatAreOutAreAskedForTheTopologyLast() {
    router.install(Fixtures.view(1));
    router.failed(NODE1);
    List<Endpoint> order = router.refreshOrder();
    assertEquals(4, order.size());
    assertEquals(NODE1, order.get(3));
  }
}
