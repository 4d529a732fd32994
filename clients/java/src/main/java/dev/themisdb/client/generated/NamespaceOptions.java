// Generated from spec/ by `python -m tools.codegen`: do not edit.

package dev.themisdb.client.generated;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonProperty;

/**
 * The options of a namespace.
 *
 * @param autoCreateCollections whether the first write into an unknown collection creates it
 */
@JsonIgnoreProperties(ignoreUnknown = true)
public record NamespaceOptions(
    @JsonProperty(value = "auto_create_collections", required = true)
        boolean autoCreateCollections) {}
