"""Emits `operations.py`: one table of the operations, the same for server and Python SDK."""

from __future__ import annotations

from tools.codegen.ir import Api, Operation, Parameter
from tools.codegen.python_text import docstring, format_python, literal, python_pattern

__all__ = ["emit_operations"]

_TYPES = '''
@dataclass(frozen=True, slots=True)
class Param:
    """A path, query or header parameter. `pattern` is anchored; `default` is None where there is none."""

    name: str
    type: Literal["string", "integer", "boolean"]
    required: bool = False
    default: str | int | bool | None = None
    minimum: int | None = None
    maximum: int | None = None
    min_length: int | None = None
    max_length: int | None = None
    enum: tuple[str, ...] | None = None
    pattern: str | None = None


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation: what server and SDK have to know about it, besides the models.

    `routing`: `urn` goes to the leader of the shard of the URN (of each item's URN in a batch), `any` to any node,
    `all` is gathered from all shards by whichever node is asked, `leader` changes metadata and is forwarded by
    whichever node is asked. `idempotent`: it may be repeated without an Idempotency-Key. `responses` and `error_codes`
    list what may be answered; `item_codes` what the items of a batch may say. Models are names in the module `models`.
    """

    operation_id: str
    method: str
    path: str
    path_params: tuple[Param, ...]
    query_params: tuple[Param, ...]
    header_params: tuple[Param, ...]
    request_media_types: tuple[str, ...]
    request_body_required: bool
    request_model: str | None
    responses: tuple[int, ...]
    response_media_type: str | None
    response_model: str | None
    routing: Literal["urn", "any", "all", "leader"]
    idempotent: bool
    body_limit: Literal["entity", "batch", "small"]
    error_codes: tuple[str, ...]
    item_codes: tuple[str, ...]
'''


def emit_operations(api: Api) -> str:
    """Return the text of `operations.py`."""
    entries = "\n".join(_operation(operation) for operation in api.operations)
    parts = [
        docstring("The operations, as spec/openapi.yaml declares them. Generated: do not edit."),
        "from __future__ import annotations",
        "from dataclasses import dataclass\nfrom typing import Final, Literal",
        "__all__ = ['API_VERSION', 'OPERATIONS', 'Operation', 'Param']",
        f'API_VERSION: Final = "{".".join(api.version.split(".")[:2])}"',
        _TYPES,
        f"OPERATIONS: Final[tuple[Operation, ...]] = (\n{entries}\n)",
    ]
    return format_python("\n\n".join(parts), "operations.py")


def _operation(operation: Operation) -> str:
    body = operation.body
    codes = [code for response in operation.responses for code in response.codes]
    members = {
        "operation_id": repr(operation.operation_id),
        "method": repr(operation.method),
        "path": repr(operation.path),
        "path_params": _params(operation.parameters_in("path")),
        "query_params": _params(operation.parameters_in("query")),
        "header_params": _params(operation.parameters_in("header")),
        "request_media_types": repr(body.media_types if body else ()),
        "request_body_required": repr(body.required if body else False),
        "request_model": repr(body.model if body else None),
        "responses": repr(tuple(response.status for response in operation.responses)),
        "response_media_type": repr(operation.success.media_type),
        "response_model": repr(operation.success.model),
        "routing": repr(operation.routing),
        "idempotent": repr(operation.idempotent),
        "body_limit": repr(operation.body_limit),
        "error_codes": repr(tuple(codes)),
        "item_codes": repr(operation.item_codes),
    }
    return f"Operation({', '.join(f'{name}={value}' for name, value in members.items())},),"


def _params(parameters: tuple[Parameter, ...]) -> str:
    return f"({''.join(f'{_param(parameter)}, ' for parameter in parameters)})"


def _param(parameter: Parameter) -> str:
    limits = parameter.constraints
    arguments = [literal(parameter.name), literal(parameter.type)]
    if parameter.required:
        arguments.append("required=True")
    optional = {
        "default": literal(parameter.default) if parameter.default is not None else None,
        "minimum": _number(limits.minimum),
        "maximum": _number(limits.maximum),
        "min_length": _number(limits.min_length),
        "max_length": _number(limits.max_length),
        "enum": repr(limits.enum) if limits.enum is not None else None,
        "pattern": literal(python_pattern(limits.pattern)) if limits.pattern is not None else None,
    }
    arguments += [f"{name}={value}" for name, value in optional.items() if value is not None]
    return f"Param({', '.join(arguments)})"


def _number(value: int | None) -> str | None:
    return None if value is None else repr(value)
