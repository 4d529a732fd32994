"""Emits `operations.ts`: of each operation what an SDK needs to send it and to judge the answer's status."""

from __future__ import annotations

from tools.codegen.ir import Api, Operation
from tools.codegen.typescript_text import array, doc, header, text_literal

__all__ = ["emit_typescript_operations"]

_TYPES = """/** Whom an operation is asked of. */
export type Routing = "urn" | "any" | "all" | "leader";

/**
 * One operation. `routing`: `urn` goes to the leader of the shard of the URN (of
 * each item's URN in a batch), `any` to any node, `all` is gathered from all
 * shards by whichever node is asked, `leader` changes metadata and is forwarded
 * by whichever node is asked.
 */
export interface Operation {
  /** Its name. */
  readonly operationId: OperationId;

  /** The HTTP method. */
  readonly method: "GET" | "HEAD" | "PUT" | "POST" | "PATCH" | "DELETE";

  /** The path, with parameters in braces. */
  readonly path: string;

  /** Names of the parameters in the path. */
  readonly pathParams: readonly string[];

  /** Names of the parameters in the query. */
  readonly queryParams: readonly string[];

  /** Names of the headers it understands, beside those that all operations do. */
  readonly headerParams: readonly string[];

  /** Which media types a body may have; empty if there is none. */
  readonly requestMediaTypes: readonly string[];

  /** The media type of a successful answer; null if it has no body. */
  readonly responseMediaType: string | null;

  /** The statuses that are no errors. */
  readonly expected: readonly number[];

  /** Whom it is asked of. */
  readonly routing: Routing;

  /** Whether it may be repeated without an Idempotency-Key. */
  readonly idempotent: boolean;
}"""


def emit_typescript_operations(api: Api) -> str:
    """Return the text of `operations.ts`."""
    ids = "\n".join(f"  | {text_literal(operation.operation_id)}" for operation in api.operations)
    entries = "\n".join(_operation(operation, api) for operation in api.operations)
    version = ".".join(api.version.split(".")[:2])
    parts = [
        header("The operations."),
        f"{doc('The version of the API that this table describes, major.minor.')}\n"
        f"export const API_VERSION = {text_literal(version)};",
        f"{doc('The names of the operations.')}\nexport type OperationId =\n{ids};",
        _TYPES,
        f"{doc('Every operation, by its name.')}\n"
        f"export const OPERATIONS: Readonly<Record<OperationId, Operation>> = {{\n{entries}\n}};",
    ]
    return "\n\n".join(parts) + "\n"


def _operation(operation: Operation, api: Api) -> str:
    shared = api.parameters_of_every_operation
    media_type = operation.success.media_type
    members = {
        "operationId": text_literal(operation.operation_id),
        "method": text_literal(operation.method),
        "path": text_literal(operation.path),
        "pathParams": _names(operation, "path"),
        "queryParams": _names(operation, "query"),
        "headerParams": _names(operation, "header", shared),
        "requestMediaTypes": array(operation.body.media_types if operation.body else (), 24),
        "responseMediaType": "null" if media_type is None else text_literal(media_type),
        "expected": array(operation.expected_statuses, 15),
        "routing": text_literal(operation.routing),
        "idempotent": "true" if operation.idempotent else "false",
    }
    lines = "\n".join(f"    {name}: {value}," for name, value in members.items())
    return f"  {operation.operation_id}: {{\n{lines}\n  }},"


def _names(operation: Operation, location: str, shared: frozenset[str] = frozenset()) -> str:
    return array([each.name for each in operation.parameters_in(location) if each.name not in shared], 19)
