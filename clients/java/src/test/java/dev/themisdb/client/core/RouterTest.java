package dev.themisdb.client.core;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.themisdb.client.core.Fixtures.Cluster;
import dev.themisdb.client.errors.ConfigurationException;
import dev.themisdb.client.transport.Endpoint;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class RouterTest {

  private static final Endpoint SEED = Endpoint.parse("http://seed:1");
  private static final Endpoint NODE1 = Endpoint.parse("http://node1:1");
  private static final Endpoint NODE2 = Endpoint.parse("http://node2:1");

  private final AtomicLong now = new AtomicLong();
  private double drawn = 0.5;
  private final Router router = new Router(List.of(SEED), now::get, () -> drawn, Nearness.NOWHERE);

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

  private Set<Endpoint> asked(Router of, boolean anyReplica, @Nullable Endpoint avoid) {
    Set<Endpoint> found = new HashSet<>();
    for (double each : new double[] {0, 0.2, 0.4, 0.6, 0.8, 0.99}) {
      drawn = each;
      found.add(of.choose(1L, anyReplica, avoid));
    }
    return found;
  }

  private static Set<Endpoint> nodes(int... numbers) {
    return Arrays.stream(numbers)
        .mapToObj(number -> Endpoint.parse("http://node" + number + ":1"))
        .collect(Collectors.toSet());
  }

  @Test
  void leadersAreHintedByAnswersOfNodesThatAreKnown() {
    assertFalse(router.hint(1L, "n2"), "no topology");
    router.install(new Cluster(3, 3).leader("n1", 5).view());
    assertFalse(router.hint(1L, "n1"), "no news");
    assertFalse(router.hint(1L, "stranger"));
    assertTrue(router.hint(1L, "n2"));
    assertEquals(NODE2, router.choose(1L, false, null));
    router.install(new Cluster(3, 3).leader("n1", 5).view());
    assertEquals(NODE2, router.choose(1L, false, null), "the hint is newer");
    router.install(new Cluster(3, 3).epoch(2).leader("n1", 4).view());
    assertEquals(NODE2, router.choose(1L, false, null), "an older claim");
    router.install(new Cluster(3, 3).epoch(2).leader("n1", 6).view());
    assertEquals(NODE1, router.choose(1L, false, null));
  }

  @Test
  void withoutItsLeaderVotersAreAskedAndLearnersOnlyThen() {
    router.install(new Cluster(4, 3).leader("", 0).learner(4).view());
    assertEquals(nodes(1, 2, 3), asked(router, false, null));
    assertEquals(nodes(2, 3), asked(router, false, NODE1));
    assertEquals(nodes(1, 2, 3, 4), asked(router, true, null));
    for (int number = 1; number <= 3; number++) {
      router.failed(Endpoint.parse("http://node" + number + ":1"));
    }
    assertEquals(nodes(4), asked(router, false, null));
  }

  @Test
  void aLeaderThatIsDownIsAskedWhenNoVoterIsLeft() {
    Cluster cluster = new Cluster(3, 2).learner(3).health(1, "down");
    router.install(cluster.view());
    assertEquals(nodes(2), asked(router, false, null));
    assertEquals(nodes(2, 3), asked(router, true, null));
    router.failed(NODE2);
    assertEquals(nodes(1), asked(router, false, null));
    assertEquals(nodes(3), asked(router, false, NODE1));
  }

  @Test
  void whenTheClusterCallsEverybodyDownTheyAreAskedAsBefore() {
    router.install(new Cluster(2, 2).health(1, "down").health(2, "down").view());
    assertEquals(nodes(1), asked(router, false, null));
    assertEquals(nodes(2), asked(router, false, NODE1));
    assertEquals(nodes(1), asked(router, true, null), "nobody is near: the leader");
    drawn = 0.9;
    assertEquals(NODE2, router.choose(null, false, NODE1));
  }

  @Test
  void nearNodesAreAskedFirstAndHealthyOnesOfThem() {
    Router near = new Router(List.of(SEED), now::get, () -> drawn, new Nearness("east", "r1"));
    near.install(
        new Cluster(5, 5)
            .leader("n5", 1)
            .place(1, "east", "r1")
            .place(2, "east", "r1")
            .place(3, "east", "r2")
            .place(4, "west", "r1")
            .place(5, "west", "r2")
            .health(2, "degraded")
            .view());
    assertEquals(nodes(5), asked(near, false, null), "the leader, however far");
    for (int number = 1; number <= 3; number++) {
      assertEquals(nodes(number), asked(near, true, null));
      assertEquals(nodes(number), Set.copyOf(near.nearest(1L)));
      near.failed(Endpoint.parse("http://node" + number + ":1"));
    }
    assertEquals(nodes(4, 5), asked(near, true, null));
    assertEquals(nodes(4, 5), Set.copyOf(near.nearest(1L)));
  }

  @Test
  void aDatacenterAloneMakesItsRacksEquallyNear() {
    Router near = new Router(List.of(SEED), now::get, () -> drawn, new Nearness("east", null));
    near.install(
        new Cluster(3, 3)
            .place(1, "east", "r1")
            .place(2, "east", "r2")
            .place(3, "west", "r")
            .view());
    assertEquals(nodes(1, 2), asked(near, true, null));
    drawn = 0.9;
    assertEquals(NODE2, near.choose(null, false, null), "any node will do: a near one");
    assertThrows(ConfigurationException.class, () -> new Nearness(null, "r1"));
    assertThrows(ConfigurationException.class, () -> new Nearness("a b", null));
  }

  @Test
  void anotherIsOneThatWasNotAskedAndIsNotOut() {
    assertFalse(router.hasAnother(Set.of(SEED)));
    assertTrue(router.hasAnother(Set.of()));
    router.install(new Cluster(2, 2).view());
    assertTrue(router.isCluster());
    assertTrue(router.hasAnother(Set.of(SEED, NODE1)));
    router.failed(NODE2);
    assertFalse(router.hasAnother(Set.of(SEED, NODE1)));
  }

  @Test
  void aShardIsSaidOnlyWhileNoNewerTopologyIsKnownOf() {
    router.install(new Cluster(2, 2).epoch(3).view());
    assertEquals("s", router.shardOf(1L));
    router.sawEpoch(4);
    assertNull(router.shardOf(1L));
  }
}
