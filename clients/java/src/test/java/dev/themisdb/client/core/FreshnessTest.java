package dev.themisdb.client.core;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.themisdb.client.Consistency;
import dev.themisdb.client.errors.ConfigurationException;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What the client says of freshness, and what a call says over it. */
class FreshnessTest {

  private static final Freshness BOUNDED =
      new Freshness(Consistency.BOUNDED, Duration.ofMillis(200));

  @Test
  void aCallSaysItOverTheClient() {
    assertEquals(BOUNDED, BOUNDED.over(null, null));
    assertEquals(BOUNDED, BOUNDED.over(Consistency.BOUNDED, null));
    assertEquals(
        List.of("consistency=bounded", "max_lag_ms=50"),
        BOUNDED.over(null, Duration.ofMillis(50)).parameters());
    assertEquals(
        List.of("consistency=strong"), BOUNDED.over(Consistency.STRONG, null).parameters());
    assertEquals(List.of(), Freshness.UNSAID.over(null, null).parameters());
  }

  @Test
  void whatDoesNotGoTogetherIsRefused() {
    Duration lag = Duration.ofMillis(1);
    assertThrows(ConfigurationException.class, () -> new Freshness(null, lag));
    assertThrows(ConfigurationException.class, () -> new Freshness(Consistency.EVENTUAL, lag));
    assertThrows(ConfigurationException.class, () -> Freshness.UNSAID.over(null, lag));
    assertThrows(ConfigurationException.class, () -> BOUNDED.over(Consistency.STRONG, lag));
    for (long millis : new long[] {-1, 3_600_001}) {
      assertThrows(
          ConfigurationException.class, () -> BOUNDED.over(null, Duration.ofMillis(millis)));
    }
    assertThrows(
        ConfigurationException.class, () -> BOUNDED.over(null, Duration.ofSeconds(Long.MAX_VALUE)));
    assertEquals(3_600_000, BOUNDED.over(null, Duration.ofHours(1)).maxLag().toMillis());
  }

  @Test
  void whatMayNotLagIsForTheLeader() {
    assertFalse(Freshness.UNSAID.anyReplica());
    assertFalse(new Freshness(Consistency.STRONG, null).anyReplica());
    assertFalse(new Freshness(Consistency.BOUNDED, Duration.ZERO).anyReplica());
    assertTrue(new Freshness(Consistency.BOUNDED, null).anyReplica());
    assertTrue(new Freshness(Consistency.EVENTUAL, null).anyReplica());
  }

  @Test
  void aReadIsStrengthenedAtTheEndOfItsTarget() {
    assertEquals(
        "/x?limit=1&consistency=strong",
        BOUNDED.strengthened("/x?limit=1&consistency=bounded&max_lag_ms=200"));
    assertEquals(
        "/x?consistency=strong",
        new Freshness(Consistency.EVENTUAL, null).strengthened("/x?consistency=eventual"));
  }
}
