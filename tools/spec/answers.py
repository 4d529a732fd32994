"""Judges one answer of a server by the specification: status, headers, media type, body and error codes.

For tests of servers: whatever a test asks, its answer can be given to `Answers.faults`, and has to be one that the
specification knows.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker

from tools.codegen.bundle import operations_of
from tools.codegen.references import resolve

__all__ = ["Answers"]


class Answers:
    """Knows every answer that the bundled document declares."""

    def __init__(self, document: dict[str, Any]) -> None:
        self._document = document
        self._operations = {
            operation["operationId"]: (method.upper(), operation) for _, method, _, operation in operations_of(document)
        }
        self._formats = FormatChecker()

    def faults(self, operation_id: str, status: int, headers: Mapping[str, str], body: bytes) -> list[str]:
        """Return what is wrong with an answer, each as a sentence; names of headers are compared without case."""
        method, operation = self._operations[operation_id]
        response = operation["responses"].get(str(status))
        if response is None:
            return [f"{operation_id}: the status {status} is not declared"]
        where = f"{operation_id}: the answer {status}"
        lowered = {name.lower(): value for name, value in headers.items()}
        found = list(self._headers(response, lowered, where))
        if method == "HEAD" or "content" not in response:
            return [*found, f"{where} has a body"] if body else found
        return [*found, *self._body(operation, response, lowered.get("content-type", ""), body, where)]

    def _headers(self, response: dict[str, Any], headers: Mapping[str, str], where: str) -> Iterator[str]:
        for name, raw in response.get("headers", {}).items():
            declared = resolve(self._document, raw)
            text = headers.get(name.lower())
            if text is None:
                if declared.get("required", False):
                    yield f"{where} lacks the header {name}"
                continue
            is_integer = resolve(self._document, declared["schema"]).get("type") == "integer"
            value = int(text) if is_integer and text.isascii() and text.isdigit() else text
            yield from self._fits(declared["schema"], value, f"{where}: the header {name}")

    def _body(
        self, operation: dict[str, Any], response: dict[str, Any], content_type: str, body: bytes, where: str
    ) -> Iterator[str]:
        media_type = content_type.split(";")[0].strip()
        media = response["content"].get(media_type)
        if media is None:
            yield f"{where} is of the type {media_type or 'unknown'}, which is not declared"
            return
        if not media_type.endswith("json"):
            return
        try:
            value = json.loads(body)
        except ValueError as error:
            yield f"{where} is not JSON: {error}"
            return
        yield from self._fits(media["schema"], value, where)
        codes = response.get("x-themis-codes", ())
        if codes and value.get("code") not in codes:
            yield f"{where} has the code {value.get('code')}, which is not declared"
        known = operation.get("x-themis-item-errors", ())
        items = value.get("items", ()) if known and isinstance(value, dict) else ()
        for index, item in enumerate(items):
            if "error" in item and item["error"].get("code") not in known:
                yield f"{where}: item {index} has the code {item['error'].get('code')}, which is not declared"

    def _fits(self, schema: dict[str, Any], value: Any, where: str) -> Iterator[str]:
        whole = {**schema, "components": self._document["components"]}
        for error in Draft202012Validator(whole, format_checker=self._formats).iter_errors(value):
            yield f"{where}: {error.json_path}: {error.message[:200]}"
