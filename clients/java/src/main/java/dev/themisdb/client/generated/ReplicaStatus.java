// Generated from spec/ by `python -m tools.codegen`: do not edit.

package dev.themisdb.client.generated;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A replica of a shard, as its leader and its own node see it.
 *
 * @param nodeId the node it is on
 * @param role what it is now: voter, learner, or none if it is not a member of the Raft group (any
 *     more). As the topology has it where the leader did not answer
 * @param wanted what the topology wants it to be; none: it is to go
 * @param state its state in Raft; absent: its node answered and has no such replica (yet);
 *     unreachable: its node did not answer
 * @param match the index up to which the leader knows its log to be the same; null if absent
 * @param lagEntries how many entries of the leader's log it does not have yet; null if absent
 * @param applied the index of the last entry it has applied; missing if its node did not answer;
 *     null if absent
 */
@JsonIgnoreProperties(ignoreUnknown = true)
@JsonInclude(JsonInclude.Include.NON_NULL)
public record ReplicaStatus(
    @JsonProperty(value = "node_id", required = true) String nodeId,
    @JsonProperty(value = "role", required = true) String role,
    @JsonProperty(value = "wanted", required = true) String wanted,
    @JsonProperty(value = "state", required = true) String state,
    @Nullable Long match,
    @JsonProperty("lag_entries") @Nullable Long lagEntries,
    @Nullable Long applied) {
  /**
   * Checks what must be there, and copies the lists.
   *
   * @param nodeId the node it is on
   * @param role what it is now: voter, learner, or none if it is not a member of the Raft group
   *     (any more). As the topology has it where the leader did not answer
   * @param wanted what the topology wants it to be; none: it is to go
   * @param state its state in Raft; absent: its node answered and has no such replica (yet);
   *     unreachable: its node did not answer
   * @param match the index up to which the leader knows its log to be the same; null if absent
   * @param lagEntries how many entries of the leader's log it does not have yet; null if absent
   * @param applied the index of the last entry it has applied; missing if its node did not answer;
   *     null if absent
   */
  public ReplicaStatus {
    Objects.requireNonNull(nodeId, "node_id");
    Objects.requireNonNull(role, "role");
    Objects.requireNonNull(wanted, "wanted");
    Objects.requireNonNull(state, "state");
  }
}
