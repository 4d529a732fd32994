/**
 * The Java SDK of ThemisDB: {@link dev.themisdb.client.ThemisClient} for threads that wait, {@link
 * dev.themisdb.client.AsyncThemisClient} for futures, with the same methods.
 *
 * <pre>{@code
 * try (ThemisClient client = ThemisClient.builder().endpoints("http://127.0.0.1:8080").build()) {
 *   client.put("document", "users", uuid, Map.of("name", "Alice"));
 *   System.out.println(client.get("document", "users", uuid));
 * }
 * }</pre>
 */
@NullMarked
package dev.themisdb.client;

import org.jspecify.annotations.NullMarked;
