"""Reads the operations and the error codes of the bundle: the second half of the intermediate representation."""

from __future__ import annotations

import json
from typing import Any, Final, Literal, cast

from tools.codegen.bundle import operations_of
from tools.codegen.errors import ErrorEntry
from tools.codegen.ir import (
    Api,
    Body,
    ErrorCodeInfo,
    Header,
    MediaExample,
    Operation,
    Parameter,
    Response,
)
from tools.codegen.references import local_name, resolve
from tools.codegen.schemas import constraints_of, read_schemas
from tools.codegen.source import SpecError

__all__ = ["read_api"]

_ROUTINGS: Final = ("urn", "any", "all", "leader")
_BODY_LIMITS: Final = ("entity", "batch", "small")


def read_api(document: dict[str, Any], errors: dict[str, ErrorEntry]) -> Api:
    """Read the bundled document into the intermediate representation; raises `SpecError`."""
    aliases, structs = read_schemas(document)
    operations = tuple(
        _operation(document, path, method, item, operation) for path, method, item, operation in operations_of(document)
    )
    ids = [operation.operation_id for operation in operations]
    if twice := sorted({name for name in ids if ids.count(name) > 1}):
        raise SpecError(f"the operationId {twice[0]} is used twice")
    return Api(
        title=document["info"]["title"],
        version=document["info"]["version"],
        description=document["info"]["description"],
        tags=tuple((tag["name"], " ".join(tag["description"].split())) for tag in document["tags"]),
        aliases=aliases,
        structs=structs,
        operations=operations,
        errors=tuple(_error(entry, operations) for entry in errors.values()),
    )


def _operation(
    document: dict[str, Any], path: str, method: str, item: dict[str, Any], operation: dict[str, Any]
) -> Operation:
    name = operation.get("operationId", f"{method} {path}")
    routing = operation.get("x-themis-routing")
    if routing not in _ROUTINGS:
        raise SpecError(f"{name}: x-themis-routing must be one of {', '.join(_ROUTINGS)}, not {routing!r}")
    if not isinstance(operation.get("x-themis-idempotent"), bool):
        raise SpecError(f"{name}: x-themis-idempotent must be true or false")
    if operation.get("x-themis-body-limit") not in _BODY_LIMITS:
        raise SpecError(f"{name}: x-themis-body-limit must be one of {', '.join(_BODY_LIMITS)}")
    parameters = tuple(
        _parameter(document, resolve(document, raw), name)
        for raw in (*item.get("parameters", ()), *operation.get("parameters", ()))
    )
    in_path = {parameter.name for parameter in parameters if parameter.location == "path"}
    if in_path != {part[1:-1] for part in path.split("/") if part.startswith("{")}:
        raise SpecError(f"{name}: the parameters of the path and those declared differ")
    return Operation(
        operation_id=name,
        method=method.upper(),
        path=path,
        tag=operation["tags"][0],
        summary=operation["summary"],
        description=operation["description"].strip(),
        parameters=parameters,
        body=_body(document, operation.get("requestBody"), name),
        responses=tuple(
            _response(document, status, raw, name)
            for status, raw in sorted(operation["responses"].items(), key=lambda pair: int(pair[0]))
        ),
        routing=routing,
        idempotent=operation["x-themis-idempotent"],
        body_limit=operation["x-themis-body-limit"],
        item_codes=tuple(operation.get("x-themis-item-errors", ())),
    )


def _parameter(document: dict[str, Any], raw: dict[str, Any], where: str) -> Parameter:
    where = f"{where}: parameter {raw.get('name')}"
    schema = resolve(document, raw["schema"])
    if "example" not in raw or not raw.get("description"):
        raise SpecError(f"{where}: needs a description and an example")
    kind = schema.get("type")
    if kind not in ("string", "integer", "boolean"):
        raise SpecError(f"{where}: a parameter is a string, an integer or a boolean")
    return Parameter(
        name=raw["name"],
        location=cast(Literal["path", "query", "header"], raw["in"]),
        type=cast(Literal["string", "integer", "boolean"], kind),
        required=raw.get("required", False),
        default=schema.get("default"),
        constraints=constraints_of(schema),
        description=" ".join(raw["description"].split()),
        example=raw["example"],
    )


def _model_name(schema: dict[str, Any], where: str) -> str:
    if "$ref" not in schema:
        raise SpecError(f"{where}: a JSON body needs a named schema")
    return local_name(schema["$ref"])


def _body(document: dict[str, Any], raw: dict[str, Any] | None, where: str) -> Body | None:
    if raw is None:
        return None
    names = {_model_name(content["schema"], where) for content in raw["content"].values()}
    if len(names) != 1:
        raise SpecError(f"{where}: all media types of a request must have the same schema")
    return Body(
        media_types=tuple(raw["content"]),
        required=raw.get("required", False),
        model=names.pop(),
        examples=_examples(document, next(iter(raw["content"].values()))),
    )


def _response(document: dict[str, Any], status: str, raw: dict[str, Any], where: str) -> Response:
    content: dict[str, Any] = raw.get("content", {})
    if len(content) > 1:
        raise SpecError(f"{where}: the response {status} has several media types")
    media_type = next(iter(content), None)
    media: dict[str, Any] = content[media_type] if media_type is not None else {}
    is_json = media_type is not None and media_type.endswith("json")
    headers = ((name, resolve(document, header)) for name, header in raw.get("headers", {}).items())
    return Response(
        status=int(status),
        description=raw["description"].strip(),
        media_type=media_type,
        model=_model_name(media["schema"], where) if is_json else None,
        headers=tuple(
            Header(name, " ".join(header["description"].split()), header.get("required", False))
            for name, header in headers
        ),
        codes=tuple(raw.get("x-themis-codes", ())),
        examples=_examples(document, media),
    )


def _examples(document: dict[str, Any], media: dict[str, Any]) -> tuple[MediaExample, ...]:
    examples = []
    for name, raw in media.get("examples", {}).items():
        example = resolve(document, raw)
        value = example["value"]
        text = value.strip() if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False)
        examples.append(MediaExample(name, example.get("summary", ""), text))
    return tuple(examples)


def _error(entry: ErrorEntry, operations: tuple[Operation, ...]) -> ErrorCodeInfo:
    users = tuple(
        operation.operation_id
        for operation in operations
        if entry.code in operation.item_codes or any(entry.code in response.codes for response in operation.responses)
    )
    if not users and not entry.peer_only:
        raise SpecError(f"errors.yaml: no operation names {entry.code}")
    if users and entry.peer_only:
        raise SpecError(f"{users[0]}: {entry.code} is said between nodes only")
    example = entry.item() if entry.item_only else entry.problem()
    return ErrorCodeInfo(
        code=entry.code,
        status=entry.status,
        title=entry.title,
        meaning=entry.meaning,
        cause=entry.cause,
        remedy=entry.remedy,
        retryable=entry.retryable,
        item_only=entry.item_only,
        example=json.dumps(example, indent=2, ensure_ascii=False),
        operations=users,
        peer_only=entry.peer_only,
    )
