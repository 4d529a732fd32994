/** What a program may learn about the requests the SDK makes on its behalf. */
@NullMarked
package dev.themisdb.client.hooks;

import org.jspecify.annotations.NullMarked;
