/**
 * Which shard owns a key: the hash, the ring and the token table.
 *
 * <p>One definition for servers and clients, checked against the vectors that all languages share.
 * Knows neither HTTP nor threads.
 */
@NullMarked
package dev.themisdb.client.placement;

import org.jspecify.annotations.NullMarked;
