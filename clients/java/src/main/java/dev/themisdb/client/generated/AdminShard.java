// Generated from spec/ by `python -m tools.codegen`: do not edit.

package dev.themisdb.client.generated;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A shard as an operator sees it.
 *
 * @param shardId its id
 * @param primaryEndpoint the endpoint of its leader, null while there is none; may be null
 * @param replicas the endpoints of all its replicas, the leader's included
 * @param health healthy: all replicas are up; degraded: some are not; down: there is no leader
 * @param datacenter the datacenter of its leader
 * @param tokenRanges which hashes it owns, as ranges that do not touch, sorted
 * @param keyCount how many entities it has; 0 also where that is not known, see key_count_known
 * @param keyCountKnown whether key_count was learned; missing means yes; null if absent
 */
@JsonIgnoreProperties(ignoreUnknown = true)
@JsonInclude(JsonInclude.Include.NON_NULL)
public record AdminShard(
    @JsonProperty(value = "shard_id", required = true) String shardId,
    @JsonProperty(value = "primary_endpoint", required = true) @Nullable String primaryEndpoint,
    @JsonProperty(value = "replicas", required = true) List<String> replicas,
    @JsonProperty(value = "health", required = true) String health,
    @JsonProperty(value = "datacenter", required = true) String datacenter,
    @JsonProperty(value = "token_ranges", required = true) List<TokenRange> tokenRanges,
    @JsonProperty(value = "key_count", required = true) long keyCount,
    @JsonProperty("key_count_known") @Nullable Boolean keyCountKnown) {
  /**
   * Checks what must be there, and copies the lists.
   *
   * @param shardId its id
   * @param primaryEndpoint the endpoint of its leader, null while there is none; may be null
   * @param replicas the endpoints of all its replicas, the leader's included
   * @param health healthy: all replicas are up; degraded: some are not; down: there is no leader
   * @param datacenter the datacenter of its leader
   * @param tokenRanges which hashes it owns, as ranges that do not touch, sorted
   * @param keyCount how many entities it has; 0 also where that is not known, see key_count_known
   * @param keyCountKnown whether key_count was learned; missing means yes; null if absent
   */
  public AdminShard {
    Objects.requireNonNull(shardId, "shard_id");
    replicas = List.copyOf(replicas);
    Objects.requireNonNull(health, "health");
    Objects.requireNonNull(datacenter, "datacenter");
    tokenRanges = List.copyOf(tokenRanges);
  }
}
