"""The rules that keep generated code honest: what the specification must not say, for a generator would get it wrong.

Each rule is a function that yields what breaks it: free maps and declared members apart, integers that JavaScript can
hold, no defaults in requests, closed requests and open answers, tagged unions only.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from tools.codegen.references import local_name, resolve
from tools.codegen.schemas import request_schema_names, response_schema_names
from tools.codegen.source import SpecError

__all__ = ["SAFE_INTEGER_MAX", "check_honesty", "faults"]

SAFE_INTEGER_MAX: Final = 2**53 - 1
_INT32_MAX: Final = 2**31 - 1


def check_honesty(document: dict[str, Any]) -> None:
    """Raise `SpecError` if the bundled document breaks a rule; the message lists every breach."""
    found = list(faults(document))
    if found:
        raise SpecError("\n".join(found))


def faults(document: dict[str, Any]) -> Iterator[str]:
    """Yield every breach of every rule."""
    schemas: dict[str, Any] = document["components"]["schemas"]
    requests, responses = request_schema_names(document), response_schema_names(document)
    for name in sorted(requests & responses):
        yield f"{name}: a struct is either sent or received; requests are closed, answers are open"
    for name, schema in schemas.items():
        for where, node in _schemas_in(schema, name):
            yield from _free_or_declared(where, node)
            yield from _safe_integers(where, node)
            yield from _unions(document, where, node)
            if name in requests and "default" in node:
                yield f"{where}: a default in a request body; say in the description what happens without it"
            if not resolve(document, node).get("description"):
                yield f"{where}: a description is missing"
        if "properties" in schema:
            closed = schema.get("additionalProperties") is False
            if name in requests and not closed:
                yield f"{name}: a request must say additionalProperties: false"
            if name in responses and closed:
                yield f"{name}: an answer must stay open for new members"
    for path, item in document["paths"].items():
        for place in (item, *(value for value in item.values() if isinstance(value, dict))):
            for raw in place.get("parameters", ()):
                parameter = resolve(document, raw)
                yield from _safe_integers(f"{path}: {parameter['name']}", resolve(document, parameter["schema"]))


def _schemas_in(schema: dict[str, Any], where: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield this schema and those written out inside it (branches of a oneOf excepted: they only restrict)."""
    yield where, schema
    for name, child in schema.get("properties", {}).items():
        yield from _schemas_in(child, f"{where}.{name}")
    if isinstance(schema.get("items"), dict):
        yield from _schemas_in(schema["items"], f"{where}[]")
    for index, child in enumerate(schema.get("prefixItems", ())):
        yield from _schemas_in(child, f"{where}[{index}]")


def _free_or_declared(where: str, schema: dict[str, Any]) -> Iterator[str]:
    if schema.get("type") != "object":
        return
    free = schema.get("additionalProperties")
    if "properties" in schema:
        if free not in (None, False):
            yield f"{where}: declared and free members must not be mixed"
    elif free != {}:
        yield f"{where}: a free map must say additionalProperties: {{}}"


def _safe_integers(where: str, schema: dict[str, Any]) -> Iterator[str]:
    kinds = schema.get("type")
    kinds = kinds if isinstance(kinds, list) else [kinds]
    if "number" in kinds and "integer" in kinds and kinds.index("number") < kinds.index("integer"):
        yield f"{where}: list integer before number"
    if "integer" not in kinds:
        return
    if schema.get("format") not in ("int32", "int64"):
        yield f"{where}: an integer needs the format int32 or int64"
    highest = _INT32_MAX if schema.get("format") == "int32" else SAFE_INTEGER_MAX
    if not isinstance(schema.get("maximum"), int) or schema["maximum"] > highest:
        yield f"{where}: an integer needs a maximum of at most {highest}"
    if not isinstance(schema.get("minimum"), int):
        yield f"{where}: an integer needs a minimum"


def _unions(document: dict[str, Any], where: str, schema: dict[str, Any]) -> Iterator[str]:
    """A union of structs needs a tag: a discriminator with a mapping, and the tag const and required in each branch."""
    branches = schema.get("oneOf", ())
    if not branches or all(set(branch) == {"required"} for branch in branches):
        return
    discriminator = schema.get("discriminator", {})
    tag, mapping = discriminator.get("propertyName"), discriminator.get("mapping")
    if not tag or not mapping:
        yield f"{where}: a union needs a discriminator with a mapping"
        return
    for branch in branches:
        target = resolve(document, branch)
        name = local_name(branch.get("$ref", "a branch"))
        if "const" not in target.get("properties", {}).get(tag, {}) or tag not in target.get("required", ()):
            yield f"{where}: {name} must require {tag} and give it a const"
