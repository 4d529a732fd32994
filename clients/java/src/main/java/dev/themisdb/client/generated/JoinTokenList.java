// Generated from spec/ by `python -m tools.codegen`: do not edit.

package dev.themisdb.client.generated;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.List;

/**
 * The join tokens that are good.
 *
 * @param items the tokens, in the order in which they were made
 */
@JsonIgnoreProperties(ignoreUnknown = true)
public record JoinTokenList(@JsonProperty(value = "items", required = true) List<JoinToken> items) {
  /**
   * Checks what must be there, and copies the lists.
   *
   * @param items the tokens, in the order in which they were made
   */
  public JoinTokenList {
    items = List.copyOf(items);
  }
}
