// Generated from spec/ by `python -m tools.codegen`: do not edit.

package dev.themisdb.client.generated;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Where topology and catalogue are kept, and whether they can be changed.
 *
 * @param store embedded: in a Raft group of the cluster; etcd: in an etcd cluster
 * @param available whether it can be changed now
 * @param why why it cannot be changed; missing while it can; null if absent
 * @param leader embedded: the node that leads its group, null while there is none. etcd: null; may
 *     be null
 * @param members the members of its group as the topology wants them; empty with etcd
 */
@JsonIgnoreProperties(ignoreUnknown = true)
@JsonInclude(JsonInclude.Include.NON_NULL)
public record MetadataStatus(
    @JsonProperty(value = "store", required = true) String store,
    @JsonProperty(value = "available", required = true) boolean available,
    @Nullable String why,
    @JsonProperty(value = "leader", required = true) @Nullable String leader,
    @JsonProperty(value = "members", required = true) List<Replica> members) {
  /**
   * Checks what must be there, and copies the lists.
   *
   * @param store embedded: in a Raft group of the cluster; etcd: in an etcd cluster
   * @param available whether it can be changed now
   * @param why why it cannot be changed; missing while it can; null if absent
   * @param leader embedded: the node that leads its group, null while there is none. etcd: null;
   *     may be null
   * @param members the members of its group as the topology wants them; empty with etcd
   */
  public MetadataStatus {
    Objects.requireNonNull(store, "store");
    members = List.copyOf(members);
  }
}
