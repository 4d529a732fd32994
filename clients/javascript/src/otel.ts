/**
 * OpenTelemetry: a span for each call, and the trace context carried to the server.
 *
 * ```ts
 * import { OpenTelemetryHooks } from "themis-js/otel"; // needs the package @opentelemetry/api
 * const client = new ThemisClient({ endpoints, hooks: [new OpenTelemetryHooks()] });
 * ```
 *
 * Spans are named after the operation (`themis getEntity`) and carry the attributes of the semantic conventions for
 * database clients. URNs are in them (`url.path`), documents and tokens never.
 *
 * @module
 */

import { context, propagation, type Span, SpanKind, SpanStatusCode, trace, type Tracer } from "@opentelemetry/api";
import type { Hooks, RequestEnd, RequestRetry, RequestStart } from "./hooks.js";
import { VERSION } from "./version.js";

/** Makes a client span of each logical call, with an event for each retry. */
export class OpenTelemetryHooks implements Hooks {
  readonly #tracer: Tracer;
  readonly #spans = new Map<string, Span>();

  /**
   * Hooks for `new ThemisClient({ hooks })`.
   *
   * @param tracer Where spans go; by default the global provider's tracer "themis-js".
   */
  constructor(tracer: Tracer = trace.getTracer("themis-js", VERSION)) {
    this.#tracer = tracer;
  }

  /** Begin a span below the active one and put its context into the request's headers. */
  onRequestStart(start: RequestStart): void {
    const span = this.#tracer.startSpan(`themis ${start.operation}`, {
      kind: SpanKind.CLIENT,
      attributes: {
        "db.system.name": "themisdb",
        "db.operation.name": start.operation,
        "http.request.method": start.method,
        "url.path": start.target.split("?", 1)[0] ?? "",
        "themis.request_id": start.requestId,
      },
    });
    this.#spans.set(start.requestId, span);
    propagation.inject(trace.setSpan(context.active(), span), start.headers);
  }

  /** Note the retry. */
  onRequestRetry(retry: RequestRetry): void {
    const { attempt, reason, endpoint, waitMs } = retry;
    this.#spans.get(retry.requestId)?.addEvent("retry", { attempt, reason, endpoint, wait_ms: waitMs });
  }

  /** End the span. */
  onRequestEnd(end: RequestEnd): void {
    const span = this.#spans.get(end.requestId);
    if (span === undefined) {
      return;
    }
    this.#spans.delete(end.requestId);
    span.setAttribute("server.address", end.endpoint);
    span.setAttribute("themis.attempts", end.attempts);
    if (end.status !== null) {
      span.setAttribute("http.response.status_code", end.status);
    }
    if (end.error !== null) {
      const [type, message] = end.error instanceof Error ? [end.error.name, end.error.message] : [typeof end.error, ""];
      span.setAttribute("error.type", type);
      span.setStatus({ code: SpanStatusCode.ERROR, message });
    }
    span.end();
  }
}
