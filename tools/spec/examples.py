"""Examples: every operation, parameter, header and error has one, and each fits its schema."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker

from tools.codegen.bundle import PROBLEM_MEDIA_TYPE, operations_of
from tools.codegen.references import resolve

__all__ = ["example_faults"]


def example_faults(document: dict[str, Any]) -> list[str]:
    """Return what is wrong with the examples of the bundled document, each as a sentence."""
    return list(_Examples(document).faults())


class _Examples:
    def __init__(self, document: dict[str, Any]) -> None:
        self._document = document
        self._formats = FormatChecker()

    def faults(self) -> Iterator[str]:
        for _, method, item, operation in operations_of(self._document):
            name = operation["operationId"]
            for raw in (*item.get("parameters", ()), *operation.get("parameters", ())):
                yield from self._single(raw, f"{name}: the parameter {resolve(self._document, raw).get('name')}")
            body = operation.get("requestBody")
            if body is not None:
                yield from self._content(body.get("content", {}), f"{name}: the request")
            for status, response in operation["responses"].items():
                place = f"{name}: the answer {status}"
                yield from self._content(response.get("content", {}), place)
                for header, raw in response.get("headers", {}).items():
                    yield from self._single(raw, f"{place}: the header {header}")
                yield from self._codes(response, place)
                if int(status) >= 400 and method != "head" and PROBLEM_MEDIA_TYPE not in response.get("content", {}):
                    yield f"{place} is no problem document"

    def _content(self, content: dict[str, Any], where: str) -> Iterator[str]:
        for media_type, media in content.items():
            examples = media.get("examples", {})
            if not examples:
                yield f"{where} has no example of {media_type}"
            for name, raw in examples.items():
                example = resolve(self._document, raw)
                if "value" not in example:
                    yield f"{where}: the example {name} has no value"
                else:
                    yield from self._fits(media["schema"], example["value"], f"{where}: the example {name}")

    def _single(self, raw: dict[str, Any], where: str) -> Iterator[str]:
        node = resolve(self._document, raw)
        if "example" not in node:
            yield f"{where} has no example"
        else:
            yield from self._fits(node["schema"], node["example"], where)

    def _codes(self, response: dict[str, Any], where: str) -> Iterator[str]:
        """An error answer with a body shows an example of each code it stands for."""
        for media in response.get("content", {}).values():
            for code in response.get("x-themis-codes", ()):
                raw = media.get("examples", {}).get(code)
                if raw is None:
                    yield f"{where} has no example of {code}"
                elif resolve(self._document, raw).get("value", {}).get("code") != code:
                    yield f"{where}: the example of {code} has another code"

    def _fits(self, schema: dict[str, Any], value: Any, where: str) -> Iterator[str]:
        # The components go along, so that references resolve inside the schema itself.
        whole = {**schema, "components": self._document["components"]}
        validator = Draft202012Validator(whole, format_checker=self._formats)
        for error in validator.iter_errors(value):
            yield f"{where}: {error.json_path}: {error.message[:200]}"
