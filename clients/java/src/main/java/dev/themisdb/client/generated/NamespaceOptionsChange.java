// Generated from spec/ by `python -m tools.codegen`: do not edit.

package dev.themisdb.client.generated;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import org.jspecify.annotations.Nullable;

/**
 * The options to set; those not named stay as they are, or as by default in a new namespace.
 *
 * @param autoCreateCollections whether the first write into an unknown collection creates it. At
 *     first as the server is configured; null if absent
 */
@JsonInclude(JsonInclude.Include.NON_NULL)
public record NamespaceOptionsChange(
    @JsonProperty("auto_create_collections") @Nullable Boolean autoCreateCollections) {}
