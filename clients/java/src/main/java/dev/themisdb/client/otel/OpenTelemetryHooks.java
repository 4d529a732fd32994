package dev.themisdb.client.otel;

import dev.themisdb.client.ClientBuilder;
import dev.themisdb.client.hooks.Hooks;
import dev.themisdb.client.hooks.RequestEnd;
import dev.themisdb.client.hooks.RequestRetry;
import dev.themisdb.client.hooks.RequestStart;
import io.opentelemetry.api.OpenTelemetry;
import io.opentelemetry.api.common.Attributes;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanKind;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.api.trace.Tracer;
import io.opentelemetry.context.Context;
import io.opentelemetry.context.propagation.TextMapPropagator;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * A client span of each logical call, with an event for each retry, and the trace context carried
 * to the server.
 *
 * <p>Spans are named after the operation ({@code themis getEntity}) and carry the attributes of the
 * semantic conventions for database clients. URNs are in them ({@code url.path}), documents and
 * tokens never.
 */
public final class OpenTelemetryHooks implements Hooks {

  private final Tracer tracer;
  private final TextMapPropagator propagator;
  private final Map<String, Span> spans = new ConcurrentHashMap<>();

  /**
   * Makes hooks.
   *
   * @param openTelemetry where spans go, and what carries their context
   */
  @SuppressWarnings("exports") // who makes hooks for OpenTelemetry reads its module
  public OpenTelemetryHooks(OpenTelemetry openTelemetry) {
    this.tracer = openTelemetry.getTracer("dev.themisdb.client", ClientBuilder.SDK_VERSION);
    this.propagator = openTelemetry.getPropagators().getTextMapPropagator();
  }

  @Override
  public void onRequestStart(RequestStart start) {
    String target = start.target();
    int query = target.indexOf('?');
    Span span =
        tracer
            .spanBuilder("themis " + start.operation())
            .setSpanKind(SpanKind.CLIENT)
            .setAttribute("db.system.name", "themisdb")
            .setAttribute("db.operation.name", start.operation())
            .setAttribute("http.request.method", start.method())
            .setAttribute("url.path", query < 0 ? target : target.substring(0, query))
            .setAttribute("themis.request_id", start.requestId())
            .startSpan();
    spans.put(start.requestId(), span);
    propagator.inject(
        Context.current().with(span),
        start.headers(),
        (headers, name, value) -> {
          if (headers != null) {
            headers.put(name, value);
          }
        });
  }

  @Override
  public void onRequestRetry(RequestRetry retry) {
    Span span = spans.get(retry.requestId());
    if (span != null) {
      span.addEvent(
          "retry",
          Attributes.builder()
              .put("attempt", retry.attempt())
              .put("reason", retry.reason())
              .put("endpoint", retry.endpoint())
              .put("wait_s", retry.delay().toNanos() / 1e9)
              .build());
    }
  }

  @Override
  public void onRequestEnd(RequestEnd end) {
    Span span = spans.remove(end.requestId());
    if (span == null) {
      return;
    }
    span.setAttribute("server.address", end.endpoint());
    span.setAttribute("themis.attempts", end.attempts());
    Integer status = end.status();
    if (status != null) {
      span.setAttribute("http.response.status_code", status);
    }
    Throwable error = end.error();
    if (error != null) {
      span.setAttribute("error.type", error.getClass().getSimpleName());
      span.setStatus(StatusCode.ERROR, String.valueOf(error.getMessage()));
    }
    span.end();
  }
}
