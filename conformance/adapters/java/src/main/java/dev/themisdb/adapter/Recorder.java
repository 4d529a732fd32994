package dev.themisdb.adapter;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.themisdb.client.hooks.Hooks;
import dev.themisdb.client.hooks.RequestEnd;
import dev.themisdb.client.hooks.RequestRetry;
import dev.themisdb.client.hooks.RequestStart;

/** Hooks that remember what they were told. */
final class Recorder implements Hooks {

  private ArrayNode events = Wire.MAPPER.createArrayNode();

  /** All events since the last time. */
  synchronized ArrayNode take() {
    ArrayNode taken = events;
    events = Wire.MAPPER.createArrayNode();
    return taken;
  }

  private synchronized void add(ObjectNode event) {
    events.add(event);
  }

  @Override
  public void onRequestStart(RequestStart start) {
    ObjectNode event = Wire.object().put("event", "start").put("operation", start.operation());
    event.put("method", start.method()).put("target", start.target());
    add(event.put("request_id", start.requestId()));
  }

  @Override
  public void onRequestRetry(RequestRetry retry) {
    ObjectNode event = Wire.object().put("event", "retry").put("operation", retry.operation());
    event.put("request_id", retry.requestId()).put("endpoint", retry.endpoint());
    event.put("attempt", retry.attempt()).put("reason", retry.reason());
    add(event.put("status", retry.status()).put("wait_ms", retry.delay().toMillis()));
  }

  @Override
  public void onRequestEnd(RequestEnd end) {
    ObjectNode event = Wire.object().put("event", "end").put("operation", end.operation());
    event.put("request_id", end.requestId()).put("endpoint", end.endpoint());
    event.put("attempts", end.attempts()).put("status", end.status());
    event.put("error", end.error() == null ? null : Wire.canonicalName(end.error()));
    add(event.put("duration_ms", end.duration().toMillis()));
  }
}
