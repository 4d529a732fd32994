package dev.themisdb.client.core;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.themisdb.client.RetryBudget;
import dev.themisdb.client.RetryPolicy;
import dev.themisdb.client.errors.ConfigurationException;
import java.time.Duration;
import java.time.Instant;
import org.junit.jupiter.api.Test;

class RetryTest {

  private static Core core(double drawn) {
    return new Core(Fixtures.options(), () -> 0, Instant::now, () -> drawn);
  }

  private static double waitMs(double drawn, int retry) {
    return Course.waitNanos(core(drawn), retry, null) / 1e6;
  }

  @Test
  void waitsAreDrawnBelowACapThatDoubles() {
    assertEquals(0, waitMs(0, 5));
    assertEquals(25, waitMs(0.5, 1), 0.001);
    assertEquals(50, waitMs(0.5, 2), 0.001);
    assertEquals(400, waitMs(0.5, 5), 0.001);
    assertEquals(1000, waitMs(0.5, 1000), 0.001);
  }

  @Test
  void noWaitIsShorterThanTheServerAskedFor() {
    assertEquals(7_000_000L, Course.waitNanos(core(0), 1, 7_000_000L));
    assertTrue(Course.waitNanos(core(0.9), 1, 7_000_000L) > 7_000_000L);
  }

  @Test
  void retryAfterIsANumberOrADate() {
    Instant now = Instant.parse("2026-11-23T08:00:00Z");
    assertEquals(3_000_000_000L, RetryAfter.nanos("3", now));
    assertEquals(500_000_000L, RetryAfter.nanos(" 0.5 ", now));
    assertEquals(10_000_000_000L, RetryAfter.nanos("Mon, 23 Nov 2026 08:00:10 GMT", now));
    assertEquals(0L, RetryAfter.nanos("Mon, 23 Nov 2026 07:00:00 GMT", now));
    for (String text : new String[] {"", "soon", "-1", "1.2.3", "٣"}) {
      assertNull(RetryAfter.nanos(text, now), text);
    }
    assertNull(RetryAfter.nanos(null, now));
  }

  @Test
  void aBudgetIsEarnedByCallsAndSpentByRetries() {
    RetryBudget budget = new RetryBudget(0.5, 2);
    assertTrue(budget.spend());
    assertTrue(budget.spend());
    assertFalse(budget.spend());
    budget.earn();
    assertFalse(budget.spend());
    budget.earn();
    assertTrue(budget.spend());
    for (int i = 0; i < 100; i++) {
      budget.earn();
    }
    assertEquals(2, budget.tokens());
  }

  @Test
  void whatCannotWorkIsRefused() {
    assertThrows(ConfigurationException.class, () -> new RetryBudget(-1, 2));
    assertThrows(ConfigurationException.class, () -> new RetryBudget(Double.NaN, 2));
    assertThrows(ConfigurationException.class, () -> RetryPolicy.DEFAULT.withRetriesMax(-1));
    assertThrows(
        ConfigurationException.class, () -> RetryPolicy.DEFAULT.withAttemptTimeout(Duration.ZERO));
  }
}
