package dev.themisdb.client.errors;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.themisdb.client.generated.ErrorCode;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.time.Duration;
import java.util.Optional;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class ApiExceptionTest {

  private static ApiException error(int status, ObjectNode problem) {
    return ApiException.of(new ApiException.Facts(status, problem, false, 2, "r1", false));
  }

  private static ObjectNode problem(String code) {
    return JsonNodeFactory.instance.objectNode().put("code", code).put("title", "T");
  }

  @ParameterizedTest
  @EnumSource(ErrorCode.class)
  void everyCodeOfTheServerHasAClassOfItsOwnOrOfItsStatus(ErrorCode code) {
    ApiException error = error(code.status(), problem(code.code()));
    assertEquals(code.code(), error.code());
    assertEquals(code.status(), error.status());
    assertTrue(error.getClass() != ApiException.class, error.toString());
    assertEquals(code.status() >= 500, error instanceof ServerException);
  }

  @Test
  void codesAreMoreThanStatuses() {
    assertInstanceOf(EntityNotFoundException.class, error(404, problem("entity_not_found")));
    assertEquals(NotFoundException.class, error(404, problem("route_not_found")).getClass());
    assertInstanceOf(AlreadyExistsException.class, error(409, problem("namespace_exists")));
    assertInstanceOf(LagExceededException.class, error(503, problem("lag_exceeded")));
    assertInstanceOf(SessionNotReachedException.class, error(503, problem("session_not_reached")));
    assertEquals(NotFoundException.class, error(404, problem("node_not_found")).getClass());
    assertEquals(ConflictException.class, error(409, problem("node_in_use")).getClass());
    assertEquals(UnavailableException.class, error(503, problem("stale_epoch")).getClass());
    assertTrue(error(504, problem("outcome_unknown")).outcomeUnknown());
  }

  @Test
  void membersAreReadWhereTheyAreWhatTheyShouldBe() {
    ObjectNode failed = problem("precondition_failed").put("version", 7);
    var precondition = (PreconditionFailedException) error(412, failed);
    assertEquals(OptionalLong.of(7), precondition.version());
    failed.putNull("version");
    assertEquals(
        OptionalLong.empty(), ((PreconditionFailedException) error(412, failed)).version());
    ObjectNode busy = problem("too_many_requests").put("retry_after_s", 2);
    assertEquals(
        Optional.of(Duration.ofSeconds(2)),
        ((TooManyRequestsException) error(429, busy)).retryAfter());
    ObjectNode moved = problem("wrong_shard").put("owner", 5);
    assertEquals(Optional.empty(), ((WrongShardException) error(421, moved)).owner());
  }

  @Test
  void aProxysAnswerIsAnErrorToo() {
    ApiException error = error(502, ApiException.noProblem());
    assertEquals(ServerException.class, error.getClass());
    assertEquals("", error.code());
    assertFalse(error.retryable());
    assertEquals("502 HTTP 502: HTTP 502 [2 attempts, request r1]", error.getMessage());
  }

  @Test
  void theServersRequestIdIsTheOneToTell() {
    assertEquals("s9", error(500, problem("internal").put("request_id", "s9")).requestId());
  }

  @Test
  void errorsCanBeSerialized() throws Exception {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (ObjectOutputStream out = new ObjectOutputStream(bytes)) {
      out.writeObject(
          new IllegalStateException(error(412, problem("precondition_failed").put("version", 7))));
    }
    try (ObjectInputStream in =
        new ObjectInputStream(new ByteArrayInputStream(bytes.toByteArray()))) {
      var read = (Throwable) in.readObject();
      assertEquals(OptionalLong.of(7), ((PreconditionFailedException) read.getCause()).version());
    }
  }
}
