// Generated from spec/ by `python -m tools.codegen`: do not edit.

package dev.themisdb.client.generated;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.List;

/**
 * Nodes, shards and the token table.
 *
 * @param epoch its epoch
 * @param nodes the nodes, in the order of their ids
 * @param shards the shards, in the order of their ids
 * @param tokens the token table, sorted by token as unsigned numbers (which is the order of the
 *     texts). No token occurs twice
 */
@JsonIgnoreProperties(ignoreUnknown = true)
public record Topology(
    @JsonProperty(value = "epoch", required = true) long epoch,
    @JsonProperty(value = "nodes", required = true) List<Node> nodes,
    @JsonProperty(value = "shards", required = true) List<Shard> shards,
    @JsonProperty(value = "tokens", required = true) List<List<String>> tokens) {
  /**
   * Checks what must be there, and copies the lists.
   *
   * @param epoch its epoch
   * @param nodes the nodes, in the order of their ids
   * @param shards the shards, in the order of their ids
   * @param tokens the token table, sorted by token as unsigned numbers (which is the order of the
   *     texts). No token occurs twice
   */
  public Topology {
    nodes = List.copyOf(nodes);
    shards = List.copyOf(shards);
    tokens = tokens.stream().map(List::copyOf).toList();
  }
}
