"""Makes one self-contained OpenAPI document of openapi.yaml and errors.yaml.

The hand-written file names the errors of an operation; the bundle spells them out as responses, because that is what
every OpenAPI tool understands. It also adds what holds for every operation. The `x-themis-*` members that were only
instructions for this step are removed; those that SDKs need stay.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any, Final

from tools.codegen.errors import ErrorEntry
from tools.codegen.source import SpecError

__all__ = ["METHODS", "PROBLEM_MEDIA_TYPE", "bundle", "operations_of"]

METHODS: Final = ("get", "head", "put", "post", "patch", "delete", "options", "trace")
PROBLEM_MEDIA_TYPE: Final = "application/problem+json"

_EVERY: Final = "x-themis-every-operation"
_GROUPS: Final = "x-themis-error-groups"
_ERRORS: Final = "x-themis-errors"
_ITEM_ERRORS: Final = "x-themis-item-errors"
# Every problem is named in a header, too: an answer to HEAD has no body.
_HEADERS_OF_PROBLEM: Final = ("Themis-Error",)
# Statuses and codes whose answers carry a further one.
_HEADERS_OF_STATUS: Final = {405: ("Allow",), 429: ("Retry-After",), 503: ("Retry-After",), 507: ("Retry-After",)}
_STATE: Final = ("Themis-Node", "Themis-Role", "Themis-Lag-Ms", "Themis-Session")
_HEADERS_OF_CODE: Final = {"entity_not_found": _STATE, "precondition_failed": _STATE}
"""That there is no entity, or another version of it, was read from a replica as well as an entity is."""


def operations_of(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any], dict[str, Any]]]:
    """Yield (path, method, path item, operation) in the order of the document."""
    for path, item in document["paths"].items():
        for method in METHODS:
            if method in item:
                yield path, method, item, item[method]


def bundle(source: dict[str, Any], errors: dict[str, ErrorEntry]) -> dict[str, Any]:
    """Return the bundled document; `source` is not changed. Raises `SpecError` where the two files disagree."""
    document = copy.deepcopy(source)
    every = document.pop(_EVERY)
    groups: dict[str, list[str]] = document.pop(_GROUPS)
    unused = set(groups)
    for path, method, _, operation in operations_of(document):
        where = f"{method.upper()} {path}"
        codes = _expand(operation.pop(_ERRORS, []), groups, errors, where, unused)
        if wrong := [code for code in codes if errors[code].item_only]:
            raise SpecError(f"{where}: {wrong[0]} occurs only inside the items of a batch")
        if _ITEM_ERRORS in operation:
            operation[_ITEM_ERRORS] = _expand(operation[_ITEM_ERRORS], groups, errors, where, unused)
        operation.setdefault("parameters", []).extend(copy.deepcopy(every["parameters"]))
        _add_error_responses(operation, codes, errors, has_body=method != "head")
        for response in operation["responses"].values():
            response["headers"] = response.get("headers", {}) | copy.deepcopy(every["response_headers"])
    if unused:
        raise SpecError(f"openapi.yaml: the error group {min(unused)} is used nowhere")
    examples = document["components"].setdefault("examples", {})
    for entry in errors.values():
        if entry.item_only or entry.peer_only:
            continue
        examples[_example_name(entry)] = {
            "summary": entry.title,
            "description": entry.meaning,
            "value": entry.problem(),
        }
    document["x-themis-error-codes"] = {
        entry.code: {
            "status": entry.status,
            "retryable": entry.retryable,
            "scope": "item" if entry.item_only else "request",
        }
        for entry in errors.values()
        if not entry.peer_only
    }
    return document


def _example_name(entry: ErrorEntry) -> str:
    return f"error.{entry.code}"


def _expand(
    names: list[str], groups: dict[str, list[str]], errors: dict[str, ErrorEntry], where: str, unused: set[str]
) -> list[str]:
    """Resolve groups and return the codes in the order of errors.yaml, each once."""
    wanted: set[str] = set()
    for name in names:
        if name.startswith("$"):
            if name not in groups:
                raise SpecError(f"{where}: there is no error group {name}")
            unused.discard(name)
            wanted.update(groups[name])
        else:
            wanted.add(name)
    if unknown := sorted(wanted - set(errors)):
        raise SpecError(f"{where}: errors.yaml has no code {unknown[0]}")
    return [code for code in errors if code in wanted]


def _add_error_responses(
    operation: dict[str, Any], codes: list[str], errors: dict[str, ErrorEntry], *, has_body: bool
) -> None:
    by_status: dict[int, list[ErrorEntry]] = {}
    for code in codes:
        by_status.setdefault(errors[code].status, []).append(errors[code])
    for status, entries in sorted(by_status.items()):
        key = str(status)
        if key in operation["responses"]:
            raise SpecError(f"{operation['operationId']}: the response {key} is written out and named by an error code")
        names = ", ".join(f"`{entry.code}`" for entry in entries)
        response: dict[str, Any] = {
            "description": f"{HTTPStatus(status).phrase}: {names}.",
            "x-themis-codes": [entry.code for entry in entries],
        }
        by_code = (name for entry in entries for name in _HEADERS_OF_CODE.get(entry.code, ()))
        headers = (*_HEADERS_OF_PROBLEM, *_HEADERS_OF_STATUS.get(status, ()), *by_code)
        response["headers"] = {name: {"$ref": f"#/components/headers/{name}"} for name in headers}
        if has_body:
            response["content"] = {
                PROBLEM_MEDIA_TYPE: {
                    "schema": {"$ref": "#/components/schemas/Problem"},
                    "examples": {
                        entry.code: {"$ref": f"#/components/examples/{_example_name(entry)}"} for entry in entries
                    },
                }
            }
        operation["responses"][key] = response
