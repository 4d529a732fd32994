/**
 * OpenTelemetry for the SDK; needs {@code io.opentelemetry:opentelemetry-api}, which the SDK itself
 * does not bring.
 */
@NullMarked
package dev.themisdb.client.otel;

import org.jspecify.annotations.NullMarked;
