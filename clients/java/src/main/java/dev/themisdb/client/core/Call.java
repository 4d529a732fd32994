package dev.themisdb.client.core;

import dev.themisdb.client.generated.Operation;
import dev.themisdb.client.transport.Endpoint;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** One logical call, ready to be sent. Built by its own methods, then not changed any more. */
final class Call {

  private static final byte[] NOTHING = {};

  /** Its entry in the operation table. */
  final Operation operation;

  /** Path and query. */
  final String target;

  /** For the whole call. */
  final long timeoutNanos;

  /** Beyond those that every request has. */
  final Map<String, String> headers = new LinkedHashMap<>();

  byte[] body = NOTHING;

  /** Of the key it is about, for routing; null for any node. */
  @Nullable Long keyHash;

  /** The only node to ask; null lets the router choose. */
  @Nullable Endpoint endpoint;

  /** Statuses beyond 2xx that the caller wants to see as answers. */
  Set<Integer> expected = Set.of();

  /** Whether it may be sent again although it may have reached a server. */
  boolean repeatable = true;

  /** How fresh the answer must be; its parameters are the end of the target. */
  Freshness freshness = Freshness.UNSAID;

  /** Whether a replica that lags may be asked at first, where one may answer at all. */
  boolean anyReplica;

  /** Whether it is about a single entity, so that who answers as leader leads its shard. */
  boolean ofOneEntity;

  /** The endpoint to ask first, where it is not out; null lets the router choose. */
  @Nullable Endpoint first;

  /** Instead of the policy's. */
  @Nullable Integer retriesMax;

  Call(Operation operation, String target, long timeoutNanos) {
    this.operation = operation;
    this.target = target;
    this.timeoutNanos = timeoutNanos;
  }

  /** Makes it a read of this freshness, which the target says already. */
  void reads(Freshness wanted) {
    freshness = wanted;
    anyReplica = wanted.anyReplica();
  }
}
