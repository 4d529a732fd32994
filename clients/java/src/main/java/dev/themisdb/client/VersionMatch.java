package dev.themisdb.client;

import dev.themisdb.client.errors.ConfigurationException;
import java.util.Arrays;
import java.util.OptionalLong;
import java.util.stream.Collectors;
import java.util.stream.LongStream;

/** Versions that a condition asks for: one, several, or any. */
public final class VersionMatch {

  /** The greatest version there can be: 2^53-1. */
  public static final long VERSION_MAX = (1L << 53) - 1;

  private static final VersionMatch ANY = new VersionMatch("*");

  private final String header;

  private VersionMatch(String header) {
    this.header = header;
  }

  /**
   * Whatever version there is.
   *
   * @return the match for {@code *}
   */
  public static VersionMatch any() {
    return ANY;
  }

  /**
   * One of these versions.
   *
   * @param versions at least one, each from 1 to 2^53-1
   * @return the match
   * @throws ConfigurationException when there is none, or one is no version
   */
  public static VersionMatch of(long... versions) {
    if (versions.length == 0) {
      throw new ConfigurationException("a condition names no version");
    }
    for (long version : versions) {
      if (version < 1 || version > VERSION_MAX) {
        throw refused(String.valueOf(version));
      }
    }
    return new VersionMatch(
        Arrays.stream(versions)
            .mapToObj(version -> "\"" + version + "\"")
            .collect(Collectors.joining(", ")));
  }

  /**
   * Reads the value of an If-Match or If-None-Match header, as a web application gets it.
   *
   * @param header {@code *}, or strong entity tags with commas between them
   * @return the match
   * @throws ConfigurationException when it is neither
   */
  public static VersionMatch ofHeader(String header) {
    if (header.strip().equals("*")) {
      return ANY;
    }
    long[] versions =
        Arrays.stream(header.split(",", -1))
            .mapToLong(tag -> parseTag(tag.strip()).orElseThrow(() -> refused(header)))
            .toArray();
    return of(versions);
  }

  private static ConfigurationException refused(String what) {
    return new ConfigurationException("a condition is a version, several, or any, not " + what);
  }

  /**
   * The value of If-Match or If-None-Match.
   *
   * @return entity tags, or {@code *}
   */
  public String header() {
    return header;
  }

  /**
   * Reads a strong entity tag.
   *
   * @param text as in an ETag header
   * @return the version, empty when it is none
   */
  public static OptionalLong parseTag(String text) {
    int length = text.length();
    if (length < 3 || length > 18 || text.charAt(0) != '"' || text.charAt(length - 1) != '"') {
      return OptionalLong.empty();
    }
    boolean digits =
        text.charAt(1) != '0'
            && text.chars().skip(1).limit(length - 2L).allMatch(c -> c >= '0' && c <= '9');
    long version = digits ? Long.parseLong(text, 1, length - 1, 10) : 0;
    return LongStream.of(version).filter(v -> v >= 1 && v <= VERSION_MAX).findFirst();
  }

  @Override
  public String toString() {
    return header;
  }
}
