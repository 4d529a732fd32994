"""The intermediate representation: what the specification says, in the terms a programming language has.

Frozen values only. Types are a small closed set; what JSON Schema can say beyond it, the reader refuses, so that no
emitter has to guess.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

__all__ = [
    "Alias",
    "Api",
    "Array",
    "Body",
    "Constraints",
    "ErrorCodeInfo",
    "Field",
    "FreeMap",
    "Header",
    "MediaExample",
    "Named",
    "Operation",
    "Pair",
    "Parameter",
    "Response",
    "Scalar",
    "Struct",
    "Type",
]

ScalarKind: TypeAlias = Literal["string", "integer", "number", "boolean", "datetime"]


@dataclass(frozen=True, slots=True)
class Constraints:
    """What limits a scalar. `pattern` is a regular expression in the common subset of ECMA-262, Python and Java."""

    minimum: int | None = None
    maximum: int | None = None
    min_length: int | None = None
    max_length: int | None = None
    pattern: str | None = None
    enum: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Scalar:
    """A JSON string, number or boolean; `datetime` is an RFC 3339 text. `bits` is the width of an integer."""

    kind: ScalarKind
    constraints: Constraints = Constraints()
    bits: int = 64


@dataclass(frozen=True, slots=True)
class Array:
    """A list. Its limit is for servers to enforce with an error code of its own."""

    item: Type
    max_items: int | None = None


@dataclass(frozen=True, slots=True)
class Pair:
    """An array of a fixed length whose places have types of their own."""

    items: tuple[Type, ...]


@dataclass(frozen=True, slots=True)
class FreeMap:
    """An object whose members are free."""


@dataclass(frozen=True, slots=True)
class Named:
    """A reference to a struct, or to an alias of a free map or an enumeration."""

    name: str


Type: TypeAlias = Scalar | Array | Pair | FreeMap | Named


@dataclass(frozen=True, slots=True)
class Field:
    """A member of a struct. A `secret` one is left out where the struct is shown as text."""

    name: str
    type: Type
    required: bool
    nullable: bool
    description: str
    secret: bool = False


@dataclass(frozen=True, slots=True)
class Struct:
    """An object with declared members. `is_request` tells on which side of the wire it is decoded by the server.

    `exactly_one_of` names members of which exactly one is there (empty: no such rule).
    """

    name: str
    description: str
    fields: tuple[Field, ...]
    is_request: bool
    exactly_one_of: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Alias:
    """A name for a type that is no struct, where the name says something a reader wants to keep."""

    name: str
    description: str
    type: Type


@dataclass(frozen=True, slots=True)
class Parameter:
    """A path, query or header parameter."""

    name: str
    location: Literal["path", "query", "header"]
    type: Literal["string", "integer", "boolean"]
    required: bool
    default: str | int | bool | None
    constraints: Constraints
    description: str
    example: str | int | bool


@dataclass(frozen=True, slots=True)
class MediaExample:
    """A named example; `text` is JSON, indented by two, or plain text."""

    name: str
    summary: str
    text: str


@dataclass(frozen=True, slots=True)
class Body:
    """What a request carries. `model` is the name of a struct or an alias."""

    media_types: tuple[str, ...]
    required: bool
    model: str
    examples: tuple[MediaExample, ...]


@dataclass(frozen=True, slots=True)
class Header:
    """A response header."""

    name: str
    description: str
    required: bool


@dataclass(frozen=True, slots=True)
class Response:
    """One answer of an operation; `codes` are the error codes it stands for."""

    status: int
    description: str
    media_type: str | None
    model: str | None
    headers: tuple[Header, ...]
    codes: tuple[str, ...]
    examples: tuple[MediaExample, ...]


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of the API."""

    operation_id: str
    method: str
    path: str
    tag: str
    summary: str
    description: str
    parameters: tuple[Parameter, ...]
    body: Body | None
    responses: tuple[Response, ...]
    routing: str
    idempotent: bool
    body_limit: str
    item_codes: tuple[str, ...] = ()

    def parameters_in(self, location: str) -> tuple[Parameter, ...]:
        """The parameters of one location, in the order of the specification."""
        return tuple(parameter for parameter in self.parameters if parameter.location == location)

    @property
    def success(self) -> Response:
        """The first answer below 300; its media type and model are the operation's."""
        return next(response for response in self.responses if response.status < 300)

    @property
    def expected_statuses(self) -> tuple[int, ...]:
        """The statuses that are no errors: those that no error code stands for."""
        return tuple(response.status for response in self.responses if not response.codes)


@dataclass(frozen=True, slots=True)
class ErrorCodeInfo:
    """An error code with all that is said of it.

    `item_only`: it occurs only inside the items of a batch answer. `peer_only`: nodes say it to each other, no
    operation answers it, and SDKs do not know it.
    """

    code: str
    status: int
    title: str
    meaning: str
    cause: str
    remedy: str
    retryable: str
    item_only: bool
    example: str
    operations: tuple[str, ...]
    peer_only: bool = False


@dataclass(frozen=True, slots=True)
class Api:
    """Everything an emitter may need."""

    title: str
    version: str
    description: str
    tags: tuple[tuple[str, str], ...]
    aliases: tuple[Alias, ...]
    structs: tuple[Struct, ...]
    operations: tuple[Operation, ...]
    errors: tuple[ErrorCodeInfo, ...]

    @property
    def answered_errors(self) -> tuple[ErrorCodeInfo, ...]:
        """The error codes that a client may meet."""
        return tuple(entry for entry in self.errors if not entry.peer_only)

    @property
    def codes_of_every_operation(self) -> frozenset[str]:
        """The error codes that any operation may answer."""
        each = [{code for answer in operation.responses for code in answer.codes} for operation in self.operations]
        return frozenset(set.intersection(*each))

    @property
    def parameters_of_every_operation(self) -> frozenset[str]:
        """Names of the parameters that all operations take."""
        return frozenset(set.intersection(*({each.name for each in one.parameters} for one in self.operations)))

    @property
    def headers_of_every_answer(self) -> frozenset[str]:
        """Names of the headers that all answers of all operations carry."""
        answers = [answer for operation in self.operations for answer in operation.responses]
        return frozenset(set.intersection(*({header.name for header in answer.headers} for answer in answers)))
