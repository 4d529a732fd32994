package dev.themisdb.adapter;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.BigIntegerNode;
import com.fasterxml.jackson.databind.node.NullNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.themisdb.client.BatchFailure;
import dev.themisdb.client.BatchGetResult;
import dev.themisdb.client.BatchResult;
import dev.themisdb.client.ConditionalRead;
import dev.themisdb.client.Entity;
import dev.themisdb.client.ListedEntity;
import dev.themisdb.client.NodeHealth;
import dev.themisdb.client.WriteResult;
import dev.themisdb.client.errors.ApiException;
import dev.themisdb.client.errors.BatchException;
import dev.themisdb.client.errors.CallException;
import dev.themisdb.client.errors.ClientClosedException;
import dev.themisdb.client.errors.ConfigurationException;
import dev.themisdb.client.errors.EncodingException;
import dev.themisdb.client.errors.InvalidUrnException;
import dev.themisdb.client.errors.LagExceededException;
import dev.themisdb.client.errors.PreconditionFailedException;
import dev.themisdb.client.errors.ThemisException;
import dev.themisdb.client.errors.TimeoutException;
import dev.themisdb.client.errors.TooLargeException;
import dev.themisdb.client.errors.TooManyRequestsException;
import dev.themisdb.client.errors.TransportException;
import java.math.BigInteger;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.CancellationException;

/** What the SDK gives, in the JSON of the adapter protocol, and the protocol's numbers. */
final class Wire {

  static final ObjectMapper MAPPER = new ObjectMapper();

  private static final BigInteger SAFE = BigInteger.valueOf((1L << 53) - 1);

  private Wire() {}

  static ObjectNode object() {
    return MAPPER.createObjectNode();
  }

  /** A command's JSON with its tagged integers as integers. */
  static JsonNode decode(JsonNode value) {
    if (value.isArray()) {
      ArrayNode found = MAPPER.createArrayNode();
      value.forEach(member -> found.add(decode(member)));
      return found;
    }
    if (!value.isObject()) {
      return value;
    }
    if (value.size() == 1 && value.has("$int")) {
      return BigIntegerNode.valueOf(new BigInteger(value.get("$int").textValue()));
    }
    JsonNode object = value.size() == 1 && value.has("$literal") ? value.get("$literal") : value;
    ObjectNode found = object();
    object.properties().forEach(member -> found.set(member.getKey(), decode(member.getValue())));
    return found;
  }

  /** A reply's JSON with integers beyond 2^53-1 tagged. */
  static JsonNode encode(JsonNode value) {
    if (value.isArray()) {
      ArrayNode found = MAPPER.createArrayNode();
      value.forEach(member -> found.add(encode(member)));
      return found;
    }
    if (value.isObject()) {
      ObjectNode found = object();
      value.properties().forEach(member -> found.set(member.getKey(), encode(member.getValue())));
      boolean tagged = found.size() == 1 && (found.has("$int") || found.has("$literal"));
      return tagged ? object().set("$literal", found) : found;
    }
    boolean large =
        value.isIntegralNumber() && value.bigIntegerValue().abs().compareTo(SAFE) > 0;
    return large ? object().put("$int", value.bigIntegerValue().toString()) : value;
  }

  /** What a call gave, as the protocol's table of ops says. */
  static JsonNode shape(String op, Object value) {
    if (value == null) {
      return NullNode.instance;
    }
    if (value instanceof Optional<?> optional) {
      return optional.isEmpty() ? NullNode.instance : shape(op, optional.get());
    }
    if (op.startsWith("drop_") || op.equals("admin_revoke_join_token")) {
      return NullNode.instance;
    }
    if (op.equals("session_token")) {
      return object().put("token", (String) value);
    }
    if (op.equals("metrics")) {
      return object().put("text", (String) value);
    }
    if (value instanceof JsonNode document) {
      return document;
    }
    if (value instanceof ConditionalRead read) {
      return read.isNotModified()
          ? object().put("not_modified", true)
          : shape(op, read.entity());
    }
    if (value instanceof Entity entity) {
      ObjectNode found = entity(entity).put("role", entity.role());
      return found.put("lag_ms", entity.lagMs()).put("node", entity.node());
    }
    if (value instanceof WriteResult written) {
      ObjectNode found = object().put("urn", written.urn().toString());
      found.put("version", written.version()).put("created", written.created());
      return found.put("replayed", written.replayed());
    }
    if (value instanceof NodeHealth health) {
      ObjectNode found = object().put("endpoint", health.endpoint()).put("live", health.live());
      return found.put("ready", health.ready()).put("reason", health.reason());
    }
    if (value instanceof BatchGetResult result) {
      return object().set("places", places(result));
    }
    if (value instanceof BatchResult<?> result) {
      return written(result);
    }
    // The records of the specification.
    return MAPPER.valueToTree(value);
  }

  private static ObjectNode entity(Entity entity) {
    ObjectNode found = object().put("urn", entity.urn().toString());
    found.put("version", entity.version()).set("doc", entity.doc());
    return found;
  }

  /** The reply to next. */
  static JsonNode item(Optional<ListedEntity> next) {
    if (next.isEmpty()) {
      return object().put("end", true);
    }
    ObjectNode item = object().put("urn", next.get().urn().toString());
    item.put("version", next.get().version()).set("doc", next.get().doc());
    return object().set("item", item);
  }

  private static ArrayNode places(BatchGetResult result) {
    Map<Integer, BatchFailure> failed = new HashMap<>();
    result.failed().forEach(failure -> failed.put(failure.index(), failure));
    ArrayNode places = MAPPER.createArrayNode();
    for (int i = 0; i < result.size(); i++) {
      BatchFailure failure = failed.get(i);
      if (failure != null) {
        places.add(object().set("error", describe(failure.error())));
      } else {
        Optional<Entity> found = result.entity(i);
        places.add(found.isPresent() ? entity(found.get()) : NullNode.instance);
      }
    }
    return places;
  }

  private static ObjectNode written(BatchResult<?> result) {
    ObjectNode found = object();
    ArrayNode ok = found.putArray("ok");
    for (Object each : result.ok()) {
      WriteResult written = (WriteResult) each;
      ok.addObject().put("urn", written.urn().toString()).put("version", written.version());
    }
    ArrayNode missing = found.putArray("missing");
    result.missing().forEach(urn -> missing.add(urn.toString()));
    ArrayNode failed = found.putArray("failed");
    for (BatchFailure failure : result.failed()) {
      ObjectNode item = failed.addObject();
      item.put("index", failure.index()).put("name", failure.urn());
      item.set("error", describe(failure.error()));
    }
    return found;
  }

  /** The name that all SDKs have for a kind of error. */
  static String canonicalName(Throwable error) {
    return error.getClass().getSimpleName().replaceAll("Exception$", "");
  }

  private static String kind(Throwable error) {
    if (error instanceof ApiException) {
      return "api";
    } else if (error instanceof TransportException) {
      return "transport";
    } else if (error instanceof TimeoutException) {
      return "timeout";
    } else if (error instanceof CancellationException) {
      return "cancelled";
    } else if (error instanceof ConfigurationException) {
      return "configuration";
    } else if (error instanceof EncodingException) {
      return "encoding";
    } else if (error instanceof InvalidUrnException) {
      return "invalid_urn";
    } else if (error instanceof ClientClosedException) {
      return "closed";
    } else if (error instanceof BatchException) {
      return "batch";
    }
    return error instanceof ThemisException ? "themis" : "crash";
  }

  /** An error as the protocol tells it. */
  static ObjectNode describe(Throwable error) {
    ObjectNode found = object().put("kind", kind(error)).put("type", canonicalName(error));
    found.put("message", String.valueOf(error.getMessage()));
    if (error instanceof CallException call) {
      found.put("attempts", call.attempts()).put("request_id", call.requestId());
      found.put("outcome_unknown", call.outcomeUnknown());
    }
    if (error instanceof ApiException api) {
      found.put("code", api.code()).put("status", api.status()).put("retryable", api.retryable());
    }
    if (error instanceof TransportException transport) {
      found.put("transport", transport.kind().value());
    }
    if (error instanceof PreconditionFailedException failed) {
      putLong(found, "version", failed.version());
    }
    if (error instanceof TooLargeException large) {
      putLong(found, "limit", large.limit());
    }
    if (error instanceof LagExceededException behind) {
      putLong(found, "limit", behind.limit());
      putLong(found, "lag_ms", behind.lagMs());
    }
    if (error instanceof TooManyRequestsException busy) {
      busy.retryAfter().ifPresent(wait -> found.put("retry_after_ms", wait.toMillis()));
    }
    if (error instanceof InvalidUrnException invalid) {
      found.put("reason", invalid.reason().value()).put("position", invalid.position());
    }
    return found;
  }

  private static void putLong(ObjectNode node, String name, OptionalLong value) {
    node.put(name, value.isPresent() ? (Long) value.getAsLong() : null);
  }
}
