package dev.themisdb.adapter;

import com.fasterxml.jackson.databind.JsonNode;
import dev.themisdb.client.ClientBuilder;
import dev.themisdb.client.Consistency;
import dev.themisdb.client.RetryBudget;
import dev.themisdb.client.RetryPolicy;
import dev.themisdb.client.transport.TlsOptions;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.StreamSupport;

/** The options of createClient, as those of themis-java. */
final class ClientOptions {

  private ClientOptions() {}

  static <C> ClientBuilder<C> apply(
      ClientBuilder<C> builder, JsonNode options, Recorder recorder) {
    for (Map.Entry<String, JsonNode> option : options.properties()) {
      set(builder, option.getKey(), option.getValue(), recorder);
    }
    return builder;
  }

  private static void set(
      ClientBuilder<?> builder, String name, JsonNode value, Recorder recorder) {
    switch (name) {
      case "endpoints" -> builder.endpoints(texts(value));
      case "namespace" -> builder.namespace(value.textValue());
      case "user_agent" -> builder.userAgent(value.textValue());
      case "timeout_ms" -> builder.timeout(millis(value));
      case "connect_timeout_ms" -> builder.connectTimeout(millis(value));
      case "refresh_interval_ms" -> builder.refreshInterval(millis(value));
      case "max_retries" -> builder.maxRetries(value.intValue());
      case "retry" -> builder.retry(retry(value));
      case "retry_budget" ->
          builder.retryBudget(
              new RetryBudget(
                  value.path("ratio").asDouble(0.2), value.path("reserve").asDouble(20)));
      case "idempotency_keys" -> builder.idempotencyKeys(value.booleanValue());
      case "parallel" -> builder.parallel(value.intValue());
      case "pool_size" -> builder.poolSize(value.intValue());
      case "consistency" -> builder.consistency(Consistency.of(value.textValue()));
      case "max_lag_ms" -> builder.maxLag(Duration.ofMillis(value.longValue()));
      case "datacenter" -> builder.datacenter(value.textValue());
      case "rack" -> builder.rack(value.textValue());
      case "sessions" -> builder.sessions(value.booleanValue());
      case "token" -> builder.token(value.textValue());
      case "token_sequence" -> tokenSequence(builder, texts(value));
      case "tls" -> builder.tls(tls(value));
      case "record_hooks" -> {
        if (value.booleanValue()) {
          builder.hooks(recorder);
        }
      }
      case "failing_hooks" -> {
        if (value.booleanValue()) {
          builder.hooks(new FailingHooks());
        }
      }
      case "exact_integers" -> {
        // they always are
      }
      default -> throw new Unsupported("the option " + name);
    }
  }

  private static void tokenSequence(ClientBuilder<?> builder, List<String> tokens) {
    AtomicInteger asked = new AtomicInteger();
    builder.token(() -> tokens.get(Math.min(asked.getAndIncrement(), tokens.size() - 1)));
  }

  private static RetryPolicy retry(JsonNode value) {
    RetryPolicy policy = RetryPolicy.DEFAULT;
    for (Map.Entry<String, JsonNode> member : value.properties()) {
      JsonNode given = member.getValue();
      policy =
          switch (member.getKey()) {
            case "retries_max" -> policy.withRetriesMax(given.intValue());
            case "backoff_base_ms" -> policy.withBackoff(millis(given), policy.backoffMax());
            case "backoff_max_ms" -> policy.withBackoff(policy.backoffBase(), millis(given));
            case "attempt_timeout_ms" -> policy.withAttemptTimeout(millis(given));
            default -> throw new Unsupported("the retry option " + member.getKey());
          };
    }
    return policy;
  }

  private static TlsOptions tls(JsonNode value) {
    for (Map.Entry<String, JsonNode> member : value.properties()) {
      if (!List.of("ca_file", "cert_file", "key_file").contains(member.getKey())) {
        throw new Unsupported("the TLS option " + member.getKey());
      }
    }
    return new TlsOptions(
        path(value, "ca_file"), path(value, "cert_file"), path(value, "key_file"), null, true);
  }

  private static Path path(JsonNode value, String name) {
    return value.hasNonNull(name) ? Path.of(value.get(name).textValue()) : null;
  }

  private static Duration millis(JsonNode value) {
    return Duration.ofNanos((long) (value.doubleValue() * 1e6));
  }

  private static List<String> texts(JsonNode value) {
    return StreamSupport.stream(value.spliterator(), false).map(JsonNode::textValue).toList();
  }
}
