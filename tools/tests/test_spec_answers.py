"""The judge of answers: accepts what the specification declares, and finds each kind of planted fault."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

import pytest

from tools.codegen.targets import Spec, load_spec
from tools.spec.__main__ import main
from tools.spec.answers import Answers
from tools.spec.live import ask_everything

URN = "urn:themis:document:default:airports:0e3a1c4b-6d1f-5c8e-9b57-2f4d8a1b7c60"
EVERY = {"X-Request-Id": "r1", "Themis-Topology-Epoch": "42"}
TAGGED = {**EVERY, "ETag": '"5"', "Cache-Control": "private, no-cache", "Content-Type": "application/json"}


@dataclass(frozen=True)
class Given:
    """An answer to `operation`."""

    operation: str
    status: int
    headers: dict[str, str]
    body: bytes


@pytest.fixture(scope="module")
def spec() -> Spec:
    return load_spec()


@pytest.fixture(scope="module")
def answers(spec: Spec) -> Answers:
    return Answers(spec.document)


def problem(code: str, status: int) -> bytes:
    return json.dumps(
        {
            "type": f"https://themisdb.dev/errors/{code}",
            "title": "T",
            "status": status,
            "detail": "d",
            "instance": "/",
            "code": code,
            "retryable": False,
            "request_id": "r1",
        }
    ).encode()


READ = Given("getEntity", 200, TAGGED, b'{"any":"thing"}')
REFUSED = {**EVERY, "content-type": "application/problem+json"}
NOT_FOUND = Given("getEntity", 404, {**REFUSED, "Themis-Error": "entity_not_found"}, problem("entity_not_found", 404))
WRITTEN = Given("putEntity", 201, TAGGED, json.dumps({"urn": URN, "version": 5}).encode())
UNCHANGED = Given("getEntity", 304, TAGGED, b"")
HEAD = Given("headEntity", 200, TAGGED, b"")
METRICS = Given("getMetrics", 200, {**EVERY, "Content-Type": "text/plain; version=0.0.4; charset=utf-8"}, b"x 1\n")
ITEM = {"code": "entity_not_found", "status": 404, "title": "T", "detail": "d", "retryable": False}
BATCH = Given(
    "batchGet",
    200,
    {**EVERY, "Content-Type": "application/json"},
    json.dumps({"items": [{"urn": URN, "version": 5, "doc": {}}, {"urn": "x", "error": ITEM}]}).encode(),
)


@pytest.mark.parametrize(
    "given",
    [READ, NOT_FOUND, WRITTEN, UNCHANGED, HEAD, METRICS, BATCH],
    ids=lambda given: f"{given.operation}-{given.status}",
)
def test_a_declared_answer_is_accepted(given: Given, answers: Answers) -> None:
    assert answers.faults(given.operation, given.status, given.headers, given.body) == []


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (replace(READ, status=202), "status 202 is not declared"),
        (replace(READ, body=b"[]"), "is not of type 'object'"),
        (replace(READ, body=b'{"a":'), "is not JSON"),
        (replace(READ, headers={**TAGGED, "Content-Type": "text/html"}), "text/html, which is not declared"),
        (replace(READ, headers=EVERY), "lacks the header ETag"),
        (replace(READ, headers={**TAGGED, "ETag": "5"}), "the header ETag"),
        (replace(READ, headers={**TAGGED, "Themis-Topology-Epoch": "new"}), "the header Themis-Topology-Epoch"),
        (replace(READ, headers={**TAGGED, "Themis-Role": "boss"}), "the header Themis-Role"),
        (replace(UNCHANGED, body=b"{}"), "has a body"),
        (replace(HEAD, body=b"{}"), "has a body"),
        (replace(WRITTEN, body=json.dumps({"urn": URN, "version": 2**53}).encode()), "greater than the maximum"),
        (replace(WRITTEN, body=json.dumps({"urn": URN}).encode()), "'version' is a required property"),
        (replace(NOT_FOUND, headers=REFUSED), "lacks the header Themis-Error"),
        (replace(NOT_FOUND, body=problem("disk_full", 404)), "the code disk_full, which is not declared"),
        (replace(NOT_FOUND, body=b'{"code":"entity_not_found"}'), "is a required property"),
        (replace(BATCH, body=BATCH.body.replace(b"entity_not_found", b"disk_full")), "item 1 has the code disk_full"),
        (
            replace(BATCH, body=BATCH.body.replace(b'"version": 5, ', b"")),
            "is not valid under any of the given schemas",
        ),
    ],
)
def test_a_planted_fault_is_found(given: Given, message: str, answers: Answers) -> None:
    faults = answers.faults(given.operation, given.status, given.headers, given.body)
    assert any(message in fault for fault in faults), faults


Respond = Callable[[str, str], tuple[int, dict[str, str], bytes]]


@pytest.fixture
def serve() -> Iterator[Callable[[Respond], str]]:
    """Serve what a function says; returns the URL."""
    servers: list[ThreadingHTTPServer] = []

    def start(respond: Respond) -> str:
        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                status, headers, body = respond(self.command, self.path)
                self.send_response(status)
                for name, value in {**headers, "Content-Length": str(len(body))}.items():
                    self.send_header(name, value)
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body)

            # The names that http.server calls.
            do_GET = do_HEAD = do_PUT = do_POST = do_PATCH = do_DELETE = answer  # noqa: N815

            def log_message(self, format: str, *args: Any) -> None:
                """Say nothing."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        return f"http://127.0.0.1:{server.server_port}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def refuse(method: str, path: str) -> tuple[int, dict[str, str], bytes]:
    """A server that answers every request in a declared way."""
    body = b"" if method == "HEAD" else problem("invalid_parameter", 400)
    return 400, {**REFUSED, "Themis-Error": "invalid_parameter"}, body


def test_a_server_that_keeps_to_the_specification_passes(spec: Spec, serve: Callable[[Respond], str]) -> None:
    verdicts = list(ask_everything(spec, serve(refuse)))
    assert {verdict.operation_id for verdict in verdicts} == {each.operation_id for each in spec.api.operations}
    assert [verdict.faults for verdict in verdicts if verdict.faults] == []


def test_a_server_that_fails_is_found(serve: Callable[[Respond], str], capsys: pytest.CaptureFixture[str]) -> None:
    """Planted faults: 500 for one operation, and an unknown parameter accepted by another."""

    def respond(method: str, path: str) -> tuple[int, dict[str, str], bytes]:
        route = urlsplit(path).path
        if route == "/version":
            return 500, {**EVERY, "Content-Type": "application/problem+json"}, problem("internal", 500)
        if route == "/health/live":
            return 200, {**EVERY, "Content-Type": "application/json"}, b'{"status":"ok"}'
        return refuse(method, path)

    assert main(["--server", serve(respond)]) == 1
    output = capsys.readouterr().out
    assert "getVersion: the example is answered 500" in output
    assert "getLive: an unknown parameter is answered 200, not 400" in output


def test_no_server_is_no_verdict(capsys: pytest.CaptureFixture[str]) -> None:
    # Port 1 is reserved, and nobody listens there.
    assert main(["--server", "http://127.0.0.1:1"]) == 2
    assert "refused" in capsys.readouterr().err
