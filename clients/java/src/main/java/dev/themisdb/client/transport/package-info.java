/**
 * How requests reach a node: one exchange at a time, bounded by a timeout.
 *
 * <p>Its one job is to carry a {@link dev.themisdb.client.transport.Request} to an endpoint and
 * bring back the {@link dev.themisdb.client.transport.Response}, or to say in a {@link
 * dev.themisdb.client.transport.TransportFailure} whether the request can have reached the server.
 * It knows neither retries nor routing nor documents: those are decided above, in one place for
 * both clients.
 */
@NullMarked
package dev.themisdb.client.transport;

import org.jspecify.annotations.NullMarked;
