"""OpenTelemetry: a span per call, and the trace context carried to the server.

    pip install "themis-python[otel]"

    from themis.otel import OpenTelemetryHooks
    client = ThemisClient([...], hooks=[OpenTelemetryHooks()])

Spans are named after the operation (`themis getEntity`) and carry the attributes of the semantic conventions for
database clients. URNs are in them (`url.path`), documents and tokens never.
"""

from __future__ import annotations

from typing import Final

from opentelemetry import propagate, trace
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, Tracer

from themis import __version__
from themis.hooks import Hooks, RequestEnd, RequestRetry, RequestStart

__all__ = ["OpenTelemetryHooks"]

_SYSTEM: Final = "themisdb"


class OpenTelemetryHooks(Hooks):
    """Makes a client span of each logical call, with an event for each retry.

    Args:
        tracer: Where spans go; the global provider's when None.
    """

    def __init__(self, tracer: Tracer | None = None) -> None:
        self._tracer = tracer if tracer is not None else trace.get_tracer("themis", __version__)
        self._spans: dict[str, Span] = {}

    def on_request_start(self, start: RequestStart) -> None:
        """Begin a span below the current one and put its context into the request's headers."""
        span = self._tracer.start_span(
            f"themis {start.operation}",
            kind=SpanKind.CLIENT,
            attributes={
                "db.system.name": _SYSTEM,
                "db.operation.name": start.operation,
                "http.request.method": start.method,
                "url.path": start.target.partition("?")[0],
                "themis.request_id": start.request_id,
            },
        )
        self._spans[start.request_id] = span
        propagate.inject(start.headers, trace.set_span_in_context(span))

    def on_request_retry(self, retry: RequestRetry) -> None:
        """Note the retry."""
        span = self._spans.get(retry.request_id)
        if span is not None:
            span.add_event(
                "retry",
                {"attempt": retry.attempt, "reason": retry.reason, "endpoint": retry.endpoint, "wait_s": retry.wait_s},
            )

    def on_request_end(self, end: RequestEnd) -> None:
        """End the span."""
        span = self._spans.pop(end.request_id, None)
        if span is None:
            return
        span.set_attribute("server.address", end.endpoint)
        span.set_attribute("themis.attempts", end.attempts)
        if end.status is not None:
            span.set_attribute("http.response.status_code", end.status)
        if end.error is not None:
            span.set_attribute("error.type", type(end.error).__name__)
            span.set_status(Status(StatusCode.ERROR, str(end.error)))
        span.end()
