/** The Java SDK of ThemisDB. */
@SuppressWarnings("requires-automatic") // OpenTelemetry, for those who use it, has no module-info
module dev.themisdb.client {
  requires transitive com.fasterxml.jackson.databind;
  requires java.net.http;
  requires static io.opentelemetry.api;
  requires static io.opentelemetry.context;
  requires static transitive org.jspecify;

  exports dev.themisdb.client;
  exports dev.themisdb.client.errors;
  exports dev.themisdb.client.generated;
  exports dev.themisdb.client.hooks;
  exports dev.themisdb.client.otel;
  exports dev.themisdb.client.placement;
  exports dev.themisdb.client.testing;
  exports dev.themisdb.client.transport;

  opens dev.themisdb.client.generated to
      com.fasterxml.jackson.databind;
}
