/**
 * The logic of the SDK, written once for both clients, and the two drivers that carry it out. Not
 * part of the public interface: the module does not export it.
 */
@NullMarked
package dev.themisdb.client.core;

import org.jspecify.annotations.NullMarked;
