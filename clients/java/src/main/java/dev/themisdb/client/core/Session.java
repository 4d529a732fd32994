package dev.themisdb.client.core;

import dev.themisdb.client.errors.ConfigurationException;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * What a client has seen: up to which version of which shard. Threads share it.
 *
 * <p>Servers tell it with every answer ({@code Themis-Session: shard_001:347839217664000,...}), the
 * client keeps the greatest version of each shard, and sends it with reads that a lagging replica
 * may answer. That replica then waits until it has what the client has seen: its own writes
 * (read-your-writes), and nothing older than what it read before (monotonic reads), whichever
 * replica answers.
 */
final class Session {

  /** Where servers and clients tell each other of it. */
  static final String HEADER = "Themis-Session";

  /** What fits into a header line, with its name and room to spare. */
  static final int BYTES_MAX = 8000;

  private static final int SHARDS_MAX = 4096;
  private static final long VERSION_MAX = (1L << 53) - 1;
  private static final Pattern ENTRY =
      Pattern.compile("[ \t]*([A-Za-z0-9_][A-Za-z0-9_.-]{0,62}):([1-9][0-9]{0,15})[ \t]*");
  private static final int SHOWN_CHARS = 80;

  private record Seen(String shardId, long version) {}

  // In the order of shard ids, which are ASCII. Replaced as a whole when the client begins anew.
  private volatile ConcurrentSkipListMap<String, Long> seen = new ConcurrentSkipListMap<>();

  /** Merges what an answer says; entries of another form are passed over. */
  void note(String text) {
    for (String part : text.split(",", -1)) {
      Seen entry = entry(part);
      // Looked at without the lock first: mostly there is nothing new in it.
      if (entry != null && entry.version > seen.getOrDefault(entry.shardId, 0L)) {
        raise(entry.shardId, entry.version);
      }
    }
  }

  /**
   * Merges a token as {@link #token} gives it; throws ConfigurationException, and merges nothing,
   * if it is none.
   */
  void merge(String token) {
    if (token.isEmpty()) {
      return;
    }
    Map<String, Long> entries = new LinkedHashMap<>();
    for (String part : token.split(",", -1)) {
      Seen entry = entry(part);
      if (entry == null) {
        String shown = part.substring(0, Math.min(part.length(), SHOWN_CHARS));
        throw new ConfigurationException(
            "a session token is shard_id:version, separated by commas; not '" + shown + "'");
      }
      entries.merge(entry.shardId, entry.version, Math::max);
    }
    entries.forEach(this::raise);
  }

  /** Begins anew. */
  synchronized void forget() {
    seen = new ConcurrentSkipListMap<>();
  }

  /** All of it, in the order of shard ids; empty if there is nothing. */
  String token() {
    StringBuilder text = new StringBuilder();
    seen.forEach(
        (shardId, version) -> {
          text.append(text.isEmpty() ? "" : ",").append(shardId).append(':').append(version);
        });
    return text.toString();
  }

  /** What was seen of one shard; empty if there is nothing. */
  String entryOf(String shardId) {
    Long version = seen.get(shardId);
    return version == null ? "" : shardId + ":" + version;
  }

  private synchronized void raise(String shardId, long version) {
    if (seen.containsKey(shardId) || seen.size() < SHARDS_MAX) {
      seen.merge(shardId, version, Math::max);
    }
  }

  private static @Nullable Seen entry(String text) {
    Matcher found = ENTRY.matcher(text);
    if (!found.matches()) {
      return null;
    }
    long version = Long.parseLong(found.group(2));
    return version <= VERSION_MAX ? new Seen(found.group(1), version) : null;
  }
}
