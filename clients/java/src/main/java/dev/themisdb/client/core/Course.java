package dev.themisdb.client.core;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.themisdb.client.RetryPolicy;
import dev.themisdb.client.errors.ApiException;
import dev.themisdb.client.errors.CallException;
import dev.themisdb.client.errors.CallInterruptedException;
import dev.themisdb.client.errors.TimeoutException;
import dev.themisdb.client.errors.TransportException;
import dev.themisdb.client.hooks.RequestEnd;
import dev.themisdb.client.hooks.RequestRetry;
import dev.themisdb.client.hooks.RequestStart;
import dev.themisdb.client.transport.Endpoint;
import dev.themisdb.client.transport.Request;
import dev.themisdb.client.transport.Response;
import dev.themisdb.client.transport.TransportFailure;
import java.math.BigDecimal;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * One logical call: attempts, waits, redirects, and the end of patience. Shared by both clients,
 * free of I/O.
 *
 * <pre>
 * attempt
 *   ├─ no topology yet?      LoadTopology
 *   ├─ a lagging read?       says what the session has seen
 *   ├─ choose a node         router.choose: leader, near replica, or whoever is alive
 *   ├─ Send ───────────────▶ Response ──▶ expected? that is the answer
 *   │                         421: to the owner, at once      401: a new token, once, at once
 *   │                         retryable: wait (full jitter, Retry-After), budget, deadline, again
 *   └─ TransportFailure      the node is out; again if the request may be repeated
 * </pre>
 *
 * <p>A request <em>may be repeated</em> when it only reads, when it carries an idempotency key,
 * when it cannot have reached the server, or when the server says so. Anything else is given back
 * to the caller with {@code outcomeUnknown}.
 *
 * <p>Every answer teaches, see {@link Lessons}.
 */
final class Course {

  static final long TOPOLOGY_TIMEOUT_NANOS = 5_000_000_000L;

  private static final int REDIRECTS_MAX = 3;
  private static final List<String> RESERVED_HEADERS =
      List.of("authorization", "connection", "content-length", "host", "transfer-encoding");
  // What a proxy in front of a node answers by itself, without a problem document.
  private static final Set<Integer> GATEWAY_STATUSES = Set.of(429, 502, 503, 504);
  private static final String SHUTTING_DOWN = "shutting_down";
  // What a HEAD that is answered 503, and nothing more, is taken for.
  private static final String UNSAID = "session_not_reached";
  // Refusals that say something of the node asked, not of the shard: the next one may serve at
  // once.
  private static final Set<String> ABOUT_THE_NODE =
      Set.of(SHUTTING_DOWN, "not_ready", "node_unreachable", "stale_epoch", "lag_exceeded", UNSAID);
  // The replica asked is not where the read wants it; the leader is.
  private static final Set<String> BEHIND = Set.of("lag_exceeded", UNSAID);
  // After these the leaders are likely to be others than those known here.
  private static final Set<String> MOVING =
      Set.of(SHUTTING_DOWN, "no_leader", "node_unreachable", "stale_epoch");

  private final Core core;
  private final Call call;
  private final long deadline;
  private final String requestId = Core.newId();
  // Names are found in any case, so that what hooks add cannot stand beside what the SDK sends.
  private final Map<String, String> headers = new TreeMap<>(String.CASE_INSENSITIVE_ORDER);
  private final Set<Endpoint> asked = new HashSet<>();
  private String target;
  private boolean anyReplica;
  private int attempts;
  private int retries;
  private int redirects;
  private @Nullable Integer status;
  private @Nullable Endpoint endpoint;
  private @Nullable Endpoint redirect;
  private @Nullable Endpoint avoid;
  private boolean unknown;
  private boolean tokenRenewed;
  private boolean staleRetried;

  private Course(Core core, Call call, long began) {
    this.core = core;
    this.call = call;
    this.target = call.target;
    this.anyReplica = call.anyReplica;
    this.deadline = began + call.timeoutNanos;
  }

  /** Carries out one logical call; an expected answer, or a CallException. */
  static Step<Answer> perform(Core core, Call call) {
    long began = core.clock.getAsLong();
    Course course = new Course(core, call, began);
    core.options.budget().earn();
    if (core.hooks.isEmpty()) {
      course.fillHeaders();
      return course.attempt();
    }
    return Step.observed(
        () -> {
          course.tellStart();
          course.fillHeaders();
          return course.attempt();
        },
        error -> course.tellEnd(error, core.clock.getAsLong() - began));
  }

  private void fillHeaders() {
    // The transport and the token have the last word on these, whatever a hook says.
    headers.keySet().removeAll(RESERVED_HEADERS);
    headers.putAll(core.headers);
    headers.putAll(call.headers);
    headers.put("X-Request-Id", requestId);
  }

  private Step<Answer> attempt() {
    if (call.endpoint == null && core.router.wantsTopology()) {
      long patience = Math.min(remaining(), TOPOLOGY_TIMEOUT_NANOS);
      return Step.await(
          new Effect.LoadTopology(patience),
          (value, failure) -> {
            noInterruption(failure);
            return choose();
          });
    }
    return choose();
  }

  private Step<Answer> choose() {
    tellSession();
    Endpoint chosen = call.endpoint != null ? call.endpoint : redirect;
    Endpoint first = attempts == 0 && anyReplica ? call.first : null;
    if (chosen == null && first != null && !core.router.isOut(first)) {
      chosen = first;
    }
    if (chosen == null) {
      chosen = core.router.choose(call.keyHash, anyReplica, avoid);
    }
    redirect = null;
    avoid = null;
    endpoint = chosen;
    Endpoint node = chosen;
    if (core.tokenIsFetched && core.token == null) {
      return fetchToken(null, () -> send(node));
    }
    return send(node);
  }

  /**
   * Puts what the client has seen into the headers of a lagging read.
   *
   * <p>A session that is too large for a header is never cut: the read becomes a strong one, which
   * sees everything.
   */
  private void tellSession() {
    Session session = core.session;
    if (session == null || !call.freshness.anyReplica()) {
      return;
    }
    Long keyHash = call.keyHash;
    String shardId = keyHash != null && call.ofOneEntity ? core.router.shardOf(keyHash) : null;
    String seen = shardId == null ? session.token() : session.entryOf(shardId);
    boolean fits = seen.length() <= Session.BYTES_MAX;
    if (fits && !seen.isEmpty()) {
      headers.put(Session.HEADER, seen);
    } else {
      headers.remove(Session.HEADER);
    }
    target = fits ? call.target : call.freshness.strengthened(call.target);
    anyReplica &= fits;
  }

  private Step<Answer> fetchToken(@Nullable String stale, Supplier<Step<Answer>> next) {
    return Step.await(
        new Effect.FetchToken(stale, remaining()),
        (fetched, failure) -> {
          noInterruption(failure);
          core.token = Step.orThrow(fetched, failure).orElseThrow(() -> timedOut("", null));
          return next.get();
        });
  }

  private Step<Answer> send(Endpoint node) {
    String token = core.token;
    if (token != null) {
      headers.put("Authorization", "Bearer " + token);
    }
    long remaining = remaining();
    if (remaining <= 0) {
      throw timedOut("", null);
    }
    attempts++;
    status = null;
    String method = call.operation.method();
    Request request = new Request(method, node, target, headers, call.body);
    long allowed = Math.min(remaining, core.options.retry().attemptTimeout().toNanos());
    return Step.await(
        new Effect.Send(request, allowed),
        (response, failure) -> {
          if (response != null) {
            return answered(node, response, token);
          }
          if (failure instanceof TransportFailure lost) {
            return failed(node, lost);
          }
          unknown |= !call.operation.idempotent();
          noInterruption(failure);
          throw Step.unchecked(failure);
        });
  }

  private Step<Answer> failed(Endpoint node, TransportFailure failure) {
    asked.add(node);
    boolean poolWasBusy = failure.kind() == TransportFailure.Kind.TIMEOUT && !failure.sent();
    if (!failure.reused() && !poolWasBusy) {
      core.router.failed(node);
      core.refreshWanted.run();
    }
    unknown |= failure.sent() && !call.operation.idempotent();
    boolean repeatable = call.repeatable || !failure.sent();
    String reason = failure.kind().value();
    if (failure.reused() && repeatable && !staleRetried) {
      // The server had closed the idle connection: nobody failed, and the next connection is a new
      // one.
      staleRetried = true;
      tellRetry(reason, 0);
      return attempt();
    }
    return again(errorOf(node, failure), repeatable, reason, null);
  }

  private CallException errorOf(Endpoint target, TransportFailure failure) {
    String message = target.url() + ": " + failure.getMessage();
    TransportException.Kind kind =
        switch (failure.kind()) {
          case TIMEOUT -> null;
          case CONNECT -> TransportException.Kind.CONNECT;
          case LOST -> TransportException.Kind.LOST;
          case PROTOCOL -> TransportException.Kind.PROTOCOL;
        };
    // Connecting ends unreachable by a limit of its own; when the deadline was the nearer one, that
    // is what passed.
    boolean late = kind == TransportException.Kind.CONNECT && remaining() <= 0;
    if (kind == null || late) {
      return timedOut(message, failure);
    }
    return new TransportException(
        message, kind, target.url(), attempts, requestId, unknown, failure);
  }

  private Step<Answer> answered(Endpoint node, Response response, @Nullable String token) {
    int code = response.status();
    status = code;
    Lessons.learn(core, call, response);
    if (code < 300 || call.expected.contains(code)) {
      core.router.answered(node);
      boolean ofWrite = !call.operation.idempotent();
      return Step.done(new Answer(response, node, attempts, requestId, ofWrite));
    }
    ObjectNode problem = Answer.problem(response);
    if (problem.path("code").asText().equals(SHUTTING_DOWN)) {
      core.router.failed(node);
    } else {
      core.router.answered(node);
    }
    if (code == 401 && core.tokenIsFetched && !tokenRenewed) {
      tokenRenewed = true;
      return fetchToken(
          token,
          () -> {
            tellRetry("token_refresh", 0);
            return attempt();
          });
    }
    if (code == 421 && call.endpoint == null) {
      redirect = owner(problem);
      if (redirect != null) {
        tellRetry("wrong_shard", 0);
        return attempt();
      }
      long patience = Math.min(remaining(), TOPOLOGY_TIMEOUT_NANOS);
      return Step.await(
          new Effect.LoadTopology(patience),
          (value, failure) -> {
            noInterruption(failure);
            return refused(node, response, problem);
          });
    }
    return refused(node, response, problem);
  }

  /** What an error answer means: the error it is, and whether another attempt may follow. */
  private Step<Answer> refused(Endpoint node, Response response, ObjectNode problem) {
    int code = response.status();
    // What a header says names the problem, and says nothing of retries.
    boolean isProblem = !problem.isEmpty() && response.body().length > 0;
    JsonNode said = problem.path("retryable");
    boolean retryable =
        isProblem
            ? said.isBoolean() && said.booleanValue()
            : GATEWAY_STATUSES.contains(code) && call.repeatable;
    boolean certainlyNotDone = isProblem && (code == 503 || code == 507);
    if (!call.operation.idempotent() && code >= 500 && !certainlyNotDone) {
      unknown = true;
    }
    // A final refusal settles it: with a key, an earlier attempt that succeeded would have been
    // answered again.
    boolean stillUnknown = unknown && (retryable || code >= 500);
    ApiException error =
        ApiException.of(
            new ApiException.Facts(code, problem, retryable, attempts, requestId, stillUnknown));
    avoid = node;
    asked.add(node);
    // A HEAD that says nothing but its status, as a node of an earlier release answers it.
    boolean isUnsaid =
        code == 503 && call.operation.method().equals("HEAD") && error.code().isEmpty();
    String meaning = isUnsaid ? UNSAID : error.code();
    // A node that is alone has nobody else to tell of.
    if (MOVING.contains(meaning) && core.router.isCluster()) {
      core.refreshWanted.run();
    }
    anyReplica &= !BEHIND.contains(meaning);
    String reason = error.code().isEmpty() ? "status_" + code : error.code();
    Long retryAfter = RetryAfter.nanos(response.header("retry-after"), core.wallClock.get());
    if (ABOUT_THE_NODE.contains(meaning) && core.router.hasAnother(asked)) {
      // How long to wait is told to those who have nobody else to ask.
      retryAfter = null;
    }
    return again(error, retryable, reason, retryAfter);
  }

  /** Waits and goes on, or throws the error when there is to be no other attempt. */
  private Step<Answer> again(
      CallException error, boolean repeatable, String reason, @Nullable Long retryAfter) {
    if (!repeatable) {
      throw error;
    }
    RetryPolicy policy = core.options.retry();
    int retriesMax = call.retriesMax == null ? policy.retriesMax() : call.retriesMax;
    long remaining = remaining();
    if (retries >= retriesMax) {
      throw error;
    }
    retries++;
    long wait = waitNanos(core, retries, retryAfter);
    // Waiting only to find the deadline passed helps nobody: the caller learns now what it would
    // learn then.
    if (wait >= remaining || !core.options.budget().spend()) {
      throw error;
    }
    tellRetry(reason, wait);
    return Step.await(
        new Effect.Sleep(wait),
        (value, failure) -> {
          noInterruption(failure);
          Step.orThrow(value, failure);
          return attempt();
        });
  }

  /** The wait before a retry (from 1), never shorter than the server asked for. */
  static long waitNanos(Core core, int retry, @Nullable Long retryAfter) {
    RetryPolicy policy = core.options.retry();
    // 2^retry would be astronomical for a generous retriesMax; 32 doublings reach any cap.
    double cap =
        Math.min(
            (double) policy.backoffMax().toNanos(),
            policy.backoffBase().toNanos() * Math.pow(2, Math.min(retry - 1, 32)));
    long drawn = (long) (core.uniform.getAsDouble() * cap);
    return retryAfter == null ? drawn : Math.max(drawn, retryAfter);
  }

  /** Where a 421 points, unless it has pointed too often or nowhere. */
  private @Nullable Endpoint owner(ObjectNode problem) {
    JsonNode owner = problem.path("owner");
    if (redirects >= REDIRECTS_MAX || !owner.isTextual()) {
      return null;
    }
    Endpoint found;
    try {
      found = Endpoint.parse(owner.textValue());
    } catch (IllegalArgumentException e) {
      return null;
    }
    redirects++;
    core.refreshWanted.run();
    return found;
  }

  private long remaining() {
    return deadline - core.clock.getAsLong();
  }

  private TimeoutException timedOut(String detail, @Nullable Throwable cause) {
    String seconds = BigDecimal.valueOf(call.timeoutNanos, 9).stripTrailingZeros().toPlainString();
    String message = call.operation.operationId() + " was not answered in " + seconds + " s";
    return new TimeoutException(
        detail.isEmpty() ? message : message + " (" + detail + ")",
        attempts,
        requestId,
        unknown,
        cause);
  }

  private void noInterruption(@Nullable Throwable failure) {
    if (failure instanceof InterruptedException || failure instanceof Step.Interruption) {
      throw new CallInterruptedException(
          call.operation.operationId() + " was interrupted", attempts, requestId, unknown, failure);
    }
  }

  // Hooks

  private void tellStart() {
    // A map of its own: a hook may keep it, and the call's own headers hold the token.
    Map<String, String> propagated = new HashMap<>();
    core.hooks.start(
        new RequestStart(
            call.operation.operationId(),
            call.operation.method(),
            call.target,
            requestId,
            propagated));
    headers.putAll(propagated);
  }

  private void tellRetry(String reason, long waitNanos) {
    String asked = endpoint == null ? "" : endpoint.url();
    String operation = call.operation.operationId();
    HookList.LOGGER.log(
        System.Logger.Level.DEBUG,
        () ->
            operation
                + ": attempt "
                + attempts
                + " at "
                + asked
                + ": "
                + reason
                + "; again in "
                + waitNanos / 1_000_000
                + " ms [request "
                + requestId
                + "]");
    if (!core.hooks.isEmpty()) {
      core.hooks.retry(
          new RequestRetry(
              operation, requestId, asked, attempts, reason, status, Duration.ofNanos(waitNanos)));
    }
  }

  private void tellEnd(@Nullable Throwable error, long nanos) {
    core.hooks.end(
        new RequestEnd(
            call.operation.operationId(),
            requestId,
            endpoint == null ? "" : endpoint.url(),
            attempts,
            status,
            error,
            Duration.ofNanos(nanos)));
  }
}
