package dev.themisdb.adapter;

import dev.themisdb.client.CallOptions;
import dev.themisdb.client.CollectionSettings;
import dev.themisdb.client.NamespaceSettings;
import dev.themisdb.client.ReadOptions;
import dev.themisdb.client.ThemisClient;
import dev.themisdb.client.VersionMatch;
import dev.themisdb.client.WriteOptions;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Callable;

/** Which method of ThemisClient an op is. */
final class SyncOps {

  private SyncOps() {}

  static Callable<Object> call(ThemisClient client, String op, Arguments args) {
    Callable<Object> found =
        switch (op) {
          case "get", "get_entity", "exists" -> read(client, op, args);
          case "put", "patch", "delete" -> write(client, op, args);
          case "batch_get", "batch_put", "batch_delete" -> batch(client, op, args);
          case "session_token", "merge_session", "forget_session" -> session(client, op, args);
          default -> other(client, op, args);
        };
    return found;
  }

  private static Callable<Object> read(ThemisClient client, String op, Arguments args) {
    VersionMatch none =
        args.has("if_none_match") ? Arguments.match(args.node("if_none_match")) : null;
    ReadOptions options = args.read();
    if (args.has("urn")) {
      String urn = args.text("urn");
      args.done();
      if (none != null) {
        return () -> client.getEntityIfNoneMatchByUrn(urn, none, options);
      }
      return switch (op) {
        case "get" -> () -> client.getByUrn(urn, options);
        case "get_entity" -> () -> client.getEntityByUrn(urn, options);
        default -> () -> client.existsByUrn(urn, options);
      };
    }
    String model = args.text("model");
    String collection = args.text("collection");
    String uuid = args.text("uuid");
    args.done();
    if (none != null) {
      return () -> client.getEntityIfNoneMatch(model, collection, uuid, none, options);
    }
    return switch (op) {
      case "get" -> () -> client.get(model, collection, uuid, options);
      case "get_entity" -> () -> client.getEntity(model, collection, uuid, options);
      default -> () -> client.exists(model, collection, uuid, options);
    };
  }

  private static Callable<Object> write(ThemisClient client, String op, Arguments args) {
    WriteOptions options = args.write();
    Object data =
        op.equals("delete") ? "" : args.node(op.equals("put") ? "data" : "changes");
    if (args.has("urn")) {
      String urn = args.text("urn");
      args.done();
      return switch (op) {
        case "put" -> () -> client.putByUrn(urn, data, options);
        case "patch" -> () -> client.patchByUrn(urn, data, options);
        default -> () -> client.deleteByUrn(urn, options);
      };
    }
    String model = args.text("model");
    String collection = args.text("collection");
    String uuid = args.text("uuid");
    args.done();
    return switch (op) {
      case "put" -> () -> client.put(model, collection, uuid, data, options);
      case "patch" -> () -> client.patch(model, collection, uuid, data, options);
      default -> () -> client.delete(model, collection, uuid, options);
    };
  }

  private static Callable<Object> batch(ThemisClient client, String op, Arguments args) {
    boolean byUrn = !args.has("model");
    String model = byUrn ? "" : args.text("model");
    String collection = byUrn ? "" : args.text("collection");
    if (op.equals("batch_get")) {
      ReadOptions options = args.read();
      List<String> names = args.names(byUrn ? "urns" : "uuids");
      args.done();
      return byUrn
          ? () -> client.batchGetByUrn(names, options)
          : () -> client.batchGet(model, collection, names, options);
    }
    CallOptions options = args.call();
    if (op.equals("batch_put")) {
      var items = args.puts();
      args.done();
      return byUrn
          ? () -> client.batchPutByUrn(items, options)
          : () -> client.batchPut(model, collection, items, options);
    }
    var items = args.deletions();
    args.done();
    return byUrn
        ? () -> client.batchDeleteByUrn(items, options)
        : () -> client.batchDelete(model, collection, items, options);
  }

  private static Callable<Object> other(ThemisClient client, String op, Arguments args) {
    if (op.equals("count_collection")) {
      ReadOptions options = args.read();
      String name = args.text("name");
      args.done();
      return () -> client.countCollection(name, options);
    }
    CallOptions options = args.call();
    if (op.startsWith("admin_")) {
      return administration(client, op, args, options);
    }
    return op.endsWith("_namespace") || op.endsWith("_collection")
        ? catalogue(client, op, args, options)
        : cluster(client, op, args, options);
  }

  private static Callable<Object> catalogue(
      ThemisClient client, String op, Arguments args, CallOptions options) {
    String name = args.text("name");
    String model = op.equals("create_collection") ? args.text("model") : "";
    boolean force = op.equals("drop_namespace") && args.flag("force");
    boolean changes = op.startsWith("create") || op.startsWith("alter");
    NamespaceSettings namespace =
        changes && op.endsWith("_namespace") ? args.namespaceSettings() : NamespaceSettings.DEFAULT;
    CollectionSettings collection =
        changes && op.endsWith("_collection")
            ? args.collectionSettings()
            : CollectionSettings.DEFAULT;
    args.done();
    return switch (op) {
      case "create_namespace" -> () -> client.createNamespace(name, namespace, options);
      case "alter_namespace" -> () -> client.alterNamespace(name, namespace, options);
      case "get_namespace" -> () -> client.getNamespace(name, options);
      case "drop_namespace" -> () -> client.dropNamespace(name, force, options);
      case "create_collection" ->
          () -> client.createCollection(name, model, collection, options);
      case "alter_collection" -> () -> client.alterCollection(name, collection, options);
      case "get_collection" -> () -> client.getCollection(name, options);
      case "drop_collection" -> () -> client.dropCollection(name, options);
      default -> throw new Unsupported("the op " + op);
    };
  }

  private static Callable<Object> cluster(
      ThemisClient client, String op, Arguments args, CallOptions options) {
    String endpoint = args.has("endpoint") ? args.text("endpoint") : null;
    args.done();
    return switch (op) {
      case "list_namespaces" -> () -> client.listNamespaces(options);
      case "list_collections" -> () -> client.listCollections(options);
      case "topology" -> () -> client.topology(options);
      case "version" -> () -> client.version(options);
      case "metrics" -> () -> client.metrics(options);
      case "health" ->
          () -> endpoint == null ? client.health(options) : client.health(endpoint, options);
      default -> throw new Unsupported("the op " + op);
    };
  }

  private static Callable<Object> session(ThemisClient client, String op, Arguments args) {
    String token = args.textOrNull("token");
    args.done();
    return () -> {
      switch (op) {
        case "merge_session" -> client.mergeSession(token);
        case "forget_session" -> client.forgetSession();
        default -> {
          return client.sessionToken();
        }
      }
      return null;
    };
  }

  private static Callable<Object> administration(
      ThemisClient client, String op, Arguments args, CallOptions options) {
    String node = args.textOrNull("node_id");
    String shard = args.textOrNull("shard_id");
    String source = args.textOrNull("source");
    String target = args.textOrNull("target");
    String token = args.textOrNull("token_id");
    String description = args.textOrNull("description");
    Duration ttl = args.secondsOrNull("ttl_s");
    boolean force = args.flag("force");
    int replicas = op.equals("admin_set_replicas") ? args.number("replicas") : 0;
    args.done();
    return switch (op) {
      case "admin_topology" -> () -> client.adminTopology(options);
      case "admin_metrics" ->
          () -> node == null ? client.adminMetrics(options) : client.adminMetrics(node, options);
      case "admin_status" -> () -> client.adminStatus(options);
      case "admin_nodes" -> () -> client.adminNodes(options);
      case "admin_node" -> () -> client.adminNode(node, options);
      case "admin_remove_node" -> () -> client.adminRemoveNode(node, force, options);
      case "admin_drain_node" -> () -> client.adminDrainNode(node, options);
      case "admin_undrain_node" -> () -> client.adminUndrainNode(node, options);
      case "admin_shards" -> () -> client.adminShards(options);
      case "admin_shard" -> () -> client.adminShard(shard, options);
      case "admin_transfer_leader" -> () -> client.adminTransferLeader(shard, target, options);
      case "admin_replace_replica" ->
          () -> client.adminReplaceReplica(shard, source, target, options);
      case "admin_set_replicas" -> () -> client.adminSetReplicas(replicas, options);
      case "admin_join_tokens" -> () -> client.adminJoinTokens(options);
      case "admin_create_join_token" ->
          () -> client.adminCreateJoinToken(ttl, description, options);
      case "admin_revoke_join_token" -> () -> client.adminRevokeJoinToken(token, options);
      default -> throw new Unsupported("the op " + op);
    };
  }
}
