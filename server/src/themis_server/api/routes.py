"""Paths to operations, and every operation of the spec to its handler.

One too few or too many and the server does not start.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import NamedTuple

from themis_server._generated.errors import ErrorCode
from themis_server._generated.operations import OPERATIONS, Operation
from themis_server.api.answer import Answer
from themis_server.api.call import Call, QueryValue
from themis_server.errors import ThemisServerError
from themis_server.observability.instruments import Instruments, OperationMetrics

Handler = Callable[[Call], Awaitable[Answer]]


class BindingError(Exception):
    """The handlers do not match the operations of the spec."""


class Route(NamedTuple):
    """An operation, what serves it, and what counts it."""

    operation: Operation
    handler: Handler
    metrics: OperationMetrics
    defaults: dict[str, QueryValue]
    """The query parameters of a request that gives none."""


class _Node:
    __slots__ = ("literal", "parameter", "routes")

    def __init__(self) -> None:
        self.literal: dict[str, _Node] = {}
        self.parameter: _Node | None = None
        self.routes: dict[str, Route] = {}


class Routes:
    """A tree of path segments. A path parameter matches exactly one segment, so an encoded slash never splits one."""

    def __init__(self, handlers: Mapping[str, Handler], instruments: Instruments) -> None:
        declared = {operation.operation_id for operation in OPERATIONS}
        if missing := declared - handlers.keys():
            raise BindingError(f"operations of the spec without a handler: {', '.join(sorted(missing))}")
        if surplus := handlers.keys() - declared:
            raise BindingError(f"handlers without an operation in the spec: {', '.join(sorted(surplus))}")
        self._root = _Node()
        for operation in OPERATIONS:
            node = self._root
            for segment in operation.path.strip("/").split("/"):
                if segment.startswith("{"):
                    node.parameter = node.parameter or _Node()
                    node = node.parameter
                else:
                    node = node.literal.setdefault(segment, _Node())
            metrics = instruments.operation(operation.operation_id)
            defaults = {param.name: param.default for param in operation.query_params if param.default is not None}
            node.routes[operation.method] = Route(operation, handlers[operation.operation_id], metrics, defaults)

    def find(self, method: str, path: str) -> tuple[Route, list[str]]:
        """Return the route of a request, and its path parameters as they stand in the path.

        Or raise the matching error.
        """
        node = self._root
        parameters: list[str] = []
        for segment in path.split("/")[1:]:
            below = node.literal.get(segment)
            if below is None:
                below = node.parameter
                if below is None:
                    raise ThemisServerError(ErrorCode.ROUTE_NOT_FOUND, "no operation has this path")
                parameters.append(segment)
            node = below
        route = node.routes.get(method)
        if route is None:
            if not node.routes:
                raise ThemisServerError(ErrorCode.ROUTE_NOT_FOUND, "no operation has this path")
            allowed = sorted(node.routes)
            raise ThemisServerError(
                ErrorCode.METHOD_NOT_ALLOWED,
                f"this path takes {', '.join(allowed)}, not {method[:32]}",
                allowed=allowed,
            )
        return route, parameters

    def methods(self, path: str) -> list[str]:
        """Return the methods a path takes; empty if there is no such path."""
        try:
            self.find("", path)
        except ThemisServerError as error:
            allowed = error.fields.get("allowed", [])
            assert isinstance(allowed, list)
            return allowed
        return []
