package dev.themisdb.client.core;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.themisdb.client.BatchFailure;
import dev.themisdb.client.Urn;
import dev.themisdb.client.errors.ApiException;
import dev.themisdb.client.errors.ThemisException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The items of one logical batch: on their way, and what has become of each so far. */
final class BatchItems {

  /** One item on its way: its place, its name, and its piece of the request's JSON. */
  @SuppressWarnings("ArrayRecordComponent") // compared by nobody
  record Item(int index, Urn urn, long hash, byte[] encoded) {}

  /** What became of an item. */
  sealed interface Outcome {}

  /** The server did it. */
  record Success(long version, @Nullable ObjectNode doc) implements Outcome {}

  /** The server refused it; the problem has at least code, status and retryable. */
  record Refusal(String code, boolean retryable, ObjectNode problem) implements Outcome {}

  /** It has neither a result nor an error, or never got an answer. */
  record Nothing() implements Outcome {}

  /** It could not be sent, or its request failed. */
  record Failure(ThemisException error) implements Outcome {}

  private static final int NO_STATUS = 200;

  private final Outcome[] outcomes;
  private final @Nullable Answer[] answers;

  BatchItems(int asked) {
    outcomes = new Outcome[asked];
    Arrays.fill(outcomes, new Nothing());
    answers = new Answer[asked];
  }

  void note(int index, Outcome outcome, @Nullable Answer answer) {
    outcomes[index] = outcome;
    answers[index] = answer;
  }

  Outcome outcome(int index) {
    return outcomes[index];
  }

  /** The error code of the server for an item, "" if there is none. */
  String code(int index) {
    return outcomes[index] instanceof Refusal refusal ? refusal.code : "";
  }

  /** The longest wait that the server asked for, for these items; null if for none. */
  @Nullable Long retryAfterNanos(List<Item> items) {
    Long found = null;
    for (Item item : items) {
      if (outcomes[item.index] instanceof Refusal refusal) {
        JsonNode asked = refusal.problem.path("retry_after_s");
        if (asked.isNumber()) {
          long nanos = RetryAfter.ofSeconds(asked.doubleValue());
          found = found == null ? nanos : Math.max(found, nanos);
        }
      }
    }
    return found;
  }

  /** An item that did not succeed, as the caller sees it. */
  BatchFailure failure(int index, String name) {
    Outcome outcome = outcomes[index];
    if (outcome instanceof Failure failure) {
      return new BatchFailure(index, name, failure.error);
    }
    Answer answer = answers[index];
    int attempts = answer == null ? 0 : answer.attempts();
    String requestId = answer == null ? "-" : answer.requestId();
    ObjectNode problem;
    int status = NO_STATUS;
    boolean retryable = false;
    if (outcome instanceof Refusal refusal) {
      problem = refusal.problem;
      status = problem.path("status").intValue();
      retryable = refusal.retryable;
    } else {
      problem = ApiException.noProblem();
      problem.put("title", "Malformed item");
      problem.put("detail", "the item has neither a result nor an error");
    }
    return new BatchFailure(
        index,
        name,
        ApiException.of(
            new ApiException.Facts(status, problem, retryable, attempts, requestId, false)));
  }

  /** The outcomes of an answer; throws TransportException when it is no answer to a batch. */
  static List<Outcome> read(Answer answer, int expected) {
    List<Outcome> found = new ArrayList<>(expected);
    try {
      JsonNode items = Json.decodeObject(answer.response().body()).path("items");
      if (!items.isArray()) {
        throw new IOException("it has no items");
      }
      for (JsonNode item : items) {
        found.add(read(item));
      }
    } catch (IOException e) {
      throw answer.malformed("its body is no batch answer: " + e.getMessage());
    }
    if (found.size() != expected) {
      throw answer.malformed("it has " + found.size() + " items instead of " + expected);
    }
    return found;
  }

  private static Outcome read(JsonNode item) throws IOException {
    if (!item.path("urn").isTextual()) {
      throw new IOException("an item has no URN");
    }
    JsonNode error = item.path("error");
    if (error instanceof ObjectNode problem) {
      return refusal(problem);
    }
    JsonNode version = item.path("version");
    JsonNode doc = item.path("doc");
    if (!isAbsent(error) || !(isAbsent(version) || isVersion(version)) || !isAbsentOrObject(doc)) {
      throw new IOException("an item has members of the wrong type");
    }
    return isAbsent(version)
        ? new Nothing()
        : new Success(version.longValue(), doc instanceof ObjectNode object ? object : null);
  }

  private static Refusal refusal(ObjectNode problem) throws IOException {
    JsonNode code = problem.path("code");
    JsonNode status = problem.path("status");
    JsonNode retryable = problem.path("retryable");
    boolean texts = problem.path("title").isTextual() && problem.path("detail").isTextual();
    if (!code.isTextual() || !status.canConvertToInt() || !retryable.isBoolean() || !texts) {
      throw new IOException("an item has an error that is none");
    }
    return new Refusal(code.textValue(), retryable.booleanValue(), problem);
  }

  private static boolean isVersion(JsonNode value) {
    return value.isIntegralNumber() && value.canConvertToLong();
  }

  private static boolean isAbsent(JsonNode value) {
    return value.isMissingNode() || value.isNull();
  }

  private static boolean isAbsentOrObject(JsonNode value) {
    return isAbsent(value) || value.isObject();
  }
}
