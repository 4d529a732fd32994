package dev.themisdb.client.core;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.themisdb.client.ConditionalRead;
import dev.themisdb.client.Entity;
import dev.themisdb.client.ReadOptions;
import dev.themisdb.client.Urn;
import dev.themisdb.client.VersionMatch;
import dev.themisdb.client.WriteOptions;
import dev.themisdb.client.WriteResult;
import dev.themisdb.client.errors.ConfigurationException;
import dev.themisdb.client.generated.Operation;
import dev.themisdb.client.placement.TokenTable;
import dev.themisdb.client.transport.Response;
import java.io.IOException;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Operations on one entity, as flows. */
public final class EntityFlows {

  /** A 404 of these codes means "no such entity"; any other is an error. */
  static final Set<String> ABSENT_CODES =
      Set.of("entity_not_found", "collection_not_found", "namespace_not_found");

  private static final String BEFORE_URN = Operation.GET_ENTITY.path().replace("{urn}", "");
  private static final String MERGE_PATCH = "application/merge-patch+json";
  private static final Set<Integer> READ_EXPECTED = Set.of(304, 404);
  private static final Set<Integer> DELETE_EXPECTED = Set.of(404);

  private EntityFlows() {}

  /**
   * The URN of a call on one entity.
   *
   * @param core the client's state
   * @param model the model
   * @param namespace the call's, null for the client's
   * @param collection the collection
   * @param uuid the uuid
   * @return the URN
   */
  public static Urn urn(
      Core core, String model, @Nullable String namespace, String collection, String uuid) {
    return Urn.of(model, core.namespace(namespace), collection, uuid);
  }

  /**
   * The document.
   *
   * @param core the client's state
   * @param urn whose
   * @param options the call's
   * @return empty when there is no such entity
   */
  public static Step<Optional<ObjectNode>> get(Core core, Urn urn, ReadOptions options) {
    return Course.perform(core, readCall(core, Operation.GET_ENTITY, urn, options))
        .map(answer -> isAbsent(answer) ? Optional.empty() : Optional.of(answer.document()));
  }

  /**
   * The document as an object.
   *
   * @param <T> the object's type
   * @param core the client's state
   * @param urn whose
   * @param type the object's type
   * @param options the call's
   * @return empty when there is no such entity
   */
  public static <T> Step<Optional<T>> get(Core core, Urn urn, Class<T> type, ReadOptions options) {
    return get(core, urn, options)
        .map(found -> found.map(document -> core.options.json().convert(document, type)));
  }

  /**
   * The document with its version.
   *
   * @param core the client's state
   * @param urn whose
   * @param options the call's
   * @return empty when there is no such entity
   */
  public static Step<Optional<Entity>> getEntity(Core core, Urn urn, ReadOptions options) {
    return Course.perform(core, readCall(core, Operation.GET_ENTITY, urn, options))
        .map(answer -> isAbsent(answer) ? Optional.empty() : Optional.of(entity(answer, urn)));
  }

  /**
   * The document with its version, unless it has one of those given.
   *
   * @param core the client's state
   * @param urn whose
   * @param versions those that need not be sent again
   * @param options the call's
   * @return what there is
   */
  public static Step<ConditionalRead> getEntityIfNoneMatch(
      Core core, Urn urn, VersionMatch versions, ReadOptions options) {
    Call call = readCall(core, Operation.GET_ENTITY, urn, options);
    call.headers.put("If-None-Match", versions.header());
    return Course.perform(core, call)
        .map(
            answer -> {
              if (answer.response().status() == 304) {
                return new ConditionalRead.NotModified();
              }
              return isAbsent(answer)
                  ? new ConditionalRead.Missing()
                  : new ConditionalRead.Changed(entity(answer, urn));
            });
  }

  /**
   * Whether there is such an entity.
   *
   * @param core the client's state
   * @param urn which
   * @param options the call's
   * @return true or false
   */
  public static Step<Boolean> exists(Core core, Urn urn, ReadOptions options) {
    return Course.perform(core, readCall(core, Operation.HEAD_ENTITY, urn, options))
        .map(
            answer -> {
              if (answer.response().status() != 404) {
                return true;
              }
              String code = answer.problemCode();
              // A node of an earlier release does not say why.
              if (!code.isEmpty() && !ABSENT_CODES.contains(code)) {
                throw answer.error();
              }
              return false;
            });
  }

  /**
   * Creates or replaces.
   *
   * @param core the client's state
   * @param urn what
   * @param document by what
   * @param options the call's
   * @return the write
   */
  public static Step<WriteResult> put(Core core, Urn urn, Object document, WriteOptions options) {
    byte[] body = core.options.json().encodeDocument(document);
    Call call = writeCall(core, Operation.PUT_ENTITY, urn, options);
    call.headers.put(Headers.CONTENT_TYPE, Headers.JSON);
    if (options.ifAbsent()) {
      call.headers.put("If-None-Match", "*");
    }
    call.body = body;
    return Course.perform(core, call)
        .map(answer -> written(answer, urn, answer.response().status() == 201));
  }

  /**
   * Merges changes into an existing entity (RFC 7396).
   *
   * @param core the client's state
   * @param urn which
   * @param changes the merge patch
   * @param options the call's
   * @return the write
   */
  public static Step<WriteResult> patch(Core core, Urn urn, Object changes, WriteOptions options) {
    noIfAbsent(options);
    byte[] body = core.options.json().encodeDocument(changes);
    Call call = writeCall(core, Operation.PATCH_ENTITY, urn, options);
    call.headers.put(Headers.CONTENT_TYPE, MERGE_PATCH);
    call.body = body;
    return Course.perform(core, call).map(answer -> written(answer, urn, false));
  }

  /**
   * Deletes.
   *
   * @param core the client's state
   * @param urn what
   * @param options the call's
   * @return empty when there was nothing to delete
   */
  public static Step<Optional<WriteResult>> delete(Core core, Urn urn, WriteOptions options) {
    noIfAbsent(options);
    Call call = writeCall(core, Operation.DELETE_ENTITY, urn, options);
    call.expected = DELETE_EXPECTED;
    return Course.perform(core, call)
        .map(
            answer ->
                isAbsent(answer) ? Optional.empty() : Optional.of(written(answer, urn, false)));
  }

  private static Call readCall(Core core, Operation operation, Urn urn, ReadOptions options) {
    String target = BEFORE_URN + urn.quoted();
    Freshness freshness = core.freshness(options.consistency(), options.maxLag());
    if (freshness.consistency() != null) {
      target = Targets.withQuery(target, freshness.parameters());
    }
    Call call = new Call(operation, target, core.timeoutNanos(options.timeout()));
    call.keyHash = TokenTable.keyHash(urn.uuid());
    call.expected = READ_EXPECTED;
    call.ofOneEntity = true;
    call.reads(freshness);
    return call;
  }

  private static Call writeCall(Core core, Operation operation, Urn urn, WriteOptions options) {
    String target = BEFORE_URN + urn.quoted();
    Call call = new Call(operation, target, core.timeoutNanos(options.timeout()));
    VersionMatch ifMatch = options.ifMatch();
    if (ifMatch != null) {
      call.headers.put("If-Match", ifMatch.header());
    }
    Headers.addKey(core, call.headers, options);
    call.keyHash = TokenTable.keyHash(urn.uuid());
    call.ofOneEntity = true;
    call.repeatable = call.headers.containsKey(Headers.IDEMPOTENCY_KEY);
    return call;
  }

  private static void noIfAbsent(WriteOptions options) {
    if (options.ifAbsent()) {
      throw new ConfigurationException("if_none_match goes with put only");
    }
  }

  private static boolean isAbsent(Answer answer) {
    if (answer.response().status() != 404) {
      if (answer.response().status() == 304) {
        throw answer.malformed("nothing was asked conditionally");
      }
      return false;
    }
    if (!ABSENT_CODES.contains(answer.problemCode())) {
      throw answer.error();
    }
    return true;
  }

  private static Entity entity(Answer answer, Urn urn) {
    long version = version(answer);
    ObjectNode document = answer.document();
    Response response = answer.response();
    String lag = response.header("themis-lag-ms");
    Long lagMs = lag != null && Lessons.isNumber(lag) ? Long.valueOf(lag) : null;
    String role = response.header(Lessons.ROLE);
    return new Entity(urn, version, document, role, lagMs, response.header(Lessons.NODE));
  }

  private static long version(Answer answer) {
    String tag = answer.response().header("etag");
    if (tag != null) {
      // A proxy that compresses makes a tag weak; it is the same version.
      OptionalLong version = VersionMatch.parseTag(tag.startsWith("W/") ? tag.substring(2) : tag);
      if (version.isPresent()) {
        return version.getAsLong();
      }
    }
    throw answer.malformed("its ETag is no version");
  }

  private static WriteResult written(Answer answer, Urn urn, boolean created) {
    JsonNode version;
    try {
      version = Json.decodeObject(answer.response().body()).path("version");
    } catch (IOException e) {
      throw answer.malformed("its body is no write result: " + e.getMessage());
    }
    boolean isVersion =
        version.isIntegralNumber()
            && version.canConvertToLong()
            && version.longValue() >= 1
            && version.longValue() <= VersionMatch.VERSION_MAX;
    if (!isVersion) {
      throw answer.malformed("its body is no write result: it has no version");
    }
    boolean replayed = "true".equals(answer.response().header("idempotency-replayed"));
    return new WriteResult(urn, version.longValue(), created, replayed);
  }
}
