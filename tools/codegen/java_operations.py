"""Emits `Operation.java`: of each operation what an SDK needs to send it and to judge the answer's status."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from tools.codegen.ir import Api, Operation
from tools.codegen.java_text import constant_name, file_head, javadoc, listed, quoted

__all__ = ["emit_java_operations"]

_MEMBERS: Final = """
  /** The version of the API that this table describes, major.minor. */
  public static final String API_VERSION = {version};

  private final String operationId;
  private final String method;
  private final String path;
  private final List<String> pathParams;
  private final List<String> queryParams;
  private final List<String> headerParams;
  private final List<String> requestMediaTypes;
  private final @Nullable String responseMediaType;
  private final List<Integer> expected;
  private final Routing routing;
  private final boolean idempotent;

  Operation(
      String operationId,
      String method,
      String path,
      List<String> pathParams,
      List<String> queryParams,
      List<String> headerParams,
      List<String> requestMediaTypes,
      @Nullable String responseMediaType,
      List<Integer> expected,
      Routing routing,
      boolean idempotent) {
    this.operationId = operationId;
    this.method = method;
    this.path = path;
    this.pathParams = pathParams;
    this.queryParams = queryParams;
    this.headerParams = headerParams;
    this.requestMediaTypes = requestMediaTypes;
    this.responseMediaType = responseMediaType;
    this.expected = expected;
    this.routing = routing;
    this.idempotent = idempotent;
  }

  /** Whom an operation is asked of. */
  public enum Routing {
    /** The leader of the shard of the URN; in a batch, of each item's URN. */
    URN,

    /** Any node. */
    ANY,

    /** Any node, which gathers the answer from all shards. */
    ALL,

    /** Any node, which forwards it to whoever changes metadata. */
    LEADER
  }
"""
_ACCESSORS: Final = (
    ("String", "operationId", "its name", "the name, as the specification has it"),
    ("String", "method", "the HTTP method", "the method, in upper case"),
    ("String", "path", "the path", "the path, with parameters in braces"),
    ("List<String>", "pathParams", "the parameters in the path", "their names"),
    ("List<String>", "queryParams", "the parameters in the query", "their names, as on the wire"),
    (
        "List<String>",
        "headerParams",
        "the headers it understands beside those that all operations do",
        "their names",
    ),
    ("List<String>", "requestMediaTypes", "which media types a body may have", "the types; none if there is no body"),
    (
        "@Nullable String",
        "responseMediaType",
        "the media type of a successful answer",
        "the type; null if it has no body",
    ),
    ("List<Integer>", "expected", "the statuses that are no errors", "the statuses, ascending"),
    ("Routing", "routing", "whom it is asked of", "the rule"),
    ("boolean", "idempotent", "whether it may be repeated without an Idempotency-Key", "true if so"),
)


def emit_java_operations(api: Api) -> str:
    """Return the text of `Operation.java`."""
    shared = api.parameters_of_every_operation
    constants = ",\n\n".join(_constant(operation, shared) for operation in api.operations)
    version = ".".join(api.version.split(".")[:2])
    members = _MEMBERS.replace("{version}", quoted(version))
    accessors = "\n\n".join(_accessor(*each) for each in _ACCESSORS)
    head = file_head(["java.util.List", "org.jspecify.annotations.Nullable"])
    return f"""{head}

/** The operations of the API. */
@SuppressWarnings("ImmutableEnumChecker") // Every list is a List.of.
public enum Operation {{
{constants};
{members}
{accessors}
}}
"""


def _constant(operation: Operation, shared: frozenset[str]) -> str:
    def names(location: str) -> list[str]:
        return [each.name for each in operation.parameters_in(location)]

    arguments = [
        quoted(operation.operation_id),
        quoted(operation.method),
        quoted(operation.path),
        _list(names("path")),
        _list(names("query")),
        _list([name for name in names("header") if name not in shared]),
        _list(operation.body.media_types if operation.body else ()),
        "null" if operation.success.media_type is None else quoted(operation.success.media_type),
        f"List.of({', '.join(str(status) for status in operation.expected_statuses)})",
        f"Routing.{operation.routing.upper()}",
        "true" if operation.idempotent else "false",
    ]
    name = constant_name(operation.operation_id, "operationId")
    return f"{javadoc(operation.summary, '  ')}\n{listed(f'{name}(', arguments, ')', '  ')}"


def _list(values: Sequence[str]) -> str:
    return f"List.of({', '.join(quoted(value) for value in values)})"


def _accessor(kind: str, name: str, about: str, returned: str) -> str:
    comment = javadoc(f"Returns {about}.", "  ", tags=[("@return", returned)])
    annotation, _, plain = kind.rpartition(" ")
    modifier = f"public {annotation} {plain}" if annotation else f"public {plain}"
    return f"{comment}\n  {modifier} {name}() {{\n    return {name};\n  }}"
