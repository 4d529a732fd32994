package dev.themisdb.client;

import com.fasterxml.jackson.databind.node.ObjectNode;
import org.jspecify.annotations.Nullable;

/**
 * An entity of a listing.
 *
 * @param urn its name
 * @param version the version it had
 * @param doc its document, null when only versions were asked for
 */
public record ListedEntity(Urn urn, long version, @Nullable ObjectNode doc) {

  @Override
  public String toString() {
    return "ListedEntity[" + urn + ", version " + version + "]";
  }
}
