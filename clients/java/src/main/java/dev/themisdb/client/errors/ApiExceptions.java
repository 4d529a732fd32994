package dev.themisdb.client.errors;

import dev.themisdb.client.errors.ApiException.Facts;
import java.util.Map;
import java.util.function.Function;

/** Which class stands for which code and status. */
final class ApiExceptions {

  private static final Map<String, Function<Facts, ApiException>> BY_CODE =
      Map.of(
          "entity_not_found", EntityNotFoundException::new,
          "namespace_not_found", NamespaceNotFoundException::new,
          "collection_not_found", CollectionNotFoundException::new,
          "namespace_exists", AlreadyExistsException::new,
          "collection_exists", AlreadyExistsException::new,
          "collection_model_mismatch", ModelMismatchException::new,
          "namespace_not_empty", NamespaceNotEmptyException::new,
          "lag_exceeded", LagExceededException::new,
          "session_not_reached", SessionNotReachedException::new,
          "outcome_unknown", OutcomeUnknownException::new);

  private static final Map<Integer, Function<Facts, ApiException>> BY_STATUS =
      Map.ofEntries(
          Map.entry(401, UnauthorizedException::new),
          Map.entry(403, ForbiddenException::new),
          Map.entry(404, NotFoundException::new),
          Map.entry(409, ConflictException::new),
          Map.entry(412, PreconditionFailedException::new),
          Map.entry(413, TooLargeException::new),
          Map.entry(421, WrongShardException::new),
          Map.entry(422, IdempotencyKeyReusedException::new),
          Map.entry(429, TooManyRequestsException::new),
          Map.entry(503, UnavailableException::new),
          Map.entry(507, DiskFullException::new));

  private ApiExceptions() {}

  static ApiException of(Facts facts) {
    String code = facts.text("code");
    if (code.equals("outcome_unknown") && !facts.outcomeUnknown()) {
      return of(
          new Facts(
              facts.status(),
              facts.problem(),
              facts.retryable(),
              facts.attempts(),
              facts.requestId(),
              true));
    }
    Function<Facts, ApiException> kind = BY_CODE.get(code);
    if (kind == null) {
      kind = BY_STATUS.get(facts.status());
    }
    if (kind == null && facts.status() >= 400) {
      kind = facts.status() >= 500 ? ServerException::new : BadRequestException::new;
    }
    return kind == null ? new ApiException(facts) : kind.apply(facts);
  }
}
