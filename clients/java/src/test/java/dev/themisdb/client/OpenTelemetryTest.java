package dev.themisdb.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.themisdb.client.errors.ForbiddenException;
import dev.themisdb.client.otel.OpenTelemetryHooks;
import dev.themisdb.client.testing.FakeTransport;
import dev.themisdb.client.testing.Responses;
import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.api.trace.SpanKind;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.api.trace.propagation.W3CTraceContextPropagator;
import io.opentelemetry.context.propagation.ContextPropagators;
import io.opentelemetry.sdk.OpenTelemetrySdk;
import io.opentelemetry.sdk.testing.exporter.InMemorySpanExporter;
import io.opentelemetry.sdk.trace.SdkTracerProvider;
import io.opentelemetry.sdk.trace.data.SpanData;
import io.opentelemetry.sdk.trace.export.SimpleSpanProcessor;
import java.util.UUID;
import org.junit.jupiter.api.Test;

class OpenTelemetryTest {

  @Test
  void aCallIsASpanAndItsContextTravelsAlong() {
    InMemorySpanExporter spans = InMemorySpanExporter.create();
    OpenTelemetrySdk sdk =
        OpenTelemetrySdk.builder()
            .setTracerProvider(
                SdkTracerProvider.builder()
                    .addSpanProcessor(SimpleSpanProcessor.create(spans))
                    .build())
            .setPropagators(ContextPropagators.create(W3CTraceContextPropagator.getInstance()))
            .build();
    FakeTransport transport =
        new FakeTransport(request -> Responses.problem(403, "forbidden", false));
    try (ThemisClient client =
        ThemisClient.builder()
            .endpoints("http://fake:1")
            .transport(transport)
            .hooks(new OpenTelemetryHooks(sdk))
            .build()) {
      assertThrows(
          ForbiddenException.class,
          () -> client.get("document", "things", UUID.randomUUID().toString()));
    }
    SpanData span = spans.getFinishedSpanItems().get(0);
    assertEquals("themis getEntity", span.getName());
    assertEquals(SpanKind.CLIENT, span.getKind());
    assertEquals(StatusCode.ERROR, span.getStatus().getStatusCode());
    assertEquals(
        "ForbiddenException", span.getAttributes().get(AttributeKey.stringKey("error.type")));
    String parent = transport.requests().get(0).headers().get("traceparent");
    assertTrue(parent.contains(span.getSpanId()), parent);
    // Closing it forgets the spans.
    sdk.close();
  }
}
