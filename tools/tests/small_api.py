"""A specification that fits on a page, as the intermediate representation has it: for the emitters' golden tests."""

from __future__ import annotations

from typing import Literal

from tools.codegen.ir import (
    Alias,
    Api,
    Array,
    Body,
    Constraints,
    ErrorCodeInfo,
    Field,
    FreeMap,
    Named,
    Operation,
    Pair,
    Parameter,
    Response,
    Scalar,
    Struct,
)

__all__ = ["small_api"]


def small_api() -> Api:
    """Return it: an enumeration, a free map, a request, an answer, two operations and an error."""
    shade = Alias("Shade", "A shade.", Scalar("string", Constraints(enum=("light", "dark"))))
    document = Alias("Document", "Anything.", FreeMap())
    paint = Struct(
        "Paint",
        "A request.",
        (
            Field("shade", Named("Shade"), required=True, nullable=False, description="Which one."),
            _optional("layers_max", Scalar("integer", bits=32), "How often; `1` without."),
        ),
        is_request=True,
    )
    spot = Pair((Scalar("integer"), Scalar("integer")))
    painted = Struct(
        "Painted",
        "An answer.",
        (
            Field("shade", Named("Shade"), required=True, nullable=False, description="Which one."),
            Field(
                "before",
                Named("Document"),
                required=True,
                nullable=True,
                description="What it was before; null if nothing.",
            ),
            Field("painted_at", Scalar("datetime"), required=True, nullable=False, description="When."),
            Field("spots", Array(spot), required=True, nullable=False, description="Where."),
            Field("dry", Scalar("boolean"), required=False, nullable=True, description="Whether it is dry."),
        ),
        is_request=False,
    )
    return Api(
        title="Walls",
        version="1.2.3",
        description="Painting walls.",
        tags=(("walls", "Walls."),),
        aliases=(shade, document),
        structs=(paint, painted),
        operations=(_paint_wall(), _look_at_wall()),
        errors=(_wall_wet(),),
    )


def _optional(name: str, kind: Scalar, description: str) -> Field:
    return Field(name, kind, required=False, nullable=False, description=description)


def _parameter(name: str, location: Literal["path", "query", "header"], *, required: bool) -> Parameter:
    return Parameter(name, location, "string", required, None, Constraints(), "A parameter.", "x")


def _operation(name: str, method: str, parameters: tuple[Parameter, ...], *, idempotent: bool) -> Operation:
    answers = (200,) if idempotent else (200, 201)
    failure = Response(409, "Conflict.", "application/problem+json", None, (), ("wall_wet",), ())
    return Operation(
        operation_id=name,
        method=method,
        path="/wall/{id}",
        tag="walls",
        summary=f"{'Look at' if idempotent else 'Paint'} a wall.",
        description="At length.",
        parameters=(*parameters, _parameter("X-Request-Id", "header", required=False)),
        body=None if idempotent else Body(("application/json",), required=True, model="Paint", examples=()),
        responses=(
            *(Response(status, "Done.", "application/json", "Painted", (), (), ()) for status in answers),
            failure,
        ),
        routing="any" if idempotent else "urn",
        idempotent=idempotent,
        body_limit="small",
    )


def _paint_wall() -> Operation:
    parameters = (_parameter("id", "path", required=True), _parameter("force", "query", required=False))
    return _operation("paintWall", "PUT", parameters, idempotent=False)


def _look_at_wall() -> Operation:
    parameters = (_parameter("id", "path", required=False), _parameter("If-None-Match", "header", required=False))
    return _operation("lookAtWall", "GET", parameters, idempotent=True)


def _wall_wet() -> ErrorCodeInfo:
    return ErrorCodeInfo(
        code="wall_wet",
        status=409,
        title="Wall is wet",
        meaning="The wall is wet: `dry` is {false}.",
        cause="Paint.",
        remedy="Wait.",
        retryable="with_key",
        item_only=False,
        example="{}",
        operations=("paintWall",),
    )
