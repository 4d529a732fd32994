"""Asks a running server every operation, with the examples of the specification, and judges what it answers.

So the examples that readers copy are executed. The requests are those of the bundled document: path parameters and
bodies as exemplified, once for each example of a body; and each operation once more with a query parameter that it does
not know. The server is written to: ask one that was started for the purpose.
"""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, urlsplit

from tools.codegen.ir import Api, Operation
from tools.codegen.targets import Spec
from tools.spec.answers import Answers

__all__ = ["Verdict", "ask_everything"]

_TIMEOUT_S: Final = 30
# What destroys comes last, and what is created comes before what needs it.
_METHOD_ORDER: Final = ("POST", "PUT", "GET", "HEAD", "PATCH", "DELETE")


@dataclass(frozen=True, slots=True)
class Verdict:
    """One request and what was wrong with its answer (nothing, if all is well)."""

    operation_id: str
    target: str
    status: int
    faults: tuple[str, ...]


def ask_everything(spec: Spec, base_url: str) -> Iterator[Verdict]:
    """Send every request to the server at `base_url`; yield a verdict for each. Raises OSError if it is not there."""
    answers = Answers(spec.document)
    host = urlsplit(base_url).netloc
    for operation in _in_order(spec.api):
        path = _path(operation)
        for media_type, body in _bodies(operation):
            yield _ask(answers, host, operation, path, media_type, body)
        yield _ask(answers, host, operation, f"{path}?unknown=1", *next(_bodies(operation)), refused=True)


def _in_order(api: Api) -> list[Operation]:
    return sorted(api.operations, key=lambda operation: _METHOD_ORDER.index(operation.method))


def _path(operation: Operation) -> str:
    path = operation.path
    for parameter in operation.parameters_in("path"):
        path = path.replace(f"{{{parameter.name}}}", quote(str(parameter.example), safe=""))
    return path


def _bodies(operation: Operation) -> Iterator[tuple[str | None, bytes]]:
    if operation.body is None:
        yield None, b""
        return
    for media_type in operation.body.media_types:
        for example in operation.body.examples:
            yield media_type, example.text.encode()


def _ask(
    answers: Answers,
    host: str,
    operation: Operation,
    target: str,
    media_type: str | None,
    body: bytes,
    *,
    refused: bool = False,
) -> Verdict:
    connection = http.client.HTTPConnection(host, timeout=_TIMEOUT_S)
    try:
        headers = {} if media_type is None else {"Content-Type": media_type}
        connection.request(operation.method, target, body or None, headers)
        response = connection.getresponse()
        content = response.read()
    finally:
        connection.close()
    found = answers.faults(operation.operation_id, response.status, dict(response.getheaders()), content)
    if response.status >= 500:
        found.append(f"{operation.operation_id}: the example is answered {response.status}")
    if refused and response.status != 400:
        found.append(f"{operation.operation_id}: an unknown parameter is answered {response.status}, not 400")
    return Verdict(operation.operation_id, target, response.status, tuple(found))
