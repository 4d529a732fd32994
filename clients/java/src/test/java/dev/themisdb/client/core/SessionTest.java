package dev.themisdb.client.core;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.themisdb.client.errors.ConfigurationException;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a client has seen, and how it says so. */
class SessionTest {

  private final Session session = new Session();

  @Test
  void theGreaterVersionOfAShardStays() {
    session.note("b:5,a:7");
    session.note("b:4,a:8");
    assertEquals("a:8,b:5", session.token());
    assertEquals("b:5", session.entryOf("b"));
    assertEquals("", session.entryOf("c"));
  }

  @Test
  void blanksAroundEntriesAreNone() {
    session.note(" a:1 ,\tb:2");
    assertEquals("a:1,b:2", session.token());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "a",
        "a:",
        ":1",
        "a:0",
        "a:01",
        "a:-1",
        "a:1.5",
        "-a:1",
        "a b:1",
        "a:9007199254740992",
        "a:99999999999999999",
        "a:1:2",
        "ä:1",
        "a:١",
        "a: 1"
      })
  void whatIsNoEntryIsPassedOverInAnswersAndRefusedInTokens(String text) {
    session.note(text + ",z:3");
    assertEquals("z:3", session.token());
    session.forget();
    assertThrows(ConfigurationException.class, () -> session.merge("z:3," + text));
    assertEquals("", session.token(), "nothing is merged");
  }

  @Test
  void tokensAreMergedAndTheEmptyOneMergesNothing() {
    session.merge("a:9007199254740991,b:1,b:3,b:2");
    session.merge("");
    assertEquals("a:9007199254740991,b:3", session.token());
    session.forget();
    assertEquals("", session.token());
  }

  @Test
  void beyondItsLimitNewShardsAreIgnored() {
    session.note(shards(0, 4096));
    session.note("more:1,s0:9");
    assertEquals("", session.entryOf("more"));
    assertEquals("s0:9", session.entryOf("s0"));
    assertTrue(session.token().split(",", -1).length == 4096);
  }

  private static String shards(int from, int to) {
    return IntStream.range(from, to).mapToObj(n -> "s" + n + ":1").collect(Collectors.joining(","));
  }
}
