package dev.themisdb.client;

import org.jspecify.annotations.Nullable;

/**
 * A write that happened.
 *
 * @param urn what was written
 * @param version the version it has now; for a deletion, the version of that
 * @param created whether there was no entity before; null where the answer does not say (batches)
 * @param replayed whether this answers an earlier request with the same idempotency key
 */
public record WriteResult(Urn urn, long version, @Nullable Boolean created, boolean replayed) {}
