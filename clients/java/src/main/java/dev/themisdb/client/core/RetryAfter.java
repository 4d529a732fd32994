package dev.themisdb.client.core;

import java.time.DateTimeException;
import java.time.Instant;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Reads Retry-After headers (RFC 9110, 10.2.3). */
final class RetryAfter {

  private static final Pattern SECONDS = Pattern.compile("[0-9]+\\.?[0-9]*|\\.[0-9]+");
  // Beyond any deadline, and far from an overflow.
  private static final double SECONDS_MAX = 1e9;

  private RetryAfter() {}

  /** Nanoseconds to wait: a number of seconds, or a date against {@code now}; null for neither. */
  static @Nullable Long nanos(@Nullable String value, Instant now) {
    if (value == null || value.isBlank()) {
      return null;
    }
    String text = value.strip();
    if (SECONDS.matcher(text).matches()) {
      return ofSeconds(Double.parseDouble(text));
    }
    try {
      Instant moment = ZonedDateTime.parse(text, DateTimeFormatter.RFC_1123_DATE_TIME).toInstant();
      return ofSeconds(Math.max(0, (moment.toEpochMilli() - now.toEpochMilli()) / 1e3));
    } catch (DateTimeException e) {
      return null;
    }
  }

  static long ofSeconds(double seconds) {
    return (long) (Math.min(seconds, SECONDS_MAX) * 1e9);
  }
}
