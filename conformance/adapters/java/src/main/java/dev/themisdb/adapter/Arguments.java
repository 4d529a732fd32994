package dev.themisdb.adapter;

import com.fasterxml.jackson.databind.JsonNode;
import dev.themisdb.client.CallOptions;
import dev.themisdb.client.CollectionSettings;
import dev.themisdb.client.Consistency;
import dev.themisdb.client.DeleteEntry;
import dev.themisdb.client.ListOptions;
import dev.themisdb.client.NamespaceSettings;
import dev.themisdb.client.PutEntry;
import dev.themisdb.client.ReadOptions;
import dev.themisdb.client.VersionMatch;
import dev.themisdb.client.WriteOptions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;
import java.util.stream.LongStream;
import java.util.stream.StreamSupport;

/** The arguments of one op, as those of themis-java. What nobody took is not understood. */
final class Arguments {

  private final String op;
  private final JsonNode args;
  private final Set<String> left = new HashSet<>();

  Arguments(String op, JsonNode args) {
    this.op = op;
    this.args = args == null ? Wire.object() : args;
    this.args.fieldNames().forEachRemaining(left::add);
  }

  /** Throws when there are arguments that nobody took. */
  void done() {
    if (!left.isEmpty()) {
      throw new Unsupported(op + " with " + left);
    }
  }

  boolean has(String name) {
    return args.hasNonNull(name);
  }

  JsonNode node(String name) {
    left.remove(name);
    JsonNode found = args.get(name);
    if (found == null) {
      throw new Unsupported(op + " without " + name);
    }
    return found;
  }

  String text(String name) {
    return node(name).textValue();
  }

  /** A text that may be missing, or null. */
  String textOrNull(String name) {
    return has(name) ? text(name) : null;
  }

  int number(String name) {
    return node(name).intValue();
  }

  /** A number of seconds that may be missing, or null. */
  Duration secondsOrNull(String name) {
    return has(name) ? Duration.ofSeconds(node(name).longValue()) : null;
  }

  boolean flag(String name) {
    left.remove(name);
    return args.path(name).asBoolean(false);
  }

  private void take(String name, Consumer<JsonNode> consumer) {
    left.remove(name);
    if (args.hasNonNull(name)) {
      consumer.accept(args.get(name));
    }
  }

  private static Duration millis(JsonNode value) {
    return Duration.ofMillis(value.longValue());
  }

  private static Consistency level(JsonNode value) {
    return Consistency.of(value.textValue());
  }

  static VersionMatch match(JsonNode value) {
    if (value.isTextual()) {
      return VersionMatch.ofHeader(value.textValue());
    }
    return VersionMatch.of(
        value.isArray()
            ? StreamSupport.stream(value.spliterator(), false)
                .mapToLong(JsonNode::longValue)
                .toArray()
            : LongStream.of(value.longValue()).toArray());
  }

  ReadOptions read() {
    ReadOptions.Builder builder = ReadOptions.builder();
    take("namespace", value -> builder.namespace(value.textValue()));
    take("timeout_ms", value -> builder.timeout(millis(value)));
    take("consistency", value -> builder.consistency(level(value)));
    take("max_lag_ms", value -> builder.maxLag(millis(value)));
    return builder.build();
  }

  ListOptions list() {
    ListOptions.Builder builder = ListOptions.builder();
    take("namespace", value -> builder.namespace(value.textValue()));
    take("timeout_ms", value -> builder.timeout(millis(value)));
    take("consistency", value -> builder.consistency(level(value)));
    take("max_lag_ms", value -> builder.maxLag(millis(value)));
    take("page_size", value -> builder.pageSize(value.intValue()));
    take("include_docs", value -> builder.documents(value.booleanValue()));
    take("cursor", value -> builder.cursor(value.textValue()));
    return builder.build();
  }

  WriteOptions write() {
    WriteOptions.Builder builder = WriteOptions.builder();
    take("namespace", value -> builder.namespace(value.textValue()));
    take("timeout_ms", value -> builder.timeout(millis(value)));
    take("if_match", value -> builder.ifMatch(match(value)));
    take(
        "if_none_match",
        value -> builder.ifNoneMatch(match(value)));
    take(
        "idempotency_key",
        value -> {
          if (value.isBoolean()) {
            builder.withoutIdempotencyKey();
          } else {
            builder.idempotencyKey(value.textValue());
          }
        });
    return builder.build();
  }

  CallOptions call() {
    CallOptions.Builder builder = CallOptions.builder();
    take("namespace", value -> builder.namespace(value.textValue()));
    take("timeout_ms", value -> builder.timeout(millis(value)));
    take(
        "idempotency_key",
        value -> {
          if (value.isBoolean()) {
            builder.withoutIdempotencyKey();
          } else {
            builder.idempotencyKey(value.textValue());
          }
        });
    return builder.build();
  }

  CollectionSettings collectionSettings() {
    CollectionSettings.Builder builder = CollectionSettings.builder();
    Arguments options = new Arguments(op, left.remove("options") ? args.get("options") : null);
    options.take("description", value -> builder.description(value.textValue()));
    options.take("cache_max_age_s", value -> builder.cacheMaxAgeSeconds(value.intValue()));
    options.take("change_feed", value -> builder.changeFeed(value.booleanValue()));
    options.done();
    return builder.build();
  }

  NamespaceSettings namespaceSettings() {
    NamespaceSettings.Builder builder = NamespaceSettings.builder();
    Arguments options = new Arguments(op, left.remove("options") ? args.get("options") : null);
    options.take(
        "auto_create_collections", value -> builder.autoCreateCollections(value.booleanValue()));
    options.done();
    return builder.build();
  }

  List<String> names(String name) {
    return StreamSupport.stream(node(name).spliterator(), false).map(JsonNode::textValue).toList();
  }

  List<PutEntry> puts() {
    List<PutEntry> found = new ArrayList<>();
    for (JsonNode item : node("items")) {
      Long ifMatch = item.hasNonNull(2) ? (Long) item.get(2).longValue() : null;
      found.add(new PutEntry(item.get(0).textValue(), item.get(1), ifMatch));
    }
    return found;
  }

  List<DeleteEntry> deletions() {
    List<DeleteEntry> found = new ArrayList<>();
    for (JsonNode item : node("items")) {
      Long ifMatch = item.hasNonNull(1) ? (Long) item.get(1).longValue() : null;
      found.add(new DeleteEntry(item.get(0).textValue(), ifMatch));
    }
    return found;
  }
}
