"""Compares two schemas for one direction of travel."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal

from tools.codegen.references import resolve

__all__ = ["Direction", "SchemaComparison"]

Direction = Literal["request", "response"]

# Keyword -> whether a greater number makes the schema narrower.
_BOUNDS: Final = {
    "minimum": True,
    "exclusiveMinimum": True,
    "minLength": True,
    "minItems": True,
    "maximum": False,
    "exclusiveMaximum": False,
    "maxLength": False,
    "maxItems": False,
}
_EXACT: Final = ("pattern", "format", "oneOf", "anyOf", "allOf", "not", "discriminator", "uniqueItems", "multipleOf")
_ANY_TYPE: Final = frozenset({"string", "number", "integer", "boolean", "object", "array", "null"})


@dataclass(frozen=True, slots=True)
class SchemaComparison:
    """Compares schemas of two documents; `direction` says who has to accept whose values.

    In a request the new schema must accept all that the old one did; in a response it must promise all that the old
    one did.
    """

    old_document: dict[str, Any]
    new_document: dict[str, Any]
    direction: Direction

    def breaks(self, old: dict[str, Any], new: dict[str, Any], where: str) -> Iterator[str]:
        """Yield what breaks between the two schemas; `where` names the place in messages."""
        old, new = resolve(self.old_document, old), resolve(self.new_document, new)
        yield from self._types(old, new, where)
        yield from self._enums(old, new, where)
        for keyword, greater_is_narrower in _BOUNDS.items():
            yield from self._bound(keyword, greater_is_narrower, old, new, where)
        for keyword in _EXACT:
            if old.get(keyword) != new.get(keyword):
                yield f"{where}: {keyword} changed from {old.get(keyword)!r} to {new.get(keyword)!r}"
        yield from self._members(old, new, where)
        yield from self._items(old, new, where)

    def _types(self, old: dict[str, Any], new: dict[str, Any], where: str) -> Iterator[str]:
        before, after = _types_of(old), _types_of(new)
        if self.direction == "request" and before - after:
            yield f"{where}: the type {_names(before - after)} is not accepted any more"
        if self.direction == "response" and after - before:
            yield f"{where}: the type may be {_names(after - before)} now"

    def _enums(self, old: dict[str, Any], new: dict[str, Any], where: str) -> Iterator[str]:
        before, after = _values_of(old), _values_of(new)
        if self.direction == "request" and after is not None:
            if before is None:
                yield f"{where}: only {', '.join(map(str, after))} is accepted now"
            elif gone := [value for value in before if value not in after]:
                yield f"{where}: the value {gone[0]!r} is not accepted any more"
        if self.direction == "response" and before is not None and after is None:
            yield f"{where}: any value may come now"
        if self.direction == "response" and "const" in old and old.get("const") != new.get("const"):
            yield f"{where}: the constant {old['const']!r} changed"

    def _bound(
        self, keyword: str, greater_is_narrower: bool, old: dict[str, Any], new: dict[str, Any], where: str
    ) -> Iterator[str]:
        before, after = old.get(keyword), new.get(keyword)
        if before == after:
            return
        is_greater = before is not None and after is not None and after > before
        # A limit where there was none is narrower, no limit where there was one is wider.
        narrower = before is None or (after is not None and is_greater == greater_is_narrower)
        if narrower == (self.direction == "request"):
            change = "narrowed" if narrower else "widened"
            yield f"{where}: {keyword} is {change} from {before} to {after}"

    def _members(self, old: dict[str, Any], new: dict[str, Any], where: str) -> Iterator[str]:
        before, after = old.get("properties", {}), new.get("properties", {})
        required_before, required_after = set(old.get("required", ())), set(new.get("required", ()))
        for name, schema in before.items():
            if name not in after:
                yield f"{where}: the member {name} is gone"
            else:
                yield from self.breaks(schema, after[name], f"{where}.{name}")
        if self.direction == "request":
            for name in sorted(required_after - required_before):
                yield f"{where}: the member {name} is required now"
            if old.get("additionalProperties") != new.get("additionalProperties") is False:
                yield f"{where}: unknown members are refused now"
        else:
            for name in sorted((required_before - required_after) & set(after)):
                yield f"{where}: the member {name} may be missing now"
            if "additionalProperties" in old and old["additionalProperties"] != new.get("additionalProperties"):
                yield f"{where}: additionalProperties changed"

    def _items(self, old: dict[str, Any], new: dict[str, Any], where: str) -> Iterator[str]:
        before, after = old.get("prefixItems", []), new.get("prefixItems", [])
        if len(before) != len(after):
            yield f"{where}: has {len(after)} places instead of {len(before)}"
        for index, (left, right) in enumerate(zip(before, after, strict=False)):
            yield from self.breaks(left, right, f"{where}[{index}]")
        left, right = old.get("items"), new.get("items")
        if isinstance(left, dict) and isinstance(right, dict):
            yield from self.breaks(left, right, f"{where}[]")
        elif left != right:
            yield f"{where}: items changed"


def _types_of(schema: dict[str, Any]) -> frozenset[str]:
    kind = schema.get("type")
    names = _ANY_TYPE if kind is None else frozenset(kind) if isinstance(kind, list) else frozenset({kind})
    # Every integer is a number.
    return names | {"integer"} if "number" in names else names


def _values_of(schema: dict[str, Any]) -> list[Any] | None:
    if "const" in schema:
        return [schema["const"]]
    values = schema.get("enum")
    return list(values) if values is not None else None


def _names(types: frozenset[str]) -> str:
    return " or ".join(sorted(types))
