// Generated from spec/ by `python -m tools.codegen`: do not edit.

package dev.themisdb.client.generated;

/**
 * How many replicas are wanted.
 *
 * @param replicas how many voting replicas each shard shall have
 */
public record ReplicasTarget(int replicas) {}
