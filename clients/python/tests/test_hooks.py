"""What hooks are told, what they may not break, and what never leaves the process by a log, a repr or an error."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any
from uuid import uuid4

import pytest

from clients.python.tests.conftest import Connect
from themis import (
    EntityNotFound,
    Hooks,
    RequestEnd,
    RequestRetry,
    RequestStart,
    RetryPolicy,
    ThemisClient,
    TlsOptions,
)
from themis.testing import FakeTransport, Request, Response, json_response, problem_response

SECRET = "s3cret-token"
QUICK = RetryPolicy(backoff_base_s=0.001)


class Recorder(Hooks):
    def __init__(self) -> None:
        self.facts: list[Any] = []

    def on_request_start(self, start: RequestStart) -> None:
        start.headers["traceparent"] = "00-trace"
        self.facts.append(start)

    def on_request_retry(self, retry: RequestRetry) -> None:
        self.facts.append(retry)

    def on_request_end(self, end: RequestEnd) -> None:
        self.facts.append(end)


def scripted(answers: Sequence[Response]) -> FakeTransport:
    remaining = list(answers)
    return FakeTransport(lambda request: remaining.pop(0))


BUSY = problem_response(503, "no_leader", retryable=True)
FOUND = json_response(200, {"a": 1}, etag='"7"')


def test_hooks_are_told_the_course_of_a_call(connect: Connect) -> None:
    recorder, transport = Recorder(), scripted([BUSY, FOUND])
    client = connect(["http://fake"], transport=transport, hooks=[recorder], retry=QUICK)
    assert client.get("document", "users", str(uuid4())) == {"a": 1}
    start, retry, end = recorder.facts
    assert (start.operation, start.method, start.request_id) == ("getEntity", "GET", end.request_id)
    assert (retry.reason, retry.status, retry.attempt) == ("no_leader", 503, 1)
    assert (end.status, end.attempts, end.error, end.endpoint) == (200, 2, None, "http://fake:80")
    assert end.duration_s > 0
    assert transport.requests[0].headers["traceparent"] == "00-trace"


def test_hooks_are_told_of_an_error(connect: Connect) -> None:
    recorder = Recorder()
    client = connect(["http://fake"], transport=scripted([problem_response(404, "entity_not_found")]), hooks=[recorder])
    with pytest.raises(EntityNotFound):
        client.patch("document", "users", str(uuid4()), {})
    assert isinstance(recorder.facts[-1].error, EntityNotFound)


def test_a_hook_that_raises_is_logged_and_breaks_nothing(connect: Connect, caplog: pytest.LogCaptureFixture) -> None:
    class Broken(Hooks):
        def on_request_start(self, start: RequestStart) -> None:
            raise RuntimeError("broken hook")

    client = connect(["http://fake"], transport=scripted([FOUND]), hooks=[Broken()])
    assert client.get("document", "users", str(uuid4())) == {"a": 1}
    assert "a hook failed" in caplog.text


def test_opentelemetry_spans() -> None:
    pytest.importorskip("opentelemetry.sdk")
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    from themis.otel import OpenTelemetryHooks

    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    transport = scripted([BUSY, FOUND])
    hooks = OpenTelemetryHooks(provider.get_tracer("test"))
    with ThemisClient(["http://fake"], transport=transport, hooks=[hooks], retry=QUICK) as client:
        client.get("document", "users", str(uuid4()))
    (span,) = exporter.get_finished_spans()
    assert span.name == "themis getEntity"
    assert span.attributes is not None
    assert span.attributes["themis.attempts"] == 2
    assert [event.name for event in span.events] == ["retry"]
    assert transport.requests[0].headers["traceparent"].startswith("00-")


def test_secrets_stay_where_they_are(connect: Connect, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    recorder = Recorder()
    transport = scripted([BUSY, problem_response(403, "forbidden")])
    client = connect(["http://fake"], transport=transport, hooks=[recorder], token=SECRET, retry=QUICK)
    with pytest.raises(Exception, match="403") as caught:
        client.put("document", "users", str(uuid4()), {"password": "hunter2"})
    assert transport.requests[0].headers["Authorization"] == f"Bearer {SECRET}"
    said = caplog.text + repr(recorder.facts) + str(caught.value) + repr(caught.value) + repr(client)
    said += repr(transport.requests) + repr(TlsOptions(key_password=SECRET))
    inner: Any = getattr(client, "inner", client)
    said += repr(inner) + repr(inner._core.options)
    assert SECRET not in said
    assert "hunter2" not in said


def test_a_token_that_is_no_header_is_refused_without_being_told() -> None:
    with pytest.raises(ValueError, match="visible ASCII") as caught:
        ThemisClient(["http://fake"], token="s3cret\r\nX: y")
    assert "s3cret" not in str(caught.value)


def test_fake_transport_serves_the_topology_on_demand() -> None:
    def answer(request: Request) -> Response:
        assert request.target == "/topology"
        return Response(404)

    transport = FakeTransport(answer, topology=True)
    with ThemisClient(["http://fake"], transport=transport) as client, pytest.raises(Exception, match="404"):
        client.topology()
    assert transport.closed
