package dev.themisdb.client.core;

import dev.themisdb.client.RetryBudget;
import dev.themisdb.client.RetryPolicy;
import dev.themisdb.client.errors.ConfigurationException;
import dev.themisdb.client.hooks.Hooks;
import dev.themisdb.client.transport.Endpoint;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletionStage;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * What both clients are made from; refuses what cannot work.
 *
 * @param endpoints at least one
 * @param namespace of calls that name none
 * @param timeout for a call
 * @param retry the retry policy
 * @param budget the retry budget
 * @param hooks who is told
 * @param token a fixed bearer token
 * @param tokenSource what fetches one
 * @param idempotencyKeys whether writes get a key of their own
 * @param refreshInterval between refreshes of the topology
 * @param userAgent the header
 * @param parallel requests of one batch in flight at once
 * @param json the codec
 * @param freshness of reads that say nothing
 * @param nearness where the client is
 * @param sessions whether lagging reads see what the client has seen
 */
public record Options(
    List<Endpoint> endpoints,
    String namespace,
    Duration timeout,
    RetryPolicy retry,
    RetryBudget budget,
    List<Hooks> hooks,
    @Nullable String token,
    @Nullable Supplier<? extends CompletionStage<String>> tokenSource,
    boolean idempotencyKeys,
    Duration refreshInterval,
    String userAgent,
    int parallel,
    Json json,
    Freshness freshness,
    Nearness nearness,
    boolean sessions) {

  /**
   * Checks the parts; throws ConfigurationException.
   *
   * @param endpoints at least one
   * @param namespace of calls that name none
   * @param timeout for a call
   * @param retry the retry policy
   * @param budget the retry budget
   * @param hooks who is told
   * @param token a fixed bearer token
   * @param tokenSource what fetches one
   * @param idempotencyKeys whether writes get a key of their own
   * @param refreshInterval between refreshes of the topology
   * @param userAgent the header
   * @param parallel requests of one batch in flight at once
   * @param json the codec
   * @param freshness of reads that say nothing
   * @param nearness where the client is
   * @param sessions whether lagging reads see what the client has seen
   */
  public Options {
    endpoints = List.copyOf(endpoints);
    hooks = List.copyOf(hooks);
    if (endpoints.isEmpty()) {
      throw new ConfigurationException(
          "at least one endpoint is needed, such as 'http://127.0.0.1:8080'");
    }
    Checks.name(namespace, "namespace");
    Checks.timeout(timeout);
    Checks.positive(refreshInterval, "refresh_interval");
    Checks.headerValue(userAgent, "user_agent");
    if (parallel < 1) {
      throw new ConfigurationException("parallel is 1 or more");
    }
    if (token != null) {
      Checks.token(token);
    }
    if (token != null && tokenSource != null) {
      throw new ConfigurationException("a token, or what fetches one: not both");
    }
  }

  @Override
  public String toString() {
    return "Options[" + endpoints + ", namespace " + namespace + "]";
  }
}
