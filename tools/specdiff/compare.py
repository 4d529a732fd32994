"""Compares two bundled documents: operations, parameters, bodies, answers and error codes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tools.codegen.bundle import operations_of
from tools.codegen.references import resolve
from tools.specdiff.schemas import SchemaComparison

__all__ = ["breaking_changes"]

_CODES = "x-themis-error-codes"


def breaking_changes(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """Return what in `new` would break a program written against `old`, each as a sentence; empty if nothing does."""
    return list(_document(old, new))


def _document(old: dict[str, Any], new: dict[str, Any]) -> Iterator[str]:
    after = {(path, method): (item, operation) for path, method, item, operation in operations_of(new)}
    for path, method, item, operation in operations_of(old):
        where = operation["operationId"]
        if path not in new["paths"]:
            yield f"{where}: the path {path} is gone"
        elif (path, method) not in after:
            yield f"{where}: the operation {method.upper()} {path} is gone"
        else:
            new_item, new_operation = after[path, method]
            yield from _operation(old, new, (item, operation), (new_item, new_operation), where)
    for name in old["components"]["schemas"]:
        if name not in new["components"]["schemas"]:
            yield f"the schema {name} is gone, and with it the type of that name in the SDKs"
    yield from _error_codes(old.get(_CODES, {}), new.get(_CODES, {}))


def _error_codes(old: dict[str, Any], new: dict[str, Any]) -> Iterator[str]:
    for code, facts in old.items():
        if code not in new:
            yield f"the error code {code} is gone"
            continue
        for name, value in facts.items():
            if new[code].get(name) != value:
                yield f"the error code {code}: {name} changed from {value} to {new[code].get(name)}"


Pair = tuple[dict[str, Any], dict[str, Any]]


def _operation(old: dict[str, Any], new: dict[str, Any], before: Pair, after: Pair, where: str) -> Iterator[str]:
    left, right = before[1], after[1]
    for name in ("operationId", "x-themis-routing", "x-themis-idempotent", "x-themis-body-limit"):
        if left.get(name) != right.get(name):
            yield f"{where}: {name} changed from {left.get(name)} to {right.get(name)}"
    for code in left.get("x-themis-item-errors", ()):
        if code not in right.get("x-themis-item-errors", ()):
            yield f"{where}: items do not answer {code} any more"
    yield from _parameters(old, new, before, after, where)
    yield from _request_body(old, new, left.get("requestBody"), right.get("requestBody"), where)
    yield from _responses(old, new, left["responses"], right["responses"], where)


def _parameters(old: dict[str, Any], new: dict[str, Any], before: Pair, after: Pair, where: str) -> Iterator[str]:
    lefts, rights = _by_name(old, before), _by_name(new, after)
    for key, left in lefts.items():
        place = f"{where}: the {key[0]} parameter {key[1]}"
        if key not in rights:
            yield f"{place} is gone"
            continue
        right = rights[key]
        if right.get("required", False) and not left.get("required", False):
            yield f"{place} is required now"
        left_schema, right_schema = resolve(old, left["schema"]), resolve(new, right["schema"])
        if left_schema.get("default") != right_schema.get("default"):
            yield f"{place}: the default changed from {left_schema.get('default')} to {right_schema.get('default')}"
        yield from SchemaComparison(old, new, "request").breaks(left_schema, right_schema, place)
    for key, right in rights.items():
        if key not in lefts and right.get("required", False):
            yield f"{where}: the {key[0]} parameter {key[1]} is new and required"


def _by_name(document: dict[str, Any], pair: Pair) -> dict[tuple[str, str], dict[str, Any]]:
    raw = (*pair[0].get("parameters", ()), *pair[1].get("parameters", ()))
    found = (resolve(document, parameter) for parameter in raw)
    return {(parameter["in"], parameter["name"]): parameter for parameter in found}


def _request_body(
    old: dict[str, Any], new: dict[str, Any], left: dict[str, Any] | None, right: dict[str, Any] | None, where: str
) -> Iterator[str]:
    if left is None:
        if right is not None and right.get("required", False):
            yield f"{where}: a body is required now"
        return
    if right is None:
        yield f"{where}: no body is taken any more"
        return
    if right.get("required", False) and not left.get("required", False):
        yield f"{where}: the body is required now"
    for media_type, media in left["content"].items():
        if media_type not in right["content"]:
            yield f"{where}: {media_type} is not accepted any more"
        else:
            comparison = SchemaComparison(old, new, "request")
            yield from comparison.breaks(
                media["schema"], right["content"][media_type]["schema"], f"{where}: the request body"
            )


def _responses(
    old: dict[str, Any], new: dict[str, Any], lefts: dict[str, Any], rights: dict[str, Any], where: str
) -> Iterator[str]:
    for status, left in lefts.items():
        place = f"{where}: the answer {status}"
        if status not in rights:
            yield f"{place} is gone"
            continue
        right = rights[status]
        for code in left.get("x-themis-codes", ()):
            if code not in right.get("x-themis-codes", ()):
                yield f"{place} does not stand for {code} any more"
        yield from _headers(old, new, left.get("headers", {}), right.get("headers", {}), place)
        before, after = left.get("content", {}), right.get("content", {})
        if not before and after:
            yield f"{place} has a body now"
        for media_type, media in before.items():
            if media_type not in after:
                yield f"{place} is not {media_type} any more"
            else:
                comparison = SchemaComparison(old, new, "response")
                yield from comparison.breaks(media["schema"], after[media_type]["schema"], place)
    for status in rights:
        if status not in lefts and int(status) < 400:
            yield f"{where}: the answer {status} is new; a program may take it for an error"


def _headers(
    old: dict[str, Any], new: dict[str, Any], lefts: dict[str, Any], rights: dict[str, Any], where: str
) -> Iterator[str]:
    for name, raw in lefts.items():
        if name not in rights:
            yield f"{where}: the header {name} is gone"
            continue
        left, right = resolve(old, raw), resolve(new, rights[name])
        if left.get("required", False) and not right.get("required", False):
            yield f"{where}: the header {name} may be missing now"
        comparison = SchemaComparison(old, new, "response")
        yield from comparison.breaks(left["schema"], right["schema"], f"{where}: the header {name}")
