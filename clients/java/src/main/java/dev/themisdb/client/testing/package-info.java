/** For your tests: a transport that answers from a function instead of a server. */
@NullMarked
package dev.themisdb.client.testing;

import org.jspecify.annotations.NullMarked;
