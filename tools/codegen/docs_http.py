"""Emits docs/reference/http-api.md: each operation with its parameters, answers and an example to copy."""

from __future__ import annotations

import shlex
from typing import Final
from urllib.parse import quote, urlencode

from tools.codegen.ir import (
    Alias,
    Api,
    Array,
    Field,
    FreeMap,
    MediaExample,
    Named,
    Operation,
    Pair,
    Parameter,
    Scalar,
    Struct,
    Type,
)

__all__ = ["emit_http_page"]

_BASE: Final = "http://127.0.0.1:8080"
_ROUTING: Final = {
    "urn": "the leader of the URN's shard",
    "any": "any node",
    "all": "any node, which asks all shards",
    "leader": "any node, which passes it to the leader of the metadata group",
}


def emit_http_page(api: Api) -> str:
    """Return the text of the page."""
    parts = [
        "<!-- Generated from spec/openapi.yaml by `python -m tools.codegen`: do not edit. -->",
        "# HTTP API",
        api.description.strip(),
        f"This page describes version {'.'.join(api.version.split('.')[:2])} of the API. A server answers the whole as "
        "an OpenAPI 3.1 document at [`/openapi.json`](#getopenapi). What each error means is told on the page "
        "[Errors](errors.md).",
        "## Overview",
        _overview(api),
        "## Every operation",
        _every_operation(api),
    ]
    for tag, text in api.tags:
        parts += [f"## {tag}", text]
        parts += [_operation(operation, api) for operation in api.operations if operation.tag == tag]
    schemas: list[Struct | Alias] = [*api.structs, *api.aliases]
    parts += ["## Schemas", *(_schema_section(schema) for schema in sorted(schemas, key=lambda schema: schema.name))]
    return "\n\n".join(parts) + "\n"


def _overview(api: Api) -> str:
    rows = [
        f"| [{operation.operation_id}](#{operation.operation_id.lower()}) "
        f"| `{operation.method} {operation.path}` | {operation.summary} |"
        for operation in api.operations
    ]
    return "\n".join(["| operation | request | |", "|---|---|---|", *rows])


def _every_operation(api: Api) -> str:
    """What holds for all operations is said once, so that the pages of the single ones show what is special."""
    by_status: dict[int, list[str]] = {}
    for entry in api.errors:
        if entry.code in api.codes_of_every_operation:
            by_status.setdefault(entry.status, []).append(_code(entry.code))
    errors = "\n".join(f"| {status} | {', '.join(codes)} |" for status, codes in by_status.items())
    names = api.parameters_of_every_operation
    parameters = [parameter for parameter in api.operations[0].parameters if parameter.name in names]
    headers = [header for header in api.operations[0].success.headers if header.name in api.headers_of_every_answer]
    answered = "\n".join(f"| `{header.name}` | {_cell(header.description)} |" for header in headers)
    return "\n\n".join(
        [
            "Every operation takes",
            _parameters(tuple(parameters)),
            "every answer carries",
            f"| header | |\n|---|---|\n{answered}",
            "and every operation may answer",
            f"| status | |\n|---|---|\n{errors}",
        ]
    )


def _operation(operation: Operation, api: Api) -> str:
    repeat = "yes" if operation.idempotent else "only with an Idempotency-Key"
    parts = [
        f"### {operation.operation_id}",
        f"`{operation.method} {operation.path}`",
        operation.summary,
        operation.description,
        f"Asked of: {_ROUTING[operation.routing]}. May be repeated: {repeat}.",
        _parameters(tuple(each for each in operation.parameters if each.name not in api.parameters_of_every_operation)),
    ]
    if operation.body:
        types = " or ".join(f"`{name}`" for name in operation.body.media_types)
        parts.append(f"Body: {_schema(operation.body.model)} as {types}.")
    parts += [_responses(operation, api), _example(operation)]
    return "\n\n".join(part for part in parts if part)


def _parameters(parameters: tuple[Parameter, ...]) -> str:
    if not parameters:
        return ""
    rows = [_parameter(parameter) for parameter in parameters]
    return "\n".join(["| parameter | in | type | |", "|---|---|---|---|", *rows])


def _parameter(parameter: Parameter) -> str:
    notes = [_cell(parameter.description)]
    if parameter.default is not None:
        notes.append(f"By default `{_wire(parameter.default)}`.")
    required = ", required" if parameter.required else ""
    kind = _scalar(Scalar(parameter.type, parameter.constraints))
    return f"| `{parameter.name}` | {parameter.location} | {kind}{required} | {' '.join(notes)} |"


def _responses(operation: Operation, api: Api) -> str:
    lines = ["| status | |", "|---|---|"]
    for response in operation.responses:
        if response.codes:
            codes = [code for code in response.codes if code not in api.codes_of_every_operation]
            if not codes:
                continue
            text = ", ".join(_code(code) for code in codes)
        else:
            text = _cell(" ".join(response.description.split()))
            if response.model:
                text += f" Body: {_schema(response.model)}."
            names = [f"`{each.name}`" for each in response.headers if each.name not in api.headers_of_every_answer]
            if names:
                text += f" Headers: {', '.join(names)}."
        lines.append(f"| {response.status} | {text} |")
    if operation.item_codes:
        lines.append(f"| items | {', '.join(_code(code) for code in operation.item_codes)} |")
    return "\n".join(lines)


def _example(operation: Operation) -> str:
    path = operation.path
    for parameter in operation.parameters_in("path"):
        path = path.replace(f"{{{parameter.name}}}", quote(str(parameter.example), safe=""))
    query = {parameter.name: _wire(parameter.example) for parameter in operation.parameters_in("query")}
    if operation.tag == "Entities" or operation.tag == "Batches":
        # The defaults are the best advice there; an example that sets every knob would hide it.
        query = {}
    url = f"{_BASE}{path}" + (f"?{urlencode(query)}" if query else "")
    switch = {"GET": "-i", "HEAD": "-I"}.get(operation.method, f"-i -X {operation.method}")
    lines = [f"curl {switch} {shlex.quote(url)}"]
    if operation.body:
        example = operation.body.examples[0]
        lines.append(f"  -H {shlex.quote(f'Content-Type: {operation.body.media_types[0]}')}")
        lines.append(f"  --data {shlex.quote(example.text)}")
    command = " \\\n".join(lines)
    return f"```sh\n{command}\n```\n\n{_answer(operation)}"


def _answer(operation: Operation) -> str:
    response = operation.success
    if not response.examples:
        return f"Answer: {response.status} without a body."
    example: MediaExample = response.examples[0]
    language = "json" if response.media_type and response.media_type.endswith("json") else "text"
    return f"Answer ({response.status}):\n\n```{language}\n{example.text}\n```"


def _schema_section(schema: Struct | Alias) -> str:
    if isinstance(schema, Alias):
        return f"### {schema.name} (schema)\n\n{schema.description}\n\nType: {_type(schema.type)}."
    return _struct(schema)


def _struct(struct: Struct) -> str:
    rows = [_field(field) for field in struct.fields]
    table = "\n".join(["| member | type | |", "|---|---|---|", *rows])
    return f"### {struct.name} (schema)\n\n{struct.description}\n\n{table}"


def _field(field: Field) -> str:
    kind = _type(field.type) + (" or null" if field.nullable else "") + ("" if field.required else ", optional")
    return f"| `{field.name}` | {kind} | {_cell(field.description)} |"


def _type(kind: Type) -> str:
    match kind:
        case Named(name):
            return _schema(name)
        case FreeMap():
            return "object"
        case Array(item, max_items):
            return f"array of {_type(item)}" + (f" (at most {max_items})" if max_items else "")
        case Pair(items):
            return f"array of {len(items)}: {', '.join(_type(item) for item in items)}"
        case Scalar():
            return _scalar(kind)


def _scalar(kind: Scalar) -> str:
    limits = kind.constraints
    if limits.enum:
        return ", ".join(f"`{value}`" for value in limits.enum)
    if kind.kind == "datetime":
        return "string (RFC 3339)"
    if limits.minimum is not None and limits.maximum is not None:
        top = "2^53-1" if limits.maximum == 2**53 - 1 else str(limits.maximum)
        return f"{kind.kind} {limits.minimum}..{top}"
    if limits.max_length is not None:
        return f"{kind.kind} of {limits.min_length or 0}..{limits.max_length} characters"
    return kind.kind


def _schema(name: str) -> str:
    # An operation and a schema may differ in case only (adminTopology, AdminTopology); anchors have no case.
    return f"[{name}](#{name.lower()}-schema)"


def _code(code: str) -> str:
    return f"[`{code}`](errors.md#{code})"


def _wire(value: str | int | bool) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
