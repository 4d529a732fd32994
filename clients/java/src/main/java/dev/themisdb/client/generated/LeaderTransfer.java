// Generated from spec/ by `python -m tools.codegen`: do not edit.

package dev.themisdb.client.generated;

import com.fasterxml.jackson.annotation.JsonInclude;
import org.jspecify.annotations.Nullable;

/**
 * Where a leader is to go.
 *
 * @param target the node that is to lead. Without it, the voter that is furthest; null if absent
 */
@JsonInclude(JsonInclude.Include.NON_NULL)
public record LeaderTransfer(@Nullable String target) {}
