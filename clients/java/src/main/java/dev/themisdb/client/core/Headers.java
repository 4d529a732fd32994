package dev.themisdb.client.core;

import dev.themisdb.client.CallOptions;
import dev.themisdb.client.WriteOptions;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Names and values of headers that several operations send. */
final class Headers {

  static final String CONTENT_TYPE = "Content-Type";
  static final String IDEMPOTENCY_KEY = "Idempotency-Key";
  static final String JSON = "application/json";

  private Headers() {}

  /** The key of one logical write: the caller's, a new one, or none. */
  static void addKey(Core core, Map<String, String> headers, WriteOptions options) {
    addKey(core, headers, options.idempotencyKey(), options.withoutKey());
  }

  /** The key of one logical change: the caller's, a new one, or none. */
  static void addKey(Core core, Map<String, String> headers, CallOptions options) {
    addKey(core, headers, options.idempotencyKey(), options.withoutKey());
  }

  private static void addKey(
      Core core, Map<String, String> headers, @Nullable String key, boolean none) {
    if (key != null) {
      headers.put(IDEMPOTENCY_KEY, key);
    } else if (!none && core.options.idempotencyKeys()) {
      headers.put(IDEMPOTENCY_KEY, Core.newId());
    }
  }
}
