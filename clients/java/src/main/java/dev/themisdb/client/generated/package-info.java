// Generated from spec/ by `python -m tools.codegen`: do not edit.

/**
 * The bodies, operations and error codes of the HTTP API, as its specification declares them.
 *
 * <p>Reading an answer ignores members that are not known, for a newer server may say more, and
 * fails if a required one is missing. Where a member may be absent or null its component is
 * nullable. Times are instants, integers fit 53 bits, and documents are Jackson's trees.
 */
@NullMarked
package dev.themisdb.client.generated;

import org.jspecify.annotations.NullMarked;
