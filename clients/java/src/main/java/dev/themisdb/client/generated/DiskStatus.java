// Generated from spec/ by `python -m tools.codegen`: do not edit.

package dev.themisdb.client.generated;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonProperty;

/**
 * The disk of a node's data directory.
 *
 * @param freeBytes how much of it is free
 */
@JsonIgnoreProperties(ignoreUnknown = true)
public record DiskStatus(@JsonProperty(value = "free_bytes", required = true) long freeBytes) {}
