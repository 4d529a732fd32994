"""Reads the schemas of the bundle into structs and aliases, and refuses what no emitter could render faithfully."""

from __future__ import annotations

from typing import Any, Final

from tools.codegen.ir import Alias, Array, Constraints, Field, FreeMap, Named, Pair, Scalar, ScalarKind, Struct, Type
from tools.codegen.references import local_name, resolve
from tools.codegen.source import SpecError

__all__ = ["constraints_of", "read_schemas", "request_schema_names"]

_KINDS: Final[dict[str, ScalarKind]] = {
    "string": "string",
    "integer": "integer",
    "number": "number",
    "boolean": "boolean",
}


def read_schemas(document: dict[str, Any]) -> tuple[tuple[Alias, ...], tuple[Struct, ...]]:
    """Return the aliases and the structs, structs ordered so that each comes after those it refers to."""
    schemas: dict[str, Any] = document["components"]["schemas"]
    requests = request_schema_names(document)
    aliases: list[Alias] = []
    structs: dict[str, Struct] = {}
    for name, schema in schemas.items():
        if _is_struct(schema):
            structs[name] = _struct(document, name, schema, is_request=name in requests)
        elif _is_named_type(schema):
            aliases.append(Alias(name, _text(schema, name), _type(document, schema, name)))
    return tuple(aliases), _in_dependency_order(structs)


def request_schema_names(document: dict[str, Any]) -> frozenset[str]:
    """Names of the schemas that request bodies reach."""
    return _reachable(document, "requestBody") - _shared_free_maps(document)


def response_schema_names(document: dict[str, Any]) -> frozenset[str]:
    """Names of the schemas that responses reach."""
    return _reachable(document, "responses") - _shared_free_maps(document)


def _shared_free_maps(document: dict[str, Any]) -> frozenset[str]:
    return frozenset(name for name, schema in document["components"]["schemas"].items() if not _is_struct(schema))


def _reachable(document: dict[str, Any], part: str) -> frozenset[str]:
    found: set[str] = set()

    def walk(node: Any) -> None:
        if isinstance(node, list):
            for child in node:
                walk(child)
        elif isinstance(node, dict):
            reference = node.get("$ref")
            if isinstance(reference, str) and reference.startswith("#/components/schemas/"):
                name = local_name(reference)
                if name not in found:
                    found.add(name)
                    walk(document["components"]["schemas"][name])
            for key, child in node.items():
                if key not in ("example", "examples"):
                    walk(child)

    for item in document["paths"].values():
        for operation in item.values():
            if isinstance(operation, dict):
                walk(operation.get(part))
    return frozenset(found)


def _is_struct(schema: dict[str, Any]) -> bool:
    return "properties" in schema


def _is_free_map(schema: dict[str, Any]) -> bool:
    return schema.get("type") == "object" and "properties" not in schema


def _is_named_type(schema: dict[str, Any]) -> bool:
    """Free maps and enumerations keep their names; other scalars are rendered in place."""
    return _is_free_map(schema) or "enum" in schema


def _text(schema: dict[str, Any], where: str) -> str:
    text = schema.get("description")
    if not isinstance(text, str) or not text.strip():
        raise SpecError(f"{where}: a description is missing")
    return " ".join(text.split())


def _struct(document: dict[str, Any], name: str, schema: dict[str, Any], *, is_request: bool) -> Struct:
    required = set(schema.get("required", ()))
    if missing := sorted(required - set(schema["properties"])):
        raise SpecError(f"{name}: {missing[0]} is required but not declared")
    fields = []
    for field_name, field_schema in schema["properties"].items():
        where = f"{name}.{field_name}"
        resolved = resolve(document, field_schema)
        fields.append(
            Field(
                name=field_name,
                type=_type(document, field_schema, where),
                required=field_name in required,
                nullable=_is_nullable(resolved),
                description=_text(resolved, where),
                secret=field_schema.get("x-themis-secret") is True,
            )
        )
    return Struct(name, _text(schema, name), tuple(fields), is_request, _exactly_one_of(name, schema))


def _exactly_one_of(name: str, schema: dict[str, Any]) -> tuple[str, ...]:
    names: list[str] = []
    for branch in schema.get("oneOf", ()):
        if set(branch) != {"required"} or len(branch["required"]) != 1:
            raise SpecError(f"{name}: oneOf beside properties may only say which one of them is there")
        names.append(branch["required"][0])
    return tuple(names)


def _is_nullable(schema: dict[str, Any]) -> bool:
    return isinstance(schema.get("type"), list) and "null" in schema["type"]


def _type(document: dict[str, Any], schema: dict[str, Any], where: str) -> Type:
    reference = schema.get("$ref")
    if reference is not None:
        target = document["components"]["schemas"].get(local_name(reference))
        if target is not None and (_is_struct(target) or _is_named_type(target)):
            return Named(local_name(reference))
        return _type(document, resolve(document, schema), where)
    for word in ("anyOf", "allOf", "not", "if"):
        if word in schema:
            raise SpecError(f"{where}: {word} is not supported; the generators of three languages disagree about it")
    kind = schema.get("type")
    if isinstance(kind, list):
        others = [name for name in kind if name != "null"]
        if len(others) != 1:
            raise SpecError(f"{where}: a type may be one name, or one name and null")
        kind = others[0]
    if kind == "array":
        if "prefixItems" in schema:
            return Pair(tuple(_type(document, item, where) for item in schema["prefixItems"]))
        return Array(_type(document, schema["items"], where), schema.get("maxItems"))
    if kind == "object":
        if "properties" in schema:
            raise SpecError(f"{where}: an object with members needs a name of its own in components/schemas")
        return FreeMap()
    if kind not in _KINDS:
        raise SpecError(f"{where}: unknown type {kind!r}")
    if schema.get("format") == "date-time":
        return Scalar("datetime")
    return Scalar(_KINDS[kind], constraints_of(schema), bits=32 if schema.get("format") == "int32" else 64)


def constraints_of(schema: dict[str, Any]) -> Constraints:
    """The limits of a scalar schema; `const` is an enumeration of one."""
    enum = schema.get("enum")
    if "const" in schema:
        enum = [schema["const"]]
    return Constraints(
        minimum=schema.get("minimum"),
        maximum=schema.get("maximum"),
        min_length=schema.get("minLength"),
        max_length=schema.get("maxLength"),
        pattern=schema.get("pattern"),
        enum=tuple(enum) if enum is not None else None,
    )


def _names_in(kind: Type) -> frozenset[str]:
    match kind:
        case Named(name):
            return frozenset({name})
        case Array(item):
            return _names_in(item)
        case Pair(items):
            return frozenset().union(*(_names_in(item) for item in items))
        case _:
            return frozenset()


def _in_dependency_order(structs: dict[str, Struct]) -> tuple[Struct, ...]:
    ordered: dict[str, Struct] = {}

    def place(name: str, trail: tuple[str, ...]) -> None:
        if name in trail:
            raise SpecError(f"{' -> '.join((*trail, name))}: recursive schemas are not supported")
        if name in ordered or name not in structs:
            return
        for field in structs[name].fields:
            for needed in sorted(_names_in(field.type)):
                place(needed, (*trail, name))
        ordered[name] = structs[name]

    for name in structs:
        place(name, ())
    return tuple(ordered.values())
