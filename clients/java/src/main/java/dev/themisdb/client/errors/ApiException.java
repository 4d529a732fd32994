package dev.themisdb.client.errors;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.Serializable;
import java.time.Duration;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * The server answered with an error.
 *
 * <p>{@link #code()} is the stable code (see {@link dev.themisdb.client.generated.ErrorCode}); the
 * subclasses stand for the codes and statuses that programs tell apart.
 */
public class ApiException extends CallException {

  private static final long serialVersionUID = 1L;

  /**
   * What is known about a call that the server refused.
   *
   * @param status the HTTP status
   * @param problem the problem document, empty when the answer was none
   * @param retryable whether the same request may succeed later
   * @param attempts how often the request was sent
   * @param requestId under which id it was sent
   * @param outcomeUnknown whether it is a write that may have happened all the same
   * @serial exclude
   */
  @SuppressWarnings("InvalidBlockTag") // javadoc wants @serial of records that are serializable
  public record Facts(
      int status,
      ObjectNode problem,
      boolean retryable,
      int attempts,
      String requestId,
      boolean outcomeUnknown)
      implements Serializable {

    String text(String member) {
      JsonNode value = problem.path(member);
      return value.isTextual() ? value.textValue() : "";
    }

    private String title() {
      String title = text("title");
      return title.isEmpty() ? "HTTP " + status : title;
    }

    private String reason() {
      String code = text("code");
      String detail = text("detail");
      return status
          + " "
          + (code.isEmpty() ? title() : code)
          + ": "
          + (detail.isEmpty() ? title() : detail);
    }

    private String knownRequestId() {
      String said = text("request_id");
      return said.isEmpty() ? requestId : said;
    }
  }

  /** What is known. */
  private final Facts facts;

  /**
   * Made by the client from a problem document.
   *
   * @param facts what is known about the failed call
   */
  protected ApiException(Facts facts) {
    super(facts.reason(), facts.attempts, facts.knownRequestId(), facts.outcomeUnknown, null);
    this.facts = facts;
  }

  /**
   * Makes the exception of the right class for a problem document, which may come from a proxy and
   * be anything.
   *
   * @param facts what is known about the failed call
   * @return the exception, not thrown
   */
  public static ApiException of(Facts facts) {
    return ApiExceptions.of(facts);
  }

  /**
   * The stable code.
   *
   * @return as {@link dev.themisdb.client.generated.ErrorCode} lists them, "" when the answer was
   *     no problem document
   */
  public final String code() {
    return facts.text("code");
  }

  /**
   * The HTTP status.
   *
   * @return 400 or more, except for answers that should not be
   */
  public final int status() {
    return facts.status;
  }

  /**
   * The short name of the code.
   *
   * @return for people
   */
  public final String title() {
    return facts.title();
  }

  /**
   * What happened this time.
   *
   * @return for people, maybe ""
   */
  public final String detail() {
    return facts.text("detail");
  }

  /**
   * Whether the same request may succeed later. The client has already tried as often as it may.
   *
   * @return what the server says
   */
  public final boolean retryable() {
    return facts.retryable;
  }

  /**
   * The whole problem document: position, pointer, limit, allowed, ... as the code has them.
   *
   * @return a copy
   */
  public final ObjectNode problem() {
    return facts.problem.deepCopy();
  }

  /**
   * A member of the problem document that is an integer.
   *
   * @param member its name
   * @return its value, empty when it is missing or no integer
   */
  protected final OptionalLong integer(String member) {
    JsonNode value = facts.problem.path(member);
    return value.isIntegralNumber() && value.canConvertToLong()
        ? OptionalLong.of(value.longValue())
        : OptionalLong.empty();
  }

  /**
   * A member of the problem document that is a text.
   *
   * @param member its name
   * @return its value, empty when it is missing or no text
   */
  protected final Optional<String> text(String member) {
    JsonNode value = facts.problem.path(member);
    return value.isTextual() ? Optional.of(value.textValue()) : Optional.empty();
  }

  /**
   * A member of the problem document that is a number of seconds.
   *
   * @param member its name
   * @return its value, empty when it is missing or no number
   */
  protected final Optional<Duration> seconds(String member) {
    JsonNode value = facts.problem.path(member);
    return value.isNumber()
        ? Optional.of(Duration.ofNanos((long) (value.doubleValue() * 1e9)))
        : Optional.empty();
  }

  /**
   * The problem document of an answer that had none.
   *
   * @return an empty object
   */
  public static ObjectNode noProblem() {
    return JsonNodeFactory.instance.objectNode();
  }
}
