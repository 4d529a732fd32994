"""Every answer of a real server, checked against the specification that the server was built from."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any
from urllib.parse import quote

import jsonschema_rs

from server.tests.rawhttp import RawConnection, Reply, exchange, request
from themis_server._generated.errors import ERRORS, ErrorCode

_PROBLEM = "application/problem+json"


@functools.cache
def specification() -> dict[str, Any]:
    """Return the bundled OpenAPI document."""
    loaded: dict[str, Any] = json.loads(
        resources.files("themis_server._generated").joinpath("openapi.json").read_bytes()
    )
    return loaded


@functools.cache
def _validator(schema: str) -> Any:
    rooted = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "components": specification()["components"],
        **json.loads(schema),
    }
    return jsonschema_rs.validator_for(rooted, validate_formats=True)


def violations(schema: dict[str, Any], value: Any) -> list[str]:
    """Return what of `value` contradicts a schema of the specification."""
    found = _validator(json.dumps(schema, sort_keys=True)).iter_errors(value)
    return [f"/{'/'.join(map(str, error.instance_path))}: {error.message[:300]}" for error in found]


@dataclass(frozen=True)
class SpecOperation:
    """An operation of the specification."""

    operation_id: str
    method: str
    path: str
    spec: dict[str, Any]

    @property
    def codes(self) -> dict[str, int]:
        """The error codes it declares, with their status."""
        return {
            code: int(status)
            for status, response in self.spec["responses"].items()
            for code in response.get("x-themis-codes", ())
        }

    @property
    def successes(self) -> set[int]:
        """The statuses below 400 that it declares."""
        return {int(status) for status in self.spec["responses"] if int(status) < 400}

    def target(self, parameters: dict[str, str], query: str = "") -> str:
        """Return the request target, path parameters quoted."""
        path = self.path
        for name, value in parameters.items():
            path = path.replace("{" + name + "}", quote(value, safe=":"))
        return path + (f"?{query}" if query else "")


@functools.cache
def operations() -> dict[str, SpecOperation]:
    """Return all operations by their operationId."""
    found = {}
    for path, item in specification()["paths"].items():
        for method, spec in item.items():
            if "operationId" in spec:
                operation = SpecOperation(spec["operationId"], method.upper(), path, spec)
                found[operation.operation_id] = operation
    return found


def _resolve(node: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in node:
        target: Any = specification()
        for part in node["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        node = target
    return node


def check_reply(operation: SpecOperation, reply: Reply) -> None:
    """Fail if `reply` is not one that the specification lets `operation` give."""
    where = f"{operation.operation_id} {reply.status} {reply.body[:500]!r}"
    declared = operation.spec["responses"].get(str(reply.status))
    assert declared is not None, f"{where}: the status is not declared"
    _check_headers(declared, reply, where)
    content = declared.get("content")
    if not content:
        assert reply.body == b"", f"{where}: this answer has no body"
        return
    media_type = (reply.header("content-type") or "").partition(";")[0]
    assert media_type in content, f"{where}: {media_type} is not among {list(content)}"
    if media_type.endswith("json"):
        problems = violations(content[media_type]["schema"], reply.json())
        assert not problems, f"{where}: {problems}"
    if media_type == _PROBLEM:
        check_problem(reply)
        assert reply.code in declared["x-themis-codes"], f"{where}: this operation does not declare the code"


def _check_headers(declared: dict[str, Any], reply: Reply, where: str) -> None:
    for name, reference in declared.get("headers", {}).items():
        header = _resolve(reference)
        text = reply.header(name)
        if text is None:
            assert not header.get("required"), f"{where}: the header {name} is missing"
            continue
        schema = header["schema"]
        value: Any = int(text) if schema["type"] == "integer" else text
        problems = violations(schema, value)
        assert not problems, f"{where}: header {name}: {problems}"


def check_problem(reply: Reply, code: str | None = None) -> dict[str, Any]:
    """Fail if `reply` is not a whole problem document (of `code`, if given); return it."""
    assert reply.header("content-type") == _PROBLEM, f"{reply.status} {reply.headers} {reply.body[:300]!r}"
    problem: dict[str, Any] = reply.json()
    problems = violations({"$ref": "#/components/schemas/Problem"}, problem)
    assert not problems, f"{problem}: {problems}"
    if code is not None:
        assert problem["code"] == code, f"expected {code}: {problem}"
    info = ERRORS[ErrorCode(problem["code"])]
    assert problem["type"] == f"https://themisdb.dev/errors/{problem['code']}"
    assert (reply.status, problem["status"], problem["title"]) == (info.status, info.status, info.title)
    assert reply.header("x-request-id") == problem["request_id"]
    assert reply.header("themis-topology-epoch") is not None
    retry_after = reply.header("retry-after")
    assert retry_after == (str(problem["retry_after_s"]) if "retry_after_s" in problem else None)
    if reply.status == 405:
        assert reply.header("allow") == ", ".join(problem["allowed"])
    return problem


class SpecClient:
    """Calls operations by their operationId and lets no answer pass that the specification does not allow."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._connection: RawConnection | None = None

    def call(
        self,
        operation_id: str,
        body: object = None,
        *,
        query: str = "",
        headers: dict[str, str] | None = None,
        expect: int | str | None = None,
        at: Mapping[str, str] | None = None,
        **parameters: str,
    ) -> Reply:
        """Call an operation.

        Args:
            operation_id: which.
            body: sent as JSON; bytes are sent as they are.
            query: the query string, encoded.
            headers: further headers.
            expect: the status, or the error code, that must come.
            at: path parameters.
            parameters: path parameters, written as arguments.
        """
        operation = operations()[operation_id]
        raw = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        reply = self.send(
            request(operation.method, operation.target({**(at or {}), **parameters}, query), raw, headers), operation
        )
        if isinstance(expect, int):
            assert reply.status == expect, f"{operation_id}: expected {expect}: {reply.status} {reply.body[:500]!r}"
        elif expect is not None and operation.method == "HEAD":
            assert reply.status == ERRORS[ErrorCode(expect)].status
        elif expect is not None:
            assert reply.code == expect, f"{operation_id}: expected {expect}: {reply.status} {reply.body[:500]!r}"
        return reply

    def send(self, data: bytes, operation: SpecOperation) -> Reply:
        """Send a request as bytes, on a connection that is kept where it can be, and check the answer."""
        reply = exchange(self.port, data, head=operation.method == "HEAD")
        check_reply(operation, reply)
        return reply
