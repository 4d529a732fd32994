package dev.themisdb.client.placement;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Which shard owns a key: sorted tokens and their owners.
 *
 * <p>The key hash is {@link XxHash64} of the uuid's 36 lower-case bytes: the same uuid in any
 * collection lands on the same shard. A hash belongs to the first token that is not below it, past
 * the last one the first follows. Servers publish the table in the topology; clients look up in it
 * and never compute a ring of their own, because moving a range edits the table.
 *
 * <p>Tokens are unsigned 64-bit integers in a {@code long}.
 */
public final class TokenTable {

  /** How many tokens a shard has by default. */
  public static final int VIRTUAL_NODES = 150;

  private static final Pattern TOKEN = Pattern.compile("[0-9a-f]{16}");
  // Sorting signed longs with their top bit flipped sorts the unsigned values.
  private static final long FLIP = Long.MIN_VALUE;

  private final long[] tokens;
  private final String[] owners;

  /**
   * One token and its owner.
   *
   * @param token the token, unsigned
   * @param shardId who owns the hashes up to it
   */
  public record Entry(long token, String shardId) {}

  /**
   * One range of hashes, both ends included, unsigned.
   *
   * @param start the first hash
   * @param end the last hash
   */
  public record Range(long start, long end) {}

  /**
   * Makes a table; where a token is given twice, the smaller shard id keeps it.
   *
   * @param entries at least one, in any order
   * @throws IllegalArgumentException when there is none
   */
  public TokenTable(Collection<Entry> entries) {
    TreeMap<Long, String> sorted = new TreeMap<>(Long::compareUnsigned);
    for (Entry entry : entries) {
      sorted.merge(entry.token, entry.shardId, (a, b) -> byBytes(a, b) <= 0 ? a : b);
    }
    if (sorted.isEmpty()) {
      throw new IllegalArgumentException("a token table needs at least one token");
    }
    tokens = sorted.keySet().stream().mapToLong(token -> token ^ FLIP).toArray();
    owners = sorted.values().toArray(new String[0]);
  }

  /**
   * Reads the table as the topology carries it.
   *
   * @param pairs {@code [["16 lower-case hex digits", shard id], ...]}
   * @return the table
   * @throws IllegalArgumentException when it is not that
   */
  public static TokenTable fromWire(List<? extends List<String>> pairs) {
    List<Entry> entries = new ArrayList<>(pairs.size());
    for (List<String> pair : pairs) {
      if (pair.size() != 2 || !TOKEN.matcher(pair.get(0)).matches()) {
        throw new IllegalArgumentException("not a [token, shard id] pair: " + pair);
      }
      entries.add(new Entry(Long.parseUnsignedLong(pair.get(0), 16), pair.get(1)));
    }
    return new TokenTable(entries);
  }

  /**
   * The hash of a key: its place on the circle.
   *
   * @param uuid the uuid's text, in any case
   * @return XXH64 (seed 0) of its lower-case text, unsigned
   */
  public static long keyHash(String uuid) {
    return XxHash64.hash(uuid.toLowerCase(Locale.ROOT));
  }

  /**
   * The tokens of one shard.
   *
   * @param shardId the shard
   * @param virtualNodes how many
   * @return XXH64 (seed 0) of <code>{shardId}#{i}</code> for i from 0
   */
  public static List<Long> ringTokens(String shardId, int virtualNodes) {
    List<Long> found = new ArrayList<>(virtualNodes);
    for (int i = 0; i < virtualNodes; i++) {
      found.add(XxHash64.hash(shardId + "#" + i));
    }
    return found;
  }

  /**
   * The table that servers build for shards.
   *
   * @param shardIds the shards
   * @param virtualNodes tokens of each
   * @return all tokens of all shards
   */
  public static TokenTable build(Collection<String> shardIds, int virtualNodes) {
    List<Entry> entries = new ArrayList<>(shardIds.size() * virtualNodes);
    for (String shardId : shardIds) {
      ringTokens(shardId, virtualNodes).forEach(token -> entries.add(new Entry(token, shardId)));
    }
    return new TokenTable(entries);
  }

  /**
   * The owner of a hash.
   *
   * @param hash unsigned
   * @return the shard's id
   */
  public String shardForHash(long hash) {
    int place = Arrays.binarySearch(tokens, hash ^ FLIP);
    if (place < 0) {
      place = -place - 1;
    }
    return owners[place == owners.length ? 0 : place];
  }

  /**
   * The owner of a key.
   *
   * @param uuid the uuid's text, in any case
   * @return the shard's id
   */
  public String shardForUuid(String uuid) {
    return shardForHash(keyHash(uuid));
  }

  /**
   * The shards that own tokens.
   *
   * @return their ids, sorted
   */
  public List<String> shardIds() {
    TreeSet<String> found = new TreeSet<>(TokenTable::byBytes);
    found.addAll(Arrays.asList(owners));
    return List.copyOf(found);
  }

  /**
   * All tokens.
   *
   * @return the entries in ascending order of their unsigned tokens
   */
  public List<Entry> entries() {
    List<Entry> found = new ArrayList<>(tokens.length);
    for (int i = 0; i < tokens.length; i++) {
      found.add(new Entry(tokens[i] ^ FLIP, owners[i]));
    }
    return found;
  }

  /**
   * What a shard owns.
   *
   * @param shardId the shard
   * @return ranges, ascending and merged, empty for a stranger; what wraps past 2^64-1 is in two
   */
  public List<Range> ranges(String shardId) {
    List<Range> found = new ArrayList<>();
    long start = 0;
    for (Entry entry : entries()) {
      if (entry.shardId.equals(shardId)) {
        append(found, start, entry.token);
      }
      start = entry.token + 1;
    }
    // After a last token of 2^64-1, start has wrapped to 0 and nothing is left over.
    boolean hasRest = tokens[tokens.length - 1] != Long.MAX_VALUE;
    if (hasRest && owners[0].equals(shardId)) {
      append(found, start, -1L);
    }
    return found;
  }

  private static void append(List<Range> found, long start, long end) {
    int last = found.size() - 1;
    if (last >= 0 && found.get(last).end + 1 == start) {
      found.set(last, new Range(found.get(last).start, end));
    } else {
      found.add(new Range(start, end));
    }
  }

  /**
   * How many tokens there are.
   *
   * @return the number
   */
  public int size() {
    return tokens.length;
  }

  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof TokenTable table
        && Arrays.equals(tokens, table.tokens)
        && Arrays.equals(owners, table.owners);
  }

  @Override
  public int hashCode() {
    return Objects.hash(Arrays.hashCode(tokens), Arrays.hashCode(owners));
  }

  @Override
  public String toString() {
    return "TokenTable of " + size() + " tokens, " + shardIds().size() + " shards";
  }

  // Shard ids are compared by code points, as Python and the bytes of UTF-8 do; UTF-16 differs
  // above U+FFFF.
  private static int byBytes(String a, String b) {
    return BY_CODE_POINTS.compare(a, b);
  }

  private static final Comparator<String> BY_CODE_POINTS =
      (a, b) -> Arrays.compare(a.codePoints().toArray(), b.codePoints().toArray());
}
