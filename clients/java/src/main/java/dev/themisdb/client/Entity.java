package dev.themisdb.client;

import com.fasterxml.jackson.databind.node.ObjectNode;
import org.jspecify.annotations.Nullable;

/**
 * An entity as it was read.
 *
 * @param urn its name
 * @param version the version it had
 * @param doc its document
 * @param role the role of the replica that answered, null where the answer does not say
 * @param lagMs how many milliseconds it may be behind, null where the answer does not say
 * @param node the id of the node that it is on, null where the answer does not say
 */
public record Entity(
    Urn urn,
    long version,
    ObjectNode doc,
    @Nullable String role,
    @Nullable Long lagMs,
    @Nullable String node) {

  @Override
  public String toString() {
    // Entities end up in logs; what is in their documents should not.
    return "Entity[" + urn + ", version " + version + "]";
  }
}
