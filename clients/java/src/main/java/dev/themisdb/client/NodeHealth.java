package dev.themisdb.client;

/**
 * How one node is.
 *
 * @param endpoint the node that was asked
 * @param live whether it answered at all
 * @param ready whether it takes requests
 * @param reason why not, "" when it does: an error code ({@code not_ready}, {@code shutting_down})
 *     or what went wrong on the way
 */
public record NodeHealth(String endpoint, boolean live, boolean ready, String reason) {}
