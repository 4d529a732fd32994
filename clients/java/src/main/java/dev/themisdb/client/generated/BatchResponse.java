// Generated from spec/ by `python -m tools.codegen`: do not edit.

package dev.themisdb.client.generated;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.List;

/**
 * The answer to a batch, one item for each of the request.
 *
 * @param items the outcomes, in the order asked
 */
@JsonIgnoreProperties(ignoreUnknown = true)
public record BatchResponse(@JsonProperty(value = "items", required = true) List<BatchItem> items) {
  /**
   * Checks what must be there, and copies the lists.
   *
   * @param items the outcomes, in the order asked
   */
  public BatchResponse {
    items = List.copyOf(items);
  }
}
