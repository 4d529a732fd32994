// The error codes. Generated from spec/ by `python -m tools.codegen`: do not edit.

/** The stable error codes, which programs may switch on. */
export const ErrorCode = {
  /**
   * 400: The bytes received are not an HTTP request this server can interpret.
   *
   * What to do: Correct the client or the proxy in between; the connection is
   * closed after this answer.
   */
  BAD_REQUEST: "bad_request",
  /**
   * 400: The text given is not a ThemisDB URN. `position` is the offset of the
   * first character that breaks the grammar.
   *
   * What to do: Build URNs with the SDK's Urn type; the form is
   * urn:themis:\{model\}:\{namespace\}:\{collection\}:\{uuid\}.
   */
  INVALID_URN: "invalid_urn",
  /**
   * 400: The body is not JSON (RFC 8259) in UTF-8. `position` is the byte
   * offset where parsing stopped.
   *
   * What to do: Send what a JSON library produced, with allow_nan or its like
   * switched off.
   */
  INVALID_JSON: "invalid_json",
  /**
   * 400: The body is JSON, but not of the shape this operation takes. `pointer`
   * names the place (RFC 6901).
   *
   * What to do: Compare the body with the operation's request schema.
   */
  INVALID_BODY: "invalid_body",
  /**
   * 400: A path or query parameter has a value outside its type, range or set.
   * `parameter` names it.
   *
   * What to do: Correct the parameter; `allowed` lists the values where there
   * is a closed set.
   */
  INVALID_PARAMETER: "invalid_parameter",
  /**
   * 400: A request header that the operation interprets has a value it cannot
   * read. `parameter` names the header.
   *
   * What to do: Send the ETag exactly as it was received, quotes included.
   */
  INVALID_HEADER: "invalid_header",
  /**
   * 400: The cursor was not issued by this cluster for this listing, or was
   * altered.
   *
   * What to do: Start the listing again without a cursor. A cursor never
   * expires by time.
   */
  INVALID_CURSOR: "invalid_cursor",
  /**
   * 400: A document or a merge patch must be a JSON object at its top level.
   *
   * What to do: Wrap the value: \{"value": [1, 2, 3]\}.
   */
  DOCUMENT_NOT_OBJECT: "document_not_object",
  /**
   * 400: The top-level names `_key`, `_id` and `_rev` belong to ThemisDB and
   * cannot be stored. `pointer` names the one found.
   *
   * What to do: Drop these members before writing; the key is in the URN and
   * the revision in the ETag.
   */
  RESERVED_ATTRIBUTE: "reserved_attribute",
  /**
   * 400: An integer in the document fits neither int64 nor uint64 (-2^63 ..
   * 2^64-1) and would lose digits.
   *
   * What to do: Send it as a string.
   */
  INTEGER_OUT_OF_RANGE: "integer_out_of_range",
  /**
   * 400: Objects and arrays are nested deeper than `limit` levels (64 by
   * default).
   *
   * What to do: Flatten the document, or store the tree as a graph.
   */
  JSON_TOO_DEEP: "json_too_deep",
  /**
   * 400: An object has the same member twice, and the server runs with
   * limits.strict_json.
   *
   * What to do: Send each member once.
   */
  DUPLICATE_KEY: "duplicate_key",
  /**
   * 404: No operation has this path.
   *
   * What to do: Compare the path with /openapi.json of this server.
   */
  ROUTE_NOT_FOUND: "route_not_found",
  /**
   * 404: There is no entity with this URN now.
   *
   * What to do: Nothing, if absence is an expected answer; the SDKs return
   * none.
   */
  ENTITY_NOT_FOUND: "entity_not_found",
  /**
   * 404: There is no namespace of this name.
   *
   * What to do: Create it with createNamespace.
   */
  NAMESPACE_NOT_FOUND: "namespace_not_found",
  /**
   * 404: There is no collection of this name in the namespace.
   *
   * What to do: Create it with createCollection, or switch
   * auto_create_collections on.
   */
  COLLECTION_NOT_FOUND: "collection_not_found",
  /**
   * 404: The cluster has no node of this id.
   *
   * What to do: Compare with adminNodes (`themis-admin nodes`).
   */
  NODE_NOT_FOUND: "node_not_found",
  /**
   * 404: The topology has no shard of this id.
   *
   * What to do: Compare with adminShards (`themis-admin shards`).
   */
  SHARD_NOT_FOUND: "shard_not_found",
  /**
   * 404: There is no join token of this id, or none any more.
   *
   * What to do: Nothing, if it was to be revoked; adminJoinTokens lists those
   * there are.
   */
  JOIN_TOKEN_NOT_FOUND: "join_token_not_found",
  /**
   * 405: The path exists, but not with this method. `allowed` and the Allow
   * header list those it has.
   *
   * What to do: Use one of the allowed methods.
   */
  METHOD_NOT_ALLOWED: "method_not_allowed",
  /**
   * 408: The request did not arrive completely in time; it was not carried out.
   *
   * What to do: Send it again on a new connection; the server closes this one.
   */
  REQUEST_TIMEOUT: "request_timeout",
  /**
   * 409: A namespace of this name exists already.
   *
   * What to do: Use it as it is, or change its options with alterNamespace.
   */
  NAMESPACE_EXISTS: "namespace_exists",
  /**
   * 409: A collection of this name and this model exists already in the
   * namespace.
   *
   * What to do: Use it as it is, or change its options with alterCollection.
   */
  COLLECTION_EXISTS: "collection_exists",
  /**
   * 409: The collection exists with another model than the one in the URN or
   * the request; `expected` is the model it has.
   *
   * What to do: Use the model that `expected` names, or another collection.
   */
  COLLECTION_MODEL_MISMATCH: "collection_model_mismatch",
  /**
   * 409: The namespace still has collections, and the request did not say
   * force=true.
   *
   * What to do: Drop its collections first, or repeat the request with
   * force=true.
   */
  NAMESPACE_NOT_EMPTY: "namespace_not_empty",
  /**
   * 409: The catalogue changed between reading and writing it, more often than
   * the server was willing to repeat.
   *
   * What to do: Send the request again.
   */
  METADATA_CONFLICT: "metadata_conflict",
  /**
   * 409: The topology changed between reading and writing it, more often than
   * the server was willing to repeat. Nothing was changed.
   *
   * What to do: Look at the topology, and send the request again if it is still
   * wanted.
   */
  TOPOLOGY_CONFLICT: "topology_conflict",
  /**
   * 409: A replica cannot be placed as the request wants; `detail` says why.
   * Nothing was changed.
   *
   * What to do: Choose another node, or add one first; adminShard shows where
   * the replicas are.
   */
  PLACEMENT_REFUSED: "placement_refused",
  /**
   * 409: The node cannot be drained or removed, for it holds what no other node
   * would have; `detail` says what. Nothing was changed.
   *
   * What to do: Add a node, drain this one, and remove it when it holds no
   * replica; force=true only for a node that will never come back.
   */
  NODE_IN_USE: "node_in_use",
  /**
   * 409: The leader cannot be moved to this node, or did not move in time;
   * `detail` says why. It is where it was, or where the shard has since put it.
   *
   * What to do: Choose another voter, which adminShard lists; or wait until the
   * change is over.
   */
  TRANSFER_REFUSED: "transfer_refused",
  /**
   * 412: If-Match or If-None-Match did not hold when the write was applied.
   * `version` is the current version, null if there is no entity.
   *
   * What to do: Read the entity again, decide again, and write with the new
   * version.
   */
  PRECONDITION_FAILED: "precondition_failed",
  /**
   * 413: The body is larger than `limit` bytes. The server stopped reading it
   * and closes the connection.
   *
   * What to do: Split the batch; move large content out of the document.
   */
  BODY_TOO_LARGE: "body_too_large",
  /**
   * 413: The batch has more than `limit` items (10,000 by default). Nothing of
   * it was carried out.
   *
   * What to do: Split it; the SDKs do it by themselves.
   */
  TOO_MANY_ITEMS: "too_many_items",
  /**
   * 413: The document, or the document that a merge patch would result in, is
   * larger than `limit` bytes.
   *
   * What to do: Split the document into several entities.
   */
  DOCUMENT_TOO_LARGE: "document_too_large",
  /**
   * 413: The answer reached its size limit (32 MiB by default) before this
   * item; the item was not read.
   *
   * What to do: Ask for the items that have this error again, in a batch of
   * their own.
   */
  BATCH_RESPONSE_LIMIT: "batch_response_limit",
  /**
   * 414: The request target is longer than `limit` bytes.
   *
   * What to do: Correct the client.
   */
  URI_TOO_LONG: "uri_too_long",
  /**
   * 415: The operation does not take a body of this Content-Type; `allowed`
   * lists those it takes.
   *
   * What to do: Send Content-Type: application/json.
   */
  UNSUPPORTED_MEDIA_TYPE: "unsupported_media_type",
  /**
   * 415: Request bodies must not be compressed.
   *
   * What to do: Send the body as it is, without Content-Encoding.
   */
  CONTENT_ENCODING_UNSUPPORTED: "content_encoding_unsupported",
  /**
   * 421: The node does not own the key any more and may not forward again;
   * `owner` is the endpoint to ask and `epoch` the topology that says so.
   *
   * What to do: Send the request to `owner` at once, then refresh the topology.
   * The SDKs do.
   */
  WRONG_SHARD: "wrong_shard",
  /**
   * 422: The Idempotency-Key was used before with another request, so neither
   * repeating nor replaying is right.
   *
   * What to do: Use a new random key for each logical write, the same only when
   * repeating it unchanged.
   */
  IDEMPOTENCY_KEY_REUSED: "idempotency_key_reused",
  /**
   * 429: The shard's queue of proposals is full; the request was not carried
   * out. `retry_after_s` says when to try again.
   *
   * What to do: Wait and retry with backoff; write in batches.
   */
  TOO_MANY_REQUESTS: "too_many_requests",
  /**
   * 429: The client's address has `limit` connections open already.
   *
   * What to do: Reuse connections; raise limits.connections_per_address_max if
   * the address is shared.
   */
  TOO_MANY_CONNECTIONS: "too_many_connections",
  /**
   * 431: The request has more header fields, or a longer one, than the server
   * takes; `limit` is the limit that was passed.
   *
   * What to do: Send fewer and shorter headers.
   */
  HEADERS_TOO_LARGE: "headers_too_large",
  /**
   * 500: The server met a condition it has no answer for. It is a defect of
   * ThemisDB.
   *
   * What to do: Report it with the request_id. Whether a write was carried out
   * is not known.
   */
  INTERNAL: "internal",
  /**
   * 503: The node is up, but cannot serve yet.
   *
   * What to do: Wait for /health/ready, or ask another node.
   */
  NOT_READY: "not_ready",
  /**
   * 503: The node finishes what it accepted and takes nothing new.
   *
   * What to do: Ask another node; on a cluster of one, wait for it to come
   * back.
   */
  SHUTTING_DOWN: "shutting_down",
  /**
   * 503: The shard has no leader at the moment; the request was not carried
   * out.
   *
   * What to do: Retry with backoff; an election takes about a second.
   */
  NO_LEADER: "no_leader",
  /**
   * 503: A node that is needed for the request could not be reached; the
   * request was not carried out.
   *
   * What to do: Retry with backoff, or ask another node; adminNodes says since
   * when it has been away.
   */
  NODE_UNREACHABLE: "node_unreachable",
  /**
   * 503: No replica that can be reached could prove that it is at most `limit`
   * milliseconds behind the leader; `lag_ms` is the least that one could prove.
   *
   * What to do: Retry with backoff, allow a greater max_lag_ms, or read with
   * consistency=eventual if any state will do.
   */
  LAG_EXCEEDED: "lag_exceeded",
  /**
   * 503: No replica that can be reached has the state that Themis-Session
   * speaks of, in the time that a read waits for it.
   *
   * What to do: Retry with backoff; if it lasts, the token is not of this
   * cluster's history. Begin a new session without it.
   */
  SESSION_NOT_REACHED: "session_not_reached",
  /**
   * 503: The node acted on a topology older than the one it met, and was
   * refused; the request was not carried out. `epoch` is the newer one.
   *
   * What to do: Retry; the node refreshes its topology at once.
   */
  STALE_EPOCH: "stale_epoch",
  /**
   * 503: The metadata store shows an older epoch of the topology than this node
   * has seen, or another topology of the same epoch. Changes of the topology
   * are refused; data is served on by the topology that was seen.
   *
   * What to do: Restore the store to what it was; docs/operate says how to go
   * on if that is lost.
   */
  METADATA_OUTDATED: "metadata_outdated",
  /**
   * 503: The metadata store does not answer, or has no majority. Nothing was
   * changed. Reads, and writes into existing collections, go on.
   *
   * What to do: Bring the store back; then send the request again.
   */
  METADATA_UNAVAILABLE: "metadata_unavailable",
  /**
   * 504: The write was accepted, but not confirmed in time. It may have been
   * carried out, may still be, or never.
   *
   * What to do: Repeat it with the same Idempotency-Key; without a key, read
   * the entity and decide.
   */
  OUTCOME_UNKNOWN: "outcome_unknown",
  /**
   * 507: The node has no room to write; reads go on. The request was not
   * carried out.
   *
   * What to do: Free or add space; the node takes writes again by itself.
   */
  DISK_FULL: "disk_full",
} as const;

/** The stable error codes, which programs may switch on. */
export type ErrorCode = (typeof ErrorCode)[keyof typeof ErrorCode];

/** What is known of a code. */
export interface ErrorInfo {
  /** The code. */
  readonly code: ErrorCode;

  /** The HTTP status it comes with. */
  readonly status: number;

  /** Its short name. */
  readonly title: string;

  /**
   * Whether the same request may be sent again as it is; `with_key`: only if it
   * carried an Idempotency-Key.
   */
  readonly retryable: "yes" | "no" | "with_key";

  /** Whether it occurs only inside the items of a batch answer. */
  readonly itemOnly: boolean;
}

/** What is known of each code. */
export const ERRORS: Readonly<Record<ErrorCode, ErrorInfo>> = {
  bad_request: {
    code: "bad_request",
    status: 400,
    title: "Bad request",
    retryable: "no",
    itemOnly: false,
  },
  invalid_urn: {
    code: "invalid_urn",
    status: 400,
    title: "Invalid URN",
    retryable: "no",
    itemOnly: false,
  },
  invalid_json: {
    code: "invalid_json",
    status: 400,
    title: "Invalid JSON",
    retryable: "no",
    itemOnly: false,
  },
  invalid_body: {
    code: "invalid_body",
    status: 400,
    title: "Invalid body",
    retryable: "no",
    itemOnly: false,
  },
  invalid_parameter: {
    code: "invalid_parameter",
    status: 400,
    title: "Invalid parameter",
    retryable: "no",
    itemOnly: false,
  },
  invalid_header: {
    code: "invalid_header",
    status: 400,
    title: "Invalid header",
    retryable: "no",
    itemOnly: false,
  },
  invalid_cursor: {
    code: "invalid_cursor",
    status: 400,
    title: "Invalid cursor",
    retryable: "no",
    itemOnly: false,
  },
  document_not_object: {
    code: "document_not_object",
    status: 400,
    title: "Document is not an object",
    retryable: "no",
    itemOnly: false,
  },
  reserved_attribute: {
    code: "reserved_attribute",
    status: 400,
    title: "Reserved attribute",
    retryable: "no",
    itemOnly: false,
  },
  integer_out_of_range: {
    code: "integer_out_of_range",
    status: 400,
    title: "Integer out of range",
    retryable: "no",
    itemOnly: false,
  },
  json_too_deep: {
    code: "json_too_deep",
    status: 400,
    title: "JSON nested too deeply",
    retryable: "no",
    itemOnly: false,
  },
  duplicate_key: {
    code: "duplicate_key",
    status: 400,
    title: "Duplicate key",
    retryable: "no",
    itemOnly: false,
  },
  route_not_found: {
    code: "route_not_found",
    status: 404,
    title: "Route not found",
    retryable: "no",
    itemOnly: false,
  },
  entity_not_found: {
    code: "entity_not_found",
    status: 404,
    title: "Entity not found",
    retryable: "no",
    itemOnly: false,
  },
  namespace_not_found: {
    code: "namespace_not_found",
    status: 404,
    title: "Namespace not found",
    retryable: "no",
    itemOnly: false,
  },
  collection_not_found: {
    code: "collection_not_found",
    status: 404,
    title: "Collection not found",
    retryable: "no",
    itemOnly: false,
  },
  node_not_found: {
    code: "node_not_found",
    status: 404,
    title: "Node not found",
    retryable: "no",
    itemOnly: false,
  },
  shard_not_found: {
    code: "shard_not_found",
    status: 404,
    title: "Shard not found",
    retryable: "no",
    itemOnly: false,
  },
  join_token_not_found: {
    code: "join_token_not_found",
    status: 404,
    title: "Join token not found",
    retryable: "no",
    itemOnly: false,
  },
  method_not_allowed: {
    code: "method_not_allowed",
    status: 405,
    title: "Method not allowed",
    retryable: "no",
    itemOnly: false,
  },
  request_timeout: {
    code: "request_timeout",
    status: 408,
    title: "Request timed out",
    retryable: "yes",
    itemOnly: false,
  },
  namespace_exists: {
    code: "namespace_exists",
    status: 409,
    title: "Namespace exists",
    retryable: "no",
    itemOnly: false,
  },
  collection_exists: {
    code: "collection_exists",
    status: 409,
    title: "Collection exists",
    retryable: "no",
    itemOnly: false,
  },
  collection_model_mismatch: {
    code: "collection_model_mismatch",
    status: 409,
    title: "Collection has another model",
    retryable: "no",
    itemOnly: false,
  },
  namespace_not_empty: {
    code: "namespace_not_empty",
    status: 409,
    title: "Namespace is not empty",
    retryable: "no",
    itemOnly: false,
  },
  metadata_conflict: {
    code: "metadata_conflict",
    status: 409,
    title: "Concurrent change of the catalogue",
    retryable: "yes",
    itemOnly: false,
  },
  topology_conflict: {
    code: "topology_conflict",
    status: 409,
    title: "Concurrent change of the topology",
    retryable: "yes",
    itemOnly: false,
  },
  placement_refused: {
    code: "placement_refused",
    status: 409,
    title: "Placement refused",
    retryable: "no",
    itemOnly: false,
  },
  node_in_use: {
    code: "node_in_use",
    status: 409,
    title: "Node is in use",
    retryable: "no",
    itemOnly: false,
  },
  transfer_refused: {
    code: "transfer_refused",
    status: 409,
    title: "Transfer of the leader refused",
    retryable: "no",
    itemOnly: false,
  },
  precondition_failed: {
    code: "precondition_failed",
    status: 412,
    title: "Precondition failed",
    retryable: "no",
    itemOnly: false,
  },
  body_too_large: {
    code: "body_too_large",
    status: 413,
    title: "Body too large",
    retryable: "no",
    itemOnly: false,
  },
  too_many_items: {
    code: "too_many_items",
    status: 413,
    title: "Too many items",
    retryable: "no",
    itemOnly: false,
  },
  document_too_large: {
    code: "document_too_large",
    status: 413,
    title: "Document too large",
    retryable: "no",
    itemOnly: false,
  },
  batch_response_limit: {
    code: "batch_response_limit",
    status: 413,
    title: "Batch answer is full",
    retryable: "yes",
    itemOnly: true,
  },
  uri_too_long: {
    code: "uri_too_long",
    status: 414,
    title: "URI too long",
    retryable: "no",
    itemOnly: false,
  },
  unsupported_media_type: {
    code: "unsupported_media_type",
    status: 415,
    title: "Unsupported media type",
    retryable: "no",
    itemOnly: false,
  },
  content_encoding_unsupported: {
    code: "content_encoding_unsupported",
    status: 415,
    title: "Content encoding not supported",
    retryable: "no",
    itemOnly: false,
  },
  wrong_shard: {
    code: "wrong_shard",
    status: 421,
    title: "Wrong shard",
    retryable: "yes",
    itemOnly: false,
  },
  idempotency_key_reused: {
    code: "idempotency_key_reused",
    status: 422,
    title: "Idempotency key reused",
    retryable: "no",
    itemOnly: false,
  },
  too_many_requests: {
    code: "too_many_requests",
    status: 429,
    title: "Too many requests",
    retryable: "yes",
    itemOnly: false,
  },
  too_many_connections: {
    code: "too_many_connections",
    status: 429,
    title: "Too many connections",
    retryable: "yes",
    itemOnly: false,
  },
  headers_too_large: {
    code: "headers_too_large",
    status: 431,
    title: "Headers too large",
    retryable: "no",
    itemOnly: false,
  },
  internal: {
    code: "internal",
    status: 500,
    title: "Internal error",
    retryable: "no",
    itemOnly: false,
  },
  not_ready: {
    code: "not_ready",
    status: 503,
    title: "Not ready",
    retryable: "yes",
    itemOnly: false,
  },
  shutting_down: {
    code: "shutting_down",
    status: 503,
    title: "Shutting down",
    retryable: "yes",
    itemOnly: false,
  },
  no_leader: {
    code: "no_leader",
    status: 503,
    title: "No leader",
    retryable: "yes",
    itemOnly: false,
  },
  node_unreachable: {
    code: "node_unreachable",
    status: 503,
    title: "Node does not answer",
    retryable: "yes",
    itemOnly: false,
  },
  lag_exceeded: {
    code: "lag_exceeded",
    status: 503,
    title: "No replica is fresh enough",
    retryable: "yes",
    itemOnly: false,
  },
  session_not_reached: {
    code: "session_not_reached",
    status: 503,
    title: "Session not reached",
    retryable: "yes",
    itemOnly: false,
  },
  stale_epoch: {
    code: "stale_epoch",
    status: 503,
    title: "Topology of the node is old",
    retryable: "yes",
    itemOnly: false,
  },
  metadata_outdated: {
    code: "metadata_outdated",
    status: 503,
    title: "Metadata store is outdated",
    retryable: "no",
    itemOnly: false,
  },
  metadata_unavailable: {
    code: "metadata_unavailable",
    status: 503,
    title: "Metadata cannot be changed now",
    retryable: "yes",
    itemOnly: false,
  },
  outcome_unknown: {
    code: "outcome_unknown",
    status: 504,
    title: "Outcome unknown",
    retryable: "with_key",
    itemOnly: false,
  },
  disk_full: {
    code: "disk_full",
    status: 507,
    title: "Disk full",
    retryable: "yes",
    itemOnly: false,
  },
};
