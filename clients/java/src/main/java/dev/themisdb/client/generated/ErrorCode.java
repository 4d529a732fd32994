// Generated from spec/ by `python -m tools.codegen`: do not edit.

package dev.themisdb.client.generated;

import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** The stable error codes, which programs may switch on. */
public enum ErrorCode {
  /**
   * 400: The bytes received are not an HTTP request this server can interpret.
   *
   * <p>What to do: Correct the client or the proxy in between; the connection is closed after this
   * answer.
   */
  BAD_REQUEST("bad_request", 400, "Bad request", Retryable.NO, false),

  /**
   * 400: The text given is not a ThemisDB URN. {@code position} is the offset of the first
   * character that breaks the grammar.
   *
   * <p>What to do: Build URNs with the SDK's Urn type; the form is
   * urn:themis:{model}:{namespace}:{collection}:{uuid}.
   */
  INVALID_URN("invalid_urn", 400, "Invalid URN", Retryable.NO, false),

  /**
   * 400: The body is not JSON (RFC 8259) in UTF-8. {@code position} is the byte offset where
   * parsing stopped.
   *
   * <p>What to do: Send what a JSON library produced, with allow_nan or its like switched off.
   */
  INVALID_JSON("invalid_json", 400, "Invalid JSON", Retryable.NO, false),

  /**
   * 400: The body is JSON, but not of the shape this operation takes. {@code pointer} names the
   * place (RFC 6901).
   *
   * <p>What to do: Compare the body with the operation's request schema.
   */
  INVALID_BODY("invalid_body", 400, "Invalid body", Retryable.NO, false),

  /**
   * 400: A path or query parameter has a value outside its type, range or set. {@code parameter}
   * names it.
   *
   * <p>What to do: Correct the parameter; {@code allowed} lists the values where there is a closed
   * set.
   */
  INVALID_PARAMETER("invalid_parameter", 400, "Invalid parameter", Retryable.NO, false),

  /**
   * 400: A request header that the operation interprets has a value it cannot read. {@code
   * parameter} names the header.
   *
   * <p>What to do: Send the ETag exactly as it was received, quotes included.
   */
  INVALID_HEADER("invalid_header", 400, "Invalid header", Retryable.NO, false),

  /**
   * 400: The cursor was not issued by this cluster for this listing, or was altered.
   *
   * <p>What to do: Start the listing again without a cursor. A cursor never expires by time.
   */
  INVALID_CURSOR("invalid_cursor", 400, "Invalid cursor", Retryable.NO, false),

  /**
   * 400: A document or a merge patch must be a JSON object at its top level.
   *
   * <p>What to do: Wrap the value: {"value": [1, 2, 3]}.
   */
  DOCUMENT_NOT_OBJECT("document_not_object", 400, "Document is not an object", Retryable.NO, false),

  /**
   * 400: The top-level names {@code _key}, {@code _id} and {@code _rev} belong to ThemisDB and
   * cannot be stored. {@code pointer} names the one found.
   *
   * <p>What to do: Drop these members before writing; the key is in the URN and the revision in the
   * ETag.
   */
  RESERVED_ATTRIBUTE("reserved_attribute", 400, "Reserved attribute", Retryable.NO, false),

  /**
   * 400: An integer in the document fits neither int64 nor uint64 (-2^63 .. 2^64-1) and would lose
   * digits.
   *
   * <p>What to do: Send it as a string.
   */
  INTEGER_OUT_OF_RANGE("integer_out_of_range", 400, "Integer out of range", Retryable.NO, false),

  /**
   * 400: Objects and arrays are nested deeper than {@code limit} levels (64 by default).
   *
   * <p>What to do: Flatten the document, or store the tree as a graph.
   */
  JSON_TOO_DEEP("json_too_deep", 400, "JSON nested too deeply", Retryable.NO, false),

  /**
   * 400: An object has the same member twice, and the server runs with limits.strict_json.
   *
   * <p>What to do: Send each member once.
   */
  DUPLICATE_KEY("duplicate_key", 400, "Duplicate key", Retryable.NO, false),

  /**
   * 404: No operation has this path.
   *
   * <p>What to do: Compare the path with /openapi.json of this server.
   */
  ROUTE_NOT_FOUND("route_not_found", 404, "Route not found", Retryable.NO, false),

  /**
   * 404: There is no entity with this URN now.
   *
   * <p>What to do: Nothing, if absence is an expected answer; the SDKs return none.
   */
  ENTITY_NOT_FOUND("entity_not_found", 404, "Entity not found", Retryable.NO, false),

  /**
   * 404: There is no namespace of this name.
   *
   * <p>What to do: Create it with createNamespace.
   */
  NAMESPACE_NOT_FOUND("namespace_not_found", 404, "Namespace not found", Retryable.NO, false),

  /**
   * 404: There is no collection of this name in the namespace.
   *
   * <p>What to do: Create it with createCollection, or switch auto_create_collections on.
   */
  COLLECTION_NOT_FOUND("collection_not_found", 404, "Collection not found", Retryable.NO, false),

  /**
   * 404: The cluster has no node of this id.
   *
   * <p>What to do: Compare with adminNodes ({@code themis-admin nodes}).
   */
  NODE_NOT_FOUND("node_not_found", 404, "Node not found", Retryable.NO, false),

  /**
   * 404: The topology has no shard of this id.
   *
   * <p>What to do: Compare with adminShards ({@code themis-admin shards}).
   */
  SHARD_NOT_FOUND("shard_not_found", 404, "Shard not found", Retryable.NO, false),

  /**
   * 404: There is no join token of this id, or none any more.
   *
   * <p>What to do: Nothing, if it was to be revoked; adminJoinTokens lists those there are.
   */
  JOIN_TOKEN_NOT_FOUND("join_token_not_found", 404, "Join token not found", Retryable.NO, false),

  /**
   * 405: The path exists, but not with this method. {@code allowed} and the Allow header list those
   * it has.
   *
   * <p>What to do: Use one of the allowed methods.
   */
  METHOD_NOT_ALLOWED("method_not_allowed", 405, "Method not allowed", Retryable.NO, false),

  /**
   * 408: The request did not arrive completely in time; it was not carried out.
   *
   * <p>What to do: Send it again on a new connection; the server closes this one.
   */
  REQUEST_TIMEOUT("request_timeout", 408, "Request timed out", Retryable.YES, false),

  /**
   * 409: A namespace of this name exists already.
   *
   * <p>What to do: Use it as it is, or change its options with alterNamespace.
   */
  NAMESPACE_EXISTS("namespace_exists", 409, "Namespace exists", Retryable.NO, false),

  /**
   * 409: A collection of this name and this model exists already in the namespace.
   *
   * <p>What to do: Use it as it is, or change its options with alterCollection.
   */
  COLLECTION_EXISTS("collection_exists", 409, "Collection exists", Retryable.NO, false),

  /**
   * 409: The collection exists with another model than the one in the URN or the request; {@code
   * expected} is the model it has.
   *
   * <p>What to do: Use the model that {@code expected} names, or another collection.
   */
  COLLECTION_MODEL_MISMATCH(
      "collection_model_mismatch", 409, "Collection has another model", Retryable.NO, false),

  /**
   * 409: The namespace still has collections, and the request did not say force=true.
   *
   * <p>What to do: Drop its collections first, or repeat the request with force=true.
   */
  NAMESPACE_NOT_EMPTY("namespace_not_empty", 409, "Namespace is not empty", Retryable.NO, false),

  /**
   * 409: The catalogue changed between reading and writing it, more often than the server was
   * willing to repeat.
   *
   * <p>What to do: Send the request again.
   */
  METADATA_CONFLICT(
      "metadata_conflict", 409, "Concurrent change of the catalogue", Retryable.YES, false),

  /**
   * 409: The topology changed between reading and writing it, more often than the server was
   * willing to repeat. Nothing was changed.
   *
   * <p>What to do: Look at the topology, and send the request again if it is still wanted.
   */
  TOPOLOGY_CONFLICT(
      "topology_conflict", 409, "Concurrent change of the topology", Retryable.YES, false),

  /**
   * 409: A replica cannot be placed as the request wants; {@code detail} says why. Nothing was
   * changed.
   *
   * <p>What to do: Choose another node, or add one first; adminShard shows where the replicas are.
   */
  PLACEMENT_REFUSED("placement_refused", 409, "Placement refused", Retryable.NO, false),

  /**
   * 409: The node cannot be drained or removed, for it holds what no other node would have; {@code
   * detail} says what. Nothing was changed.
   *
   * <p>What to do: Add a node, drain this one, and remove it when it holds no replica; force=true
   * only for a node that will never come back.
   */
  NODE_IN_USE("node_in_use", 409, "Node is in use", Retryable.NO, false),

  /**
   * 409: The leader cannot be moved to this node, or did not move in time; {@code detail} says why.
   * It is where it was, or where the shard has since put it.
   *
   * <p>What to do: Choose another voter, which adminShard lists; or wait until the change is over.
   */
  TRANSFER_REFUSED("transfer_refused", 409, "Transfer of the leader refused", Retryable.NO, false),

  /**
   * 412: If-Match or If-None-Match did not hold when the write was applied. {@code version} is the
   * current version, null if there is no entity.
   *
   * <p>What to do: Read the entity again, decide again, and write with the new version.
   */
  PRECONDITION_FAILED("precondition_failed", 412, "Precondition failed", Retryable.NO, false),

  /**
   * 413: The body is larger than {@code limit} bytes. The server stopped reading it and closes the
   * connection.
   *
   * <p>What to do: Split the batch; move large content out of the document.
   */
  BODY_TOO_LARGE("body_too_large", 413, "Body too large", Retryable.NO, false),

  /**
   * 413: The batch has more than {@code limit} items (10,000 by default). Nothing of it was carried
   * out.
   *
   * <p>What to do: Split it; the SDKs do it by themselves.
   */
  TOO_MANY_ITEMS("too_many_items", 413, "Too many items", Retryable.NO, false),

  /**
   * 413: The document, or the document that a merge patch would result in, is larger than {@code
   * limit} bytes.
   *
   * <p>What to do: Split the document into several entities.
   */
  DOCUMENT_TOO_LARGE("document_too_large", 413, "Document too large", Retryable.NO, false),

  /**
   * 413: The answer reached its size limit (32 MiB by default) before this item; the item was not
   * read.
   *
   * <p>What to do: Ask for the items that have this error again, in a batch of their own.
   */
  BATCH_RESPONSE_LIMIT("batch_response_limit", 413, "Batch answer is full", Retryable.YES, true),

  /**
   * 414: The request target is longer than {@code limit} bytes.
   *
   * <p>What to do: Correct the client.
   */
  URI_TOO_LONG("uri_too_long", 414, "URI too long", Retryable.NO, false),

  /**
   * 415: The operation does not take a body of this Content-Type; {@code allowed} lists those it
   * takes.
   *
   * <p>What to do: Send Content-Type: application/json.
   */
  UNSUPPORTED_MEDIA_TYPE(
      "unsupported_media_type", 415, "Unsupported media type", Retryable.NO, false),

  /**
   * 415: Request bodies must not be compressed.
   *
   * <p>What to do: Send the body as it is, without Content-Encoding.
   */
  CONTENT_ENCODING_UNSUPPORTED(
      "content_encoding_unsupported", 415, "Content encoding not supported", Retryable.NO, false),

  /**
   * 421: The node does not own the key any more and may not forward again; {@code owner} is the
   * endpoint to ask and {@code epoch} the topology that says so.
   *
   * <p>What to do: Send the request to {@code owner} at once, then refresh the topology. The SDKs
   * do.
   */
  WRONG_SHARD("wrong_shard", 421, "Wrong shard", Retryable.YES, false),

  /**
   * 422: The Idempotency-Key was used before with another request, so neither repeating nor
   * replaying is right.
   *
   * <p>What to do: Use a new random key for each logical write, the same only when repeating it
   * unchanged.
   */
  IDEMPOTENCY_KEY_REUSED(
      "idempotency_key_reused", 422, "Idempotency key reused", Retryable.NO, false),

  /**
   * 429: The shard's queue of proposals is full; the request was not carried out. {@code
   * retry_after_s} says when to try again.
   *
   * <p>What to do: Wait and retry with backoff; write in batches.
   */
  TOO_MANY_REQUESTS("too_many_requests", 429, "Too many requests", Retryable.YES, false),

  /**
   * 429: The client's address has {@code limit} connections open already.
   *
   * <p>What to do: Reuse connections; raise limits.connections_per_address_max if the address is
   * shared.
   */
  TOO_MANY_CONNECTIONS("too_many_connections", 429, "Too many connections", Retryable.YES, false),

  /**
   * 431: The request has more header fields, or a longer one, than the server takes; {@code limit}
   * is the limit that was passed.
   *
   * <p>What to do: Send fewer and shorter headers.
   */
  HEADERS_TOO_LARGE("headers_too_large", 431, "Headers too large", Retryable.NO, false),

  /**
   * 500: The server met a condition it has no answer for. It is a defect of ThemisDB.
   *
   * <p>What to do: Report it with the request_id. Whether a write was carried out is not known.
   */
  INTERNAL("internal", 500, "Internal error", Retryable.NO, false),

  /**
   * 503: The node is up, but cannot serve yet.
   *
   * <p>What to do: Wait for /health/ready, or ask another node.
   */
  NOT_READY("not_ready", 503, "Not ready", Retryable.YES, false),

  /**
   * 503: The node finishes what it accepted and takes nothing new.
   *
   * <p>What to do: Ask another node; on a cluster of one, wait for it to come back.
   */
  SHUTTING_DOWN("shutting_down", 503, "Shutting down", Retryable.YES, false),

  /**
   * 503: The shard has no leader at the moment; the request was not carried out.
   *
   * <p>What to do: Retry with backoff; an election takes about a second.
   */
  NO_LEADER("no_leader", 503, "No leader", Retryable.YES, false),

  /**
   * 503: A node that is needed for the request could not be reached; the request was not carried
   * out.
   *
   * <p>What to do: Retry with backoff, or ask another node; adminNodes says since when it has been
   * away.
   */
  NODE_UNREACHABLE("node_unreachable", 503, "Node does not answer", Retryable.YES, false),

  /**
   * 503: No replica that can be reached could prove that it is at most {@code limit} milliseconds
   * behind the leader; {@code lag_ms} is the least that one could prove.
   *
   * <p>What to do: Retry with backoff, allow a greater max_lag_ms, or read with
   * consistency=eventual if any state will do.
   */
  LAG_EXCEEDED("lag_exceeded", 503, "No replica is fresh enough", Retryable.YES, false),

  /**
   * 503: No replica that can be reached has the state that Themis-Session speaks of, in the time
   * that a read waits for it.
   *
   * <p>What to do: Retry with backoff; if it lasts, the token is not of this cluster's history.
   * Begin a new session without it.
   */
  SESSION_NOT_REACHED("session_not_reached", 503, "Session not reached", Retryable.YES, false),

  /**
   * 503: The node acted on a topology older than the one it met, and was refused; the request was
   * not carried out. {@code epoch} is the newer one.
   *
   * <p>What to do: Retry; the node refreshes its topology at once.
   */
  STALE_EPOCH("stale_epoch", 503, "Topology of the node is old", Retryable.YES, false),

  /**
   * 503: The metadata store shows an older epoch of the topology than this node has seen, or
   * another topology of the same epoch. Changes of the topology are refused; data is served on by
   * the topology that was seen.
   *
   * <p>What to do: Restore the store to what it was; docs/operate says how to go on if that is
   * lost.
   */
  METADATA_OUTDATED("metadata_outdated", 503, "Metadata store is outdated", Retryable.NO, false),

  /**
   * 503: The metadata store does not answer, or has no majority. Nothing was changed. Reads, and
   * writes into existing collections, go on.
   *
   * <p>What to do: Bring the store back; then send the request again.
   */
  METADATA_UNAVAILABLE(
      "metadata_unavailable", 503, "Metadata cannot be changed now", Retryable.YES, false),

  /**
   * 504: The write was accepted, but not confirmed in time. It may have been carried out, may still
   * be, or never.
   *
   * <p>What to do: Repeat it with the same Idempotency-Key; without a key, read the entity and
   * decide.
   */
  OUTCOME_UNKNOWN("outcome_unknown", 504, "Outcome unknown", Retryable.WITH_KEY, false),

  /**
   * 507: The node has no room to write; reads go on. The request was not carried out.
   *
   * <p>What to do: Free or add space; the node takes writes again by itself.
   */
  DISK_FULL("disk_full", 507, "Disk full", Retryable.YES, false);

  private static final Map<String, ErrorCode> BY_CODE =
      Stream.of(values()).collect(Collectors.toUnmodifiableMap(ErrorCode::code, each -> each));

  private final String code;
  private final int status;
  private final String title;
  private final Retryable retryable;
  private final boolean itemOnly;

  ErrorCode(String code, int status, String title, Retryable retryable, boolean itemOnly) {
    this.code = code;
    this.status = status;
    this.title = title;
    this.retryable = retryable;
    this.itemOnly = itemOnly;
  }

  /** Whether the same request may be sent again as it is. */
  public enum Retryable {
    /** It may. */
    YES,

    /** It may not: it would fail again. */
    NO,

    /** It may if it carried an Idempotency-Key; else it might be carried out twice. */
    WITH_KEY
  }

  /**
   * Finds the constant of a code that came over the wire.
   *
   * @param code the code
   * @return the constant; empty for a code of a newer server
   */
  public static Optional<ErrorCode> of(String code) {
    return Optional.ofNullable(BY_CODE.get(code));
  }

  /**
   * Returns the stable code, as it is on the wire.
   *
   * @return the code
   */
  public String code() {
    return code;
  }

  /**
   * Returns the HTTP status it comes with.
   *
   * @return the status
   */
  public int status() {
    return status;
  }

  /**
   * Returns its short name.
   *
   * @return a few words, for people
   */
  public String title() {
    return title;
  }

  /**
   * Returns whether the same request may be sent again as it is.
   *
   * @return the rule
   */
  public Retryable retryable() {
    return retryable;
  }

  /**
   * Returns whether it occurs only inside the items of a batch answer.
   *
   * @return true if so
   */
  public boolean itemOnly() {
    return itemOnly;
  }
}
