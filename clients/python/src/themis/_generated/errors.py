"""The error codes, as spec/errors.yaml lists them. Generated: do not edit."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Literal

__all__ = ["ERRORS", "ErrorCode", "ErrorInfo"]


class ErrorCode(StrEnum):
    """The stable codes; docs/reference/errors.md explains each."""

    BAD_REQUEST = "bad_request"
    """400: Bad request"""

    INVALID_URN = "invalid_urn"
    """400: Invalid URN"""

    INVALID_JSON = "invalid_json"
    """400: Invalid JSON"""

    INVALID_BODY = "invalid_body"
    """400: Invalid body"""

    INVALID_PARAMETER = "invalid_parameter"
    """400: Invalid parameter"""

    INVALID_HEADER = "invalid_header"
    """400: Invalid header"""

    INVALID_CURSOR = "invalid_cursor"
    """400: Invalid cursor"""

    DOCUMENT_NOT_OBJECT = "document_not_object"
    """400: Document is not an object"""

    RESERVED_ATTRIBUTE = "reserved_attribute"
    """400: Reserved attribute"""

    INTEGER_OUT_OF_RANGE = "integer_out_of_range"
    """400: Integer out of range"""

    JSON_TOO_DEEP = "json_too_deep"
    """400: JSON nested too deeply"""

    DUPLICATE_KEY = "duplicate_key"
    """400: Duplicate key"""

    ROUTE_NOT_FOUND = "route_not_found"
    """404: Route not found"""

    ENTITY_NOT_FOUND = "entity_not_found"
    """404: Entity not found"""

    NAMESPACE_NOT_FOUND = "namespace_not_found"
    """404: Namespace not found"""

    COLLECTION_NOT_FOUND = "collection_not_found"
    """404: Collection not found"""

    NODE_NOT_FOUND = "node_not_found"
    """404: Node not found"""

    SHARD_NOT_FOUND = "shard_not_found"
    """404: Shard not found"""

    JOIN_TOKEN_NOT_FOUND = "join_token_not_found"
    """404: Join token not found"""

    METHOD_NOT_ALLOWED = "method_not_allowed"
    """405: Method not allowed"""

    REQUEST_TIMEOUT = "request_timeout"
    """408: Request timed out"""

    NAMESPACE_EXISTS = "namespace_exists"
    """409: Namespace exists"""

    COLLECTION_EXISTS = "collection_exists"
    """409: Collection exists"""

    COLLECTION_MODEL_MISMATCH = "collection_model_mismatch"
    """409: Collection has another model"""

    NAMESPACE_NOT_EMPTY = "namespace_not_empty"
    """409: Namespace is not empty"""

    METADATA_CONFLICT = "metadata_conflict"
    """409: Concurrent change of the catalogue"""

    TOPOLOGY_CONFLICT = "topology_conflict"
    """409: Concurrent change of the topology"""

    PLACEMENT_REFUSED = "placement_refused"
    """409: Placement refused"""

    NODE_IN_USE = "node_in_use"
    """409: Node is in use"""

    TRANSFER_REFUSED = "transfer_refused"
    """409: Transfer of the leader refused"""

    PRECONDITION_FAILED = "precondition_failed"
    """412: Precondition failed"""

    BODY_TOO_LARGE = "body_too_large"
    """413: Body too large"""

    TOO_MANY_ITEMS = "too_many_items"
    """413: Too many items"""

    DOCUMENT_TOO_LARGE = "document_too_large"
    """413: Document too large"""

    BATCH_RESPONSE_LIMIT = "batch_response_limit"
    """413: Batch answer is full"""

    URI_TOO_LONG = "uri_too_long"
    """414: URI too long"""

    UNSUPPORTED_MEDIA_TYPE = "unsupported_media_type"
    """415: Unsupported media type"""

    CONTENT_ENCODING_UNSUPPORTED = "content_encoding_unsupported"
    """415: Content encoding not supported"""

    WRONG_SHARD = "wrong_shard"
    """421: Wrong shard"""

    IDEMPOTENCY_KEY_REUSED = "idempotency_key_reused"
    """422: Idempotency key reused"""

    TOO_MANY_REQUESTS = "too_many_requests"
    """429: Too many requests"""

    TOO_MANY_CONNECTIONS = "too_many_connections"
    """429: Too many connections"""

    HEADERS_TOO_LARGE = "headers_too_large"
    """431: Headers too large"""

    INTERNAL = "internal"
    """500: Internal error"""

    NOT_READY = "not_ready"
    """503: Not ready"""

    SHUTTING_DOWN = "shutting_down"
    """503: Shutting down"""

    NO_LEADER = "no_leader"
    """503: No leader"""

    NODE_UNREACHABLE = "node_unreachable"
    """503: Node does not answer"""

    LAG_EXCEEDED = "lag_exceeded"
    """503: No replica is fresh enough"""

    SESSION_NOT_REACHED = "session_not_reached"
    """503: Session not reached"""

    STALE_EPOCH = "stale_epoch"
    """503: Topology of the node is old"""

    METADATA_OUTDATED = "metadata_outdated"
    """503: Metadata store is outdated"""

    METADATA_UNAVAILABLE = "metadata_unavailable"
    """503: Metadata cannot be changed now"""

    OUTCOME_UNKNOWN = "outcome_unknown"
    """504: Outcome unknown"""

    DISK_FULL = "disk_full"
    """507: Disk full"""


@dataclass(frozen=True, slots=True)
class ErrorInfo:
    """What is known of a code. `item_only`: it occurs only inside the items of a batch answer."""

    code: ErrorCode
    status: int
    title: str
    meaning: str
    cause: str
    remedy: str
    retryable: Literal["yes", "no", "with_key"]
    item_only: bool = False


ERRORS: Final[dict[ErrorCode, ErrorInfo]] = {
    ErrorCode.BAD_REQUEST: ErrorInfo(
        code=ErrorCode.BAD_REQUEST,
        status=400,
        title="Bad request",
        meaning="The bytes received are not an HTTP request this server can interpret.",
        cause="A malformed request line or header, both Transfer-Encoding and Content-Length, a path with NUL bytes or broken percent-encoding.",
        remedy="Correct the client or the proxy in between; the connection is closed after this answer.",
        retryable="no",
    ),
    ErrorCode.INVALID_URN: ErrorInfo(
        code=ErrorCode.INVALID_URN,
        status=400,
        title="Invalid URN",
        meaning="The text given is not a ThemisDB URN. `position` is the offset of the first character that breaks the grammar.",
        cause="An unknown model, a name with a character outside the grammar, a uuid of the wrong length, the nil uuid, or a URN percent-encoded twice.",
        remedy="Build URNs with the SDK's Urn type; the form is urn:themis:{model}:{namespace}:{collection}:{uuid}.",
        retryable="no",
    ),
    ErrorCode.INVALID_JSON: ErrorInfo(
        code=ErrorCode.INVALID_JSON,
        status=400,
        title="Invalid JSON",
        meaning="The body is not JSON (RFC 8259) in UTF-8. `position` is the byte offset where parsing stopped.",
        cause="A truncated body, a trailing comma, NaN or Infinity, a lone surrogate, a byte that is not UTF-8, or an empty body.",
        remedy="Send what a JSON library produced, with allow_nan or its like switched off.",
        retryable="no",
    ),
    ErrorCode.INVALID_BODY: ErrorInfo(
        code=ErrorCode.INVALID_BODY,
        status=400,
        title="Invalid body",
        meaning="The body is JSON, but not of the shape this operation takes. `pointer` names the place (RFC 6901).",
        cause="A missing or unknown member, a value of the wrong type or outside its limits, both `urns` and `items` in one batch delete.",
        remedy="Compare the body with the operation's request schema.",
        retryable="no",
    ),
    ErrorCode.INVALID_PARAMETER: ErrorInfo(
        code=ErrorCode.INVALID_PARAMETER,
        status=400,
        title="Invalid parameter",
        meaning="A path or query parameter has a value outside its type, range or set. `parameter` names it.",
        cause="limit=0, consistency=strict, a parameter given twice, or one that the operation does not know.",
        remedy="Correct the parameter; `allowed` lists the values where there is a closed set.",
        retryable="no",
    ),
    ErrorCode.INVALID_HEADER: ErrorInfo(
        code=ErrorCode.INVALID_HEADER,
        status=400,
        title="Invalid header",
        meaning="A request header that the operation interprets has a value it cannot read. `parameter` names the header.",
        cause="An If-Match that is not a list of quoted versions, a weak tag in If-Match, an Idempotency-Key of more than 255 characters or with invisible ones.",
        remedy="Send the ETag exactly as it was received, quotes included.",
        retryable="no",
    ),
    ErrorCode.INVALID_CURSOR: ErrorInfo(
        code=ErrorCode.INVALID_CURSOR,
        status=400,
        title="Invalid cursor",
        meaning="The cursor was not issued by this cluster for this listing, or was altered.",
        cause="A cursor used with another collection or with other parameters, cut in transit, or made by hand.",
        remedy="Start the listing again without a cursor. A cursor never expires by time.",
        retryable="no",
    ),
    ErrorCode.DOCUMENT_NOT_OBJECT: ErrorInfo(
        code=ErrorCode.DOCUMENT_NOT_OBJECT,
        status=400,
        title="Document is not an object",
        meaning="A document or a merge patch must be a JSON object at its top level.",
        cause="An array, a string, a number or null was sent as the document.",
        remedy='Wrap the value: {"value": [1, 2, 3]}.',
        retryable="no",
    ),
    ErrorCode.RESERVED_ATTRIBUTE: ErrorInfo(
        code=ErrorCode.RESERVED_ATTRIBUTE,
        status=400,
        title="Reserved attribute",
        meaning="The top-level names `_key`, `_id` and `_rev` belong to ThemisDB and cannot be stored. `pointer` names the one found.",
        cause="A document read through a query or exported from another database is written back as it was.",
        remedy="Drop these members before writing; the key is in the URN and the revision in the ETag.",
        retryable="no",
    ),
    ErrorCode.INTEGER_OUT_OF_RANGE: ErrorInfo(
        code=ErrorCode.INTEGER_OUT_OF_RANGE,
        status=400,
        title="Integer out of range",
        meaning="An integer in the document fits neither int64 nor uint64 (-2^63 .. 2^64-1) and would lose digits.",
        cause="A large identifier or a big decimal sent as a JSON number.",
        remedy="Send it as a string.",
        retryable="no",
    ),
    ErrorCode.JSON_TOO_DEEP: ErrorInfo(
        code=ErrorCode.JSON_TOO_DEEP,
        status=400,
        title="JSON nested too deeply",
        meaning="Objects and arrays are nested deeper than `limit` levels (64 by default).",
        cause="A serialised tree or linked list, or an attack on the parser.",
        remedy="Flatten the document, or store the tree as a graph.",
        retryable="no",
    ),
    ErrorCode.DUPLICATE_KEY: ErrorInfo(
        code=ErrorCode.DUPLICATE_KEY,
        status=400,
        title="Duplicate key",
        meaning="An object has the same member twice, and the server runs with limits.strict_json.",
        cause="A hand-written serialiser. Outside strict mode the last member wins, as in most parsers.",
        remedy="Send each member once.",
        retryable="no",
    ),
    ErrorCode.ROUTE_NOT_FOUND: ErrorInfo(
        code=ErrorCode.ROUTE_NOT_FOUND,
        status=404,
        title="Route not found",
        meaning="No operation has this path.",
        cause="A typing error, a URN whose reserved characters were not percent-encoded, or an operation of a newer server.",
        remedy="Compare the path with /openapi.json of this server.",
        retryable="no",
    ),
    ErrorCode.ENTITY_NOT_FOUND: ErrorInfo(
        code=ErrorCode.ENTITY_NOT_FOUND,
        status=404,
        title="Entity not found",
        meaning="There is no entity with this URN now.",
        cause="It was never written, or it was deleted.",
        remedy="Nothing, if absence is an expected answer; the SDKs return none.",
        retryable="no",
    ),
    ErrorCode.NAMESPACE_NOT_FOUND: ErrorInfo(
        code=ErrorCode.NAMESPACE_NOT_FOUND,
        status=404,
        title="Namespace not found",
        meaning="There is no namespace of this name.",
        cause="It was never created or was dropped, and catalog.auto_create_namespaces is off.",
        remedy="Create it with createNamespace.",
        retryable="no",
    ),
    ErrorCode.COLLECTION_NOT_FOUND: ErrorInfo(
        code=ErrorCode.COLLECTION_NOT_FOUND,
        status=404,
        title="Collection not found",
        meaning="There is no collection of this name in the namespace.",
        cause="It was never created or was dropped, and creation by the first write is switched off for the namespace or the server.",
        remedy="Create it with createCollection, or switch auto_create_collections on.",
        retryable="no",
    ),
    ErrorCode.NODE_NOT_FOUND: ErrorInfo(
        code=ErrorCode.NODE_NOT_FOUND,
        status=404,
        title="Node not found",
        meaning="The cluster has no node of this id.",
        cause="A typing error, or a node that was removed.",
        remedy="Compare with adminNodes (`themis-admin nodes`).",
        retryable="no",
    ),
    ErrorCode.SHARD_NOT_FOUND: ErrorInfo(
        code=ErrorCode.SHARD_NOT_FOUND,
        status=404,
        title="Shard not found",
        meaning="The topology has no shard of this id.",
        cause="A typing error; or `metadata` on a cluster whose metadata is in etcd.",
        remedy="Compare with adminShards (`themis-admin shards`).",
        retryable="no",
    ),
    ErrorCode.JOIN_TOKEN_NOT_FOUND: ErrorInfo(
        code=ErrorCode.JOIN_TOKEN_NOT_FOUND,
        status=404,
        title="Join token not found",
        meaning="There is no join token of this id, or none any more.",
        cause="It expired or was revoked before; or the token itself was given in place of its id.",
        remedy="Nothing, if it was to be revoked; adminJoinTokens lists those there are.",
        retryable="no",
    ),
    ErrorCode.METHOD_NOT_ALLOWED: ErrorInfo(
        code=ErrorCode.METHOD_NOT_ALLOWED,
        status=405,
        title="Method not allowed",
        meaning="The path exists, but not with this method. `allowed` and the Allow header list those it has.",
        cause="POST instead of PUT, or a method that no operation uses.",
        remedy="Use one of the allowed methods.",
        retryable="no",
    ),
    ErrorCode.REQUEST_TIMEOUT: ErrorInfo(
        code=ErrorCode.REQUEST_TIMEOUT,
        status=408,
        title="Request timed out",
        meaning="The request did not arrive completely in time; it was not carried out.",
        cause="A slow or stalled sender, a broken network, a body shorter than its Content-Length.",
        remedy="Send it again on a new connection; the server closes this one.",
        retryable="yes",
    ),
    ErrorCode.NAMESPACE_EXISTS: ErrorInfo(
        code=ErrorCode.NAMESPACE_EXISTS,
        status=409,
        title="Namespace exists",
        meaning="A namespace of this name exists already.",
        cause="It was created before, perhaps by the first write into it.",
        remedy="Use it as it is, or change its options with alterNamespace.",
        retryable="no",
    ),
    ErrorCode.COLLECTION_EXISTS: ErrorInfo(
        code=ErrorCode.COLLECTION_EXISTS,
        status=409,
        title="Collection exists",
        meaning="A collection of this name and this model exists already in the namespace.",
        cause="It was created before, perhaps by the first write into it.",
        remedy="Use it as it is, or change its options with alterCollection.",
        retryable="no",
    ),
    ErrorCode.COLLECTION_MODEL_MISMATCH: ErrorInfo(
        code=ErrorCode.COLLECTION_MODEL_MISMATCH,
        status=409,
        title="Collection has another model",
        meaning="The collection exists with another model than the one in the URN or the request; `expected` is the model it has.",
        cause="A collection's name is unique in its namespace across models, and its model is fixed when it is made.",
        remedy="Use the model that `expected` names, or another collection.",
        retryable="no",
    ),
    ErrorCode.NAMESPACE_NOT_EMPTY: ErrorInfo(
        code=ErrorCode.NAMESPACE_NOT_EMPTY,
        status=409,
        title="Namespace is not empty",
        meaning="The namespace still has collections, and the request did not say force=true.",
        cause="A protection against dropping data by mistake.",
        remedy="Drop its collections first, or repeat the request with force=true.",
        retryable="no",
    ),
    ErrorCode.METADATA_CONFLICT: ErrorInfo(
        code=ErrorCode.METADATA_CONFLICT,
        status=409,
        title="Concurrent change of the catalogue",
        meaning="The catalogue changed between reading and writing it, more often than the server was willing to repeat.",
        cause="Several clients alter the same namespace or collection at once.",
        remedy="Send the request again.",
        retryable="yes",
    ),
    ErrorCode.TOPOLOGY_CONFLICT: ErrorInfo(
        code=ErrorCode.TOPOLOGY_CONFLICT,
        status=409,
        title="Concurrent change of the topology",
        meaning="The topology changed between reading and writing it, more often than the server was willing to repeat. Nothing was changed.",
        cause="Several operators, or an operator and the cluster's own repairs, change it at once.",
        remedy="Look at the topology, and send the request again if it is still wanted.",
        retryable="yes",
    ),
    ErrorCode.PLACEMENT_REFUSED: ErrorInfo(
        code=ErrorCode.PLACEMENT_REFUSED,
        status=409,
        title="Placement refused",
        meaning="A replica cannot be placed as the request wants; `detail` says why. Nothing was changed.",
        cause="A replica to a node that has one of the shard already, or from one that has none; to a node that is leaving, down or a read replica; more replicas than are allowed.",
        remedy="Choose another node, or add one first; adminShard shows where the replicas are.",
        retryable="no",
    ),
    ErrorCode.NODE_IN_USE: ErrorInfo(
        code=ErrorCode.NODE_IN_USE,
        status=409,
        title="Node is in use",
        meaning="The node cannot be drained or removed, for it holds what no other node would have; `detail` says what. Nothing was changed.",
        cause="A node that still holds replicas is to be removed without force=true; it is the only one that can hold data; or it has the only voter of a shard.",
        remedy="Add a node, drain this one, and remove it when it holds no replica; force=true only for a node that will never come back.",
        retryable="no",
    ),
    ErrorCode.TRANSFER_REFUSED: ErrorInfo(
        code=ErrorCode.TRANSFER_REFUSED,
        status=409,
        title="Transfer of the leader refused",
        meaning="The leader cannot be moved to this node, or did not move in time; `detail` says why. It is where it was, or where the shard has since put it.",
        cause="The node has no replica of the shard that votes, does not answer, or is too far behind; or another change of the shard is under way.",
        remedy="Choose another voter, which adminShard lists; or wait until the change is over.",
        retryable="no",
    ),
    ErrorCode.PRECONDITION_FAILED: ErrorInfo(
        code=ErrorCode.PRECONDITION_FAILED,
        status=412,
        title="Precondition failed",
        meaning="If-Match or If-None-Match did not hold when the write was applied. `version` is the current version, null if there is no entity.",
        cause="Somebody else wrote the entity since you read it, or it exists although it must not.",
        remedy="Read the entity again, decide again, and write with the new version.",
        retryable="no",
    ),
    ErrorCode.BODY_TOO_LARGE: ErrorInfo(
        code=ErrorCode.BODY_TOO_LARGE,
        status=413,
        title="Body too large",
        meaning="The body is larger than `limit` bytes. The server stopped reading it and closes the connection.",
        cause="A large document, or a batch beyond its size (8 MiB by default).",
        remedy="Split the batch; move large content out of the document.",
        retryable="no",
    ),
    ErrorCode.TOO_MANY_ITEMS: ErrorInfo(
        code=ErrorCode.TOO_MANY_ITEMS,
        status=413,
        title="Too many items",
        meaning="The batch has more than `limit` items (10,000 by default). Nothing of it was carried out.",
        cause="A batch that was not split.",
        remedy="Split it; the SDKs do it by themselves.",
        retryable="no",
    ),
    ErrorCode.DOCUMENT_TOO_LARGE: ErrorInfo(
        code=ErrorCode.DOCUMENT_TOO_LARGE,
        status=413,
        title="Document too large",
        meaning="The document, or the document that a merge patch would result in, is larger than `limit` bytes.",
        cause="Growth by patches, or one large document within an otherwise acceptable batch.",
        remedy="Split the document into several entities.",
        retryable="no",
    ),
    ErrorCode.BATCH_RESPONSE_LIMIT: ErrorInfo(
        code=ErrorCode.BATCH_RESPONSE_LIMIT,
        status=413,
        title="Batch answer is full",
        meaning="The answer reached its size limit (32 MiB by default) before this item; the item was not read.",
        cause="Many large documents asked for at once.",
        remedy="Ask for the items that have this error again, in a batch of their own.",
        retryable="yes",
        item_only=True,
    ),
    ErrorCode.URI_TOO_LONG: ErrorInfo(
        code=ErrorCode.URI_TOO_LONG,
        status=414,
        title="URI too long",
        meaning="The request target is longer than `limit` bytes.",
        cause="A cursor or a parameter that was added again and again.",
        remedy="Correct the client.",
        retryable="no",
    ),
    ErrorCode.UNSUPPORTED_MEDIA_TYPE: ErrorInfo(
        code=ErrorCode.UNSUPPORTED_MEDIA_TYPE,
        status=415,
        title="Unsupported media type",
        meaning="The operation does not take a body of this Content-Type; `allowed` lists those it takes.",
        cause="A form encoding, text/plain, no Content-Type at all, or a charset other than UTF-8.",
        remedy="Send Content-Type: application/json.",
        retryable="no",
    ),
    ErrorCode.CONTENT_ENCODING_UNSUPPORTED: ErrorInfo(
        code=ErrorCode.CONTENT_ENCODING_UNSUPPORTED,
        status=415,
        title="Content encoding not supported",
        meaning="Request bodies must not be compressed.",
        cause="A client or proxy that compresses bodies by itself.",
        remedy="Send the body as it is, without Content-Encoding.",
        retryable="no",
    ),
    ErrorCode.WRONG_SHARD: ErrorInfo(
        code=ErrorCode.WRONG_SHARD,
        status=421,
        title="Wrong shard",
        meaning="The node does not own the key any more and may not forward again; `owner` is the endpoint to ask and `epoch` the topology that says so.",
        cause="The sender routed by an older topology than the node's.",
        remedy="Send the request to `owner` at once, then refresh the topology. The SDKs do.",
        retryable="yes",
    ),
    ErrorCode.IDEMPOTENCY_KEY_REUSED: ErrorInfo(
        code=ErrorCode.IDEMPOTENCY_KEY_REUSED,
        status=422,
        title="Idempotency key reused",
        meaning="The Idempotency-Key was used before with another request, so neither repeating nor replaying is right.",
        cause="A key that is constant or drawn from too small a set.",
        remedy="Use a new random key for each logical write, the same only when repeating it unchanged.",
        retryable="no",
    ),
    ErrorCode.TOO_MANY_REQUESTS: ErrorInfo(
        code=ErrorCode.TOO_MANY_REQUESTS,
        status=429,
        title="Too many requests",
        meaning="The shard's queue of proposals is full; the request was not carried out. `retry_after_s` says when to try again.",
        cause="More writes than the disk or the followers take.",
        remedy="Wait and retry with backoff; write in batches.",
        retryable="yes",
    ),
    ErrorCode.TOO_MANY_CONNECTIONS: ErrorInfo(
        code=ErrorCode.TOO_MANY_CONNECTIONS,
        status=429,
        title="Too many connections",
        meaning="The client's address has `limit` connections open already.",
        cause="A client without a connection pool, or many clients behind one address.",
        remedy="Reuse connections; raise limits.connections_per_address_max if the address is shared.",
        retryable="yes",
    ),
    ErrorCode.HEADERS_TOO_LARGE: ErrorInfo(
        code=ErrorCode.HEADERS_TOO_LARGE,
        status=431,
        title="Headers too large",
        meaning="The request has more header fields, or a longer one, than the server takes; `limit` is the limit that was passed.",
        cause="Oversized cookies or tokens, or a proxy in a loop.",
        remedy="Send fewer and shorter headers.",
        retryable="no",
    ),
    ErrorCode.INTERNAL: ErrorInfo(
        code=ErrorCode.INTERNAL,
        status=500,
        title="Internal error",
        meaning="The server met a condition it has no answer for. It is a defect of ThemisDB.",
        cause="A bug; the log of the node has the details under the request_id.",
        remedy="Report it with the request_id. Whether a write was carried out is not known.",
        retryable="no",
    ),
    ErrorCode.NOT_READY: ErrorInfo(
        code=ErrorCode.NOT_READY,
        status=503,
        title="Not ready",
        meaning="The node is up, but cannot serve yet.",
        cause="It replays its log after a start, or has no metadata yet.",
        remedy="Wait for /health/ready, or ask another node.",
        retryable="yes",
    ),
    ErrorCode.SHUTTING_DOWN: ErrorInfo(
        code=ErrorCode.SHUTTING_DOWN,
        status=503,
        title="Shutting down",
        meaning="The node finishes what it accepted and takes nothing new.",
        cause="It received SIGTERM, for an upgrade or a move.",
        remedy="Ask another node; on a cluster of one, wait for it to come back.",
        retryable="yes",
    ),
    ErrorCode.NO_LEADER: ErrorInfo(
        code=ErrorCode.NO_LEADER,
        status=503,
        title="No leader",
        meaning="The shard has no leader at the moment; the request was not carried out.",
        cause="A leader was lost and its successor is not elected yet, or a majority of the replicas is gone.",
        remedy="Retry with backoff; an election takes about a second.",
        retryable="yes",
    ),
    ErrorCode.NODE_UNREACHABLE: ErrorInfo(
        code=ErrorCode.NODE_UNREACHABLE,
        status=503,
        title="Node does not answer",
        meaning="A node that is needed for the request could not be reached; the request was not carried out.",
        cause="The node is down or cut off from the one that was asked, and its lease has not ended yet.",
        remedy="Retry with backoff, or ask another node; adminNodes says since when it has been away.",
        retryable="yes",
    ),
    ErrorCode.LAG_EXCEEDED: ErrorInfo(
        code=ErrorCode.LAG_EXCEEDED,
        status=503,
        title="No replica is fresh enough",
        meaning="No replica that can be reached could prove that it is at most `limit` milliseconds behind the leader; `lag_ms` is the least that one could prove.",
        cause="The leader was lost a moment ago, the replicas here are cut off from it, or max_lag_ms is smaller than the network allows.",
        remedy="Retry with backoff, allow a greater max_lag_ms, or read with consistency=eventual if any state will do.",
        retryable="yes",
    ),
    ErrorCode.SESSION_NOT_REACHED: ErrorInfo(
        code=ErrorCode.SESSION_NOT_REACHED,
        status=503,
        title="Session not reached",
        meaning="No replica that can be reached has the state that Themis-Session speaks of, in the time that a read waits for it.",
        cause="The leader was lost a moment ago and the replicas here lag; or the token is of another cluster, or of one that was restored from a backup.",
        remedy="Retry with backoff; if it lasts, the token is not of this cluster's history. Begin a new session without it.",
        retryable="yes",
    ),
    ErrorCode.STALE_EPOCH: ErrorInfo(
        code=ErrorCode.STALE_EPOCH,
        status=503,
        title="Topology of the node is old",
        meaning="The node acted on a topology older than the one it met, and was refused; the request was not carried out. `epoch` is the newer one.",
        cause="The node was paused or cut off while the topology changed, and learns of it just now.",
        remedy="Retry; the node refreshes its topology at once.",
        retryable="yes",
    ),
    ErrorCode.METADATA_OUTDATED: ErrorInfo(
        code=ErrorCode.METADATA_OUTDATED,
        status=503,
        title="Metadata store is outdated",
        meaning="The metadata store shows an older epoch of the topology than this node has seen, or another topology of the same epoch. Changes of the topology are refused; data is served on by the topology that was seen.",
        cause="etcd was restored from an old backup, or the node was pointed at another cluster's store.",
        remedy="Restore the store to what it was; docs/operate says how to go on if that is lost.",
        retryable="no",
    ),
    ErrorCode.METADATA_UNAVAILABLE: ErrorInfo(
        code=ErrorCode.METADATA_UNAVAILABLE,
        status=503,
        title="Metadata cannot be changed now",
        meaning="The metadata store does not answer, or has no majority. Nothing was changed. Reads, and writes into existing collections, go on.",
        cause="etcd is down or cannot be reached; or with embedded metadata, most of the nodes that vote on it are.",
        remedy="Bring the store back; then send the request again.",
        retryable="yes",
    ),
    ErrorCode.OUTCOME_UNKNOWN: ErrorInfo(
        code=ErrorCode.OUTCOME_UNKNOWN,
        status=504,
        title="Outcome unknown",
        meaning="The write was accepted, but not confirmed in time. It may have been carried out, may still be, or never.",
        cause="A leader lost in the middle, a stalled disk, a majority that does not answer.",
        remedy="Repeat it with the same Idempotency-Key; without a key, read the entity and decide.",
        retryable="with_key",
    ),
    ErrorCode.DISK_FULL: ErrorInfo(
        code=ErrorCode.DISK_FULL,
        status=507,
        title="Disk full",
        meaning="The node has no room to write; reads go on. The request was not carried out.",
        cause="The free space fell below storage.disk_reserve_bytes.",
        remedy="Free or add space; the node takes writes again by itself.",
        retryable="yes",
    ),
}
