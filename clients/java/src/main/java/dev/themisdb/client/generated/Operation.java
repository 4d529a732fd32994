// Generated from spec/ by `python -m tools.codegen`: do not edit.

package dev.themisdb.client.generated;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** The operations of the API. */
@SuppressWarnings("ImmutableEnumChecker") // Every list is a List.of.
public enum Operation {
  /** Read an entity. */
  GET_ENTITY(
      "getEntity",
      "GET",
      "/entity/{urn}",
      List.of("urn"),
      List.of("consistency", "max_lag_ms"),
      List.of("Themis-Session", "If-None-Match"),
      List.of(),
      "application/json",
      List.of(200, 304),
      Routing.URN,
      true),

  /** Ask whether an entity exists, and in which version. */
  HEAD_ENTITY(
      "headEntity",
      "HEAD",
      "/entity/{urn}",
      List.of("urn"),
      List.of("consistency", "max_lag_ms"),
      List.of("Themis-Session", "If-None-Match"),
      List.of(),
      null,
      List.of(200, 304),
      Routing.URN,
      true),

  /** Create or replace an entity. */
  PUT_ENTITY(
      "putEntity",
      "PUT",
      "/entity/{urn}",
      List.of("urn"),
      List.of(),
      List.of("If-Match", "If-None-Match", "Idempotency-Key"),
      List.of("application/json"),
      "application/json",
      List.of(200, 201),
      Routing.URN,
      false),

  /** Change members of an entity. */
  PATCH_ENTITY(
      "patchEntity",
      "PATCH",
      "/entity/{urn}",
      List.of("urn"),
      List.of(),
      List.of("If-Match", "Idempotency-Key"),
      List.of("application/merge-patch+json", "application/json"),
      "application/json",
      List.of(200),
      Routing.URN,
      false),

  /** Delete an entity. */
  DELETE_ENTITY(
      "deleteEntity",
      "DELETE",
      "/entity/{urn}",
      List.of("urn"),
      List.of(),
      List.of("If-Match", "Idempotency-Key"),
      List.of(),
      "application/json",
      List.of(200),
      Routing.URN,
      false),

  /** Read many entities. */
  BATCH_GET(
      "batchGet",
      "POST",
      "/batch/get",
      List.of(),
      List.of("consistency", "max_lag_ms"),
      List.of("Themis-Session"),
      List.of("application/json"),
      "application/json",
      List.of(200),
      Routing.URN,
      true),

  /** Create or replace many entities. */
  BATCH_PUT(
      "batchPut",
      "POST",
      "/batch/put",
      List.of(),
      List.of(),
      List.of("Idempotency-Key"),
      List.of("application/json"),
      "application/json",
      List.of(200),
      Routing.URN,
      false),

  /** Delete many entities. */
  BATCH_DELETE(
      "batchDelete",
      "POST",
      "/batch/delete",
      List.of(),
      List.of(),
      List.of("Idempotency-Key"),
      List.of("application/json"),
      "application/json",
      List.of(200),
      Routing.URN,
      false),

  /** List the namespaces. */
  LIST_NAMESPACES(
      "listNamespaces",
      "GET",
      "/namespaces",
      List.of(),
      List.of("limit", "cursor"),
      List.of(),
      List.of(),
      "application/json",
      List.of(200),
      Routing.ANY,
      true),

  /** Create a namespace. */
  CREATE_NAMESPACE(
      "createNamespace",
      "POST",
      "/namespaces",
      List.of(),
      List.of(),
      List.of("Idempotency-Key"),
      List.of("application/json"),
      "application/json",
      List.of(201),
      Routing.LEADER,
      false),

  /** Describe a namespace. */
  GET_NAMESPACE(
      "getNamespace",
      "GET",
      "/namespaces/{namespace}",
      List.of("namespace"),
      List.of(),
      List.of(),
      List.of(),
      "application/json",
      List.of(200),
      Routing.ANY,
      true),

  /** Change the options of a namespace. */
  ALTER_NAMESPACE(
      "alterNamespace",
      "PATCH",
      "/namespaces/{namespace}",
      List.of("namespace"),
      List.of(),
      List.of("Idempotency-Key"),
      List.of("application/json"),
      "application/json",
      List.of(200),
      Routing.LEADER,
      false),

  /** Drop a namespace. */
  DROP_NAMESPACE(
      "dropNamespace",
      "DELETE",
      "/namespaces/{namespace}",
      List.of("namespace"),
      List.of("force"),
      List.of("Idempotency-Key"),
      List.of(),
      "application/json",
      List.of(200),
      Routing.LEADER,
      false),

  /** List the collections of a namespace. */
  LIST_COLLECTIONS(
      "listCollections",
      "GET",
      "/namespaces/{namespace}/collections",
      List.of("namespace"),
      List.of("limit", "cursor"),
      List.of(),
      List.of(),
      "application/json",
      List.of(200),
      Routing.ANY,
      true),

  /** Create a collection. */
  CREATE_COLLECTION(
      "createCollection",
      "POST",
      "/namespaces/{namespace}/collections",
      List.of("namespace"),
      List.of(),
      List.of("Idempotency-Key"),
      List.of("application/json"),
      "application/json",
      List.of(201),
      Routing.LEADER,
      false),

  /** Describe a collection. */
  GET_COLLECTION(
      "getCollection",
      "GET",
      "/namespaces/{namespace}/collections/{collection}",
      List.of("namespace", "collection"),
      List.of(),
      List.of(),
      List.of(),
      "application/json",
      List.of(200),
      Routing.ANY,
      true),

  /** Change the options of a collection. */
  ALTER_COLLECTION(
      "alterCollection",
      "PATCH",
      "/namespaces/{namespace}/collections/{collection}",
      List.of("namespace", "collection"),
      List.of(),
      List.of("Idempotency-Key"),
      List.of("application/json"),
      "application/json",
      List.of(200),
      Routing.LEADER,
      false),

  /** Drop a collection with its data. */
  DROP_COLLECTION(
      "dropCollection",
      "DELETE",
      "/namespaces/{namespace}/collections/{collection}",
      List.of("namespace", "collection"),
      List.of(),
      List.of("Idempotency-Key"),
      List.of(),
      "application/json",
      List.of(200),
      Routing.LEADER,
      false),

  /** Count the entities of a collection. */
  COUNT_COLLECTION(
      "countCollection",
      "GET",
      "/namespaces/{namespace}/collections/{collection}/count",
      List.of("namespace", "collection"),
      List.of("consistency", "max_lag_ms"),
      List.of("Themis-Session"),
      List.of(),
      "application/json",
      List.of(200),
      Routing.ALL,
      true),

  /** List the entities of a collection. */
  LIST_ENTITIES(
      "listEntities",
      "GET",
      "/namespaces/{namespace}/collections/{collection}/entities",
      List.of("namespace", "collection"),
      List.of("limit", "cursor", "include", "consistency", "max_lag_ms"),
      List.of("Themis-Session"),
      List.of(),
      "application/json",
      List.of(200),
      Routing.ALL,
      true),

  /** Read the topology, or wait for a newer one. */
  GET_TOPOLOGY(
      "getTopology",
      "GET",
      "/topology",
      List.of(),
      List.of("after_epoch", "wait_ms"),
      List.of("If-None-Match"),
      List.of(),
      "application/json",
      List.of(200, 304),
      Routing.ANY,
      true),

  /** Ask what the server is and can do. */
  GET_VERSION(
      "getVersion",
      "GET",
      "/version",
      List.of(),
      List.of(),
      List.of(),
      List.of(),
      "application/json",
      List.of(200),
      Routing.ANY,
      true),

  /** Ask whether the process is alive. */
  GET_LIVE(
      "getLive",
      "GET",
      "/health/live",
      List.of(),
      List.of(),
      List.of(),
      List.of(),
      "application/json",
      List.of(200),
      Routing.ANY,
      true),

  /** Ask whether the node takes requests. */
  GET_READY(
      "getReady",
      "GET",
      "/health/ready",
      List.of(),
      List.of(),
      List.of(),
      List.of(),
      "application/json",
      List.of(200),
      Routing.ANY,
      true),

  /** Read the metrics of this node for Prometheus. */
  GET_METRICS(
      "getMetrics",
      "GET",
      "/metrics",
      List.of(),
      List.of(),
      List.of(),
      List.of(),
      "text/plain",
      List.of(200),
      Routing.ANY,
      true),

  /** Read this document. */
  GET_OPENAPI(
      "getOpenapi",
      "GET",
      "/openapi.json",
      List.of(),
      List.of(),
      List.of(),
      List.of(),
      "application/json",
      List.of(200),
      Routing.ANY,
      true),

  /** Read the shards as an operator sees them. */
  ADMIN_TOPOLOGY(
      "adminTopology",
      "GET",
      "/api/admin/topology",
      List.of(),
      List.of(),
      List.of(),
      List.of(),
      "application/json",
      List.of(200),
      Routing.ANY,
      true),

  /** Read the figures of this node for a dashboard. */
  ADMIN_METRICS(
      "adminMetrics",
      "GET",
      "/api/admin/metrics",
      List.of(),
      List.of("node_id"),
      List.of(),
      List.of(),
      "application/json",
      List.of(200),
      Routing.ANY,
      true),

  /** Read how the cluster is. */
  ADMIN_STATUS(
      "adminStatus",
      "GET",
      "/api/admin/status",
      List.of(),
      List.of(),
      List.of(),
      List.of(),
      "application/json",
      List.of(200),
      Routing.ANY,
      true),

  /** List the nodes. */
  ADMIN_NODES(
      "adminNodes",
      "GET",
      "/api/admin/nodes",
      List.of(),
      List.of(),
      List.of(),
      List.of(),
      "application/json",
      List.of(200),
      Routing.ANY,
      true),

  /** Describe a node. */
  ADMIN_NODE(
      "adminNode",
      "GET",
      "/api/admin/nodes/{node_id}",
      List.of("node_id"),
      List.of(),
      List.of(),
      List.of(),
      "application/json",
      List.of(200),
      Routing.ANY,
      true),

  /** Remove a node from the cluster. */
  ADMIN_REMOVE_NODE(
      "adminRemoveNode",
      "DELETE",
      "/api/admin/nodes/{node_id}",
      List.of("node_id"),
      List.of("force"),
      List.of(),
      List.of(),
      "application/json",
      List.of(200),
      Routing.LEADER,
      true),

  /** Move everything off a node. */
  ADMIN_DRAIN_NODE(
      "adminDrainNode",
      "POST",
      "/api/admin/nodes/{node_id}/drain",
      List.of("node_id"),
      List.of(),
      List.of(),
      List.of(),
      "application/json",
      List.of(200),
      Routing.LEADER,
      true),

  /** Let a node that is leaving stay. */
  ADMIN_UNDRAIN_NODE(
      "adminUndrainNode",
      "POST",
      "/api/admin/nodes/{node_id}/undrain",
      List.of("node_id"),
      List.of(),
      List.of(),
      List.of(),
      "application/json",
      List.of(200),
      Routing.LEADER,
      true),

  /** List the shards with their replicas. */
  ADMIN_SHARDS(
      "adminShards",
      "GET",
      "/api/admin/shards",
      List.of(),
      List.of(),
      List.of(),
      List.of(),
      "application/json",
      List.of(200),
      Routing.ANY,
      true),

  /** Describe a shard. */
  ADMIN_SHARD(
      "adminShard",
      "GET",
      "/api/admin/shards/{shard_id}",
      List.of("shard_id"),
      List.of(),
      List.of(),
      List.of(),
      "application/json",
      List.of(200),
      Routing.ANY,
      true),

  /** Move the leader of a shard. */
  ADMIN_TRANSFER_LEADER(
      "adminTransferLeader",
      "POST",
      "/api/admin/shards/{shard_id}/transfer-leader",
      List.of("shard_id"),
      List.of(),
      List.of(),
      List.of("application/json"),
      "application/json",
      List.of(200),
      Routing.ANY,
      true),

  /** Move a replica of a shard to another node. */
  ADMIN_REPLACE_REPLICA(
      "adminReplaceReplica",
      "POST",
      "/api/admin/shards/{shard_id}/replace-replica",
      List.of("shard_id"),
      List.of(),
      List.of(),
      List.of("application/json"),
      "application/json",
      List.of(200),
      Routing.LEADER,
      true),

  /** Set how many replicas each shard shall have. */
  ADMIN_SET_REPLICAS(
      "adminSetReplicas",
      "PUT",
      "/api/admin/replicas",
      List.of(),
      List.of(),
      List.of(),
      List.of("application/json"),
      "application/json",
      List.of(200),
      Routing.LEADER,
      true),

  /** List the join tokens. */
  ADMIN_JOIN_TOKENS(
      "adminJoinTokens",
      "GET",
      "/api/admin/join-tokens",
      List.of(),
      List.of(),
      List.of(),
      List.of(),
      "application/json",
      List.of(200),
      Routing.ANY,
      true),

  /** Make a join token. */
  ADMIN_CREATE_JOIN_TOKEN(
      "adminCreateJoinToken",
      "POST",
      "/api/admin/join-tokens",
      List.of(),
      List.of(),
      List.of(),
      List.of("application/json"),
      "application/json",
      List.of(201),
      Routing.LEADER,
      true),

  /** Revoke a join token. */
  ADMIN_REVOKE_JOIN_TOKEN(
      "adminRevokeJoinToken",
      "DELETE",
      "/api/admin/join-tokens/{token_id}",
      List.of("token_id"),
      List.of(),
      List.of(),
      List.of(),
      "application/json",
      List.of(200),
      Routing.LEADER,
      true);

  /** The version of the API that this table describes, major.minor. */
  public static final String API_VERSION = "1.0";

  private final String operationId;
  private final String method;
  private final String path;
  private final List<String> pathParams;
  private final List<String> queryParams;
  private final List<String> headerParams;
  private final List<String> requestMediaTypes;
  private final @Nullable String responseMediaType;
  private final List<Integer> expected;
  private final Routing routing;
  private final boolean idempotent;

  Operation(
      String operationId,
      String method,
      String path,
      List<String> pathParams,
      List<String> queryParams,
      List<String> headerParams,
      List<String> requestMediaTypes,
      @Nullable String responseMediaType,
      List<Integer> expected,
      Routing routing,
      boolean idempotent) {
    this.operationId = operationId;
    this.method = method;
    this.path = path;
    this.pathParams = pathParams;
    this.queryParams = queryParams;
    this.headerParams = headerParams;
    this.requestMediaTypes = requestMediaTypes;
    this.responseMediaType = responseMediaType;
    this.expected = expected;
    this.routing = routing;
    this.idempotent = idempotent;
  }

  /** Whom an operation is asked of. */
  public enum Routing {
    /** The leader of the shard of the URN; in a batch, of each item's URN. */
    URN,

    /** Any node. */
    ANY,

    /** Any node, which gathers the answer from all shards. */
    ALL,

    /** Any node, which forwards it to whoever changes metadata. */
    LEADER
  }

  /**
   * Returns its name.
   *
   * @return the name, as the specification has it
   */
  public String operationId() {
    return operationId;
  }

  /**
   * Returns the HTTP method.
   *
   * @return the method, in upper case
   */
  public String method() {
    return method;
  }

  /**
   * Returns the path.
   *
   * @return the path, with parameters in braces
   */
  public String path() {
    return path;
  }

  /**
   * Returns the parameters in the path.
   *
   * @return their names
   */
  public List<String> pathParams() {
    return pathParams;
  }

  /**
   * Returns the parameters in the query.
   *
   * @return their names, as on the wire
   */
  public List<String> queryParams() {
    return queryParams;
  }

  /**
   * Returns the headers it understands beside those that all operations do.
   *
   * @return their names
   */
  public List<String> headerParams() {
    return headerParams;
  }

  /**
   * Returns which media types a body may have.
   *
   * @return the types; none if there is no body
   */
  public List<String> requestMediaTypes() {
    return requestMediaTypes;
  }

  /**
   * Returns the media type of a successful answer.
   *
   * @return the type; null if it has no body
   */
  public @Nullable String responseMediaType() {
    return responseMediaType;
  }

  /**
   * Returns the statuses that are no errors.
   *
   * @return the statuses, ascending
   */
  public List<Integer> expected() {
    return expected;
  }

  /**
   * Returns whom it is asked of.
   *
   * @return the rule
   */
  public Routing routing() {
    return routing;
  }

  /**
   * Returns whether it may be repeated without an Idempotency-Key.
   *
   * @return true if so
   */
  public boolean idempotent() {
    return idempotent;
  }
}
