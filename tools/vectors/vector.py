"""The shape of a vector and of the file that holds it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

__all__ = ["FORMAT", "Suite", "Vector", "expect", "refuse"]

FORMAT: Final = 1
"""Grows when the shape of the files changes, not when vectors are added."""


@dataclass(frozen=True, slots=True)
class Vector:
    """One case: an operation, its input, and either what comes out or why it is refused."""

    name: str
    op: str
    input: Mapping[str, Any]
    outcome: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Suite:
    """The vectors of one rule. `operations` says what each operation takes and gives."""

    rule: str
    description: str
    operations: Mapping[str, str]
    vectors: tuple[Vector, ...]

    def to_json(self) -> str:
        """The text of the file: one vector a line, so that a change shows in a diff as the vectors it touches."""
        names = [vector.name for vector in self.vectors]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"{self.rule}: two vectors are called {twice[0]!r}")
        if strange := sorted({vector.op for vector in self.vectors} ^ set(self.operations)):
            raise ValueError(f"{self.rule}: the operation {strange[0]!r} is not described, or has no vector")
        lines = ",\n".join(f"    {_line(self.rule, vector)}" for vector in self.vectors)
        head = {"format": FORMAT, "rule": self.rule, "description": self.description, "operations": self.operations}
        members = ",\n".join(f"  {json.dumps(name)}: {_dump(value)}" for name, value in head.items())
        return f'{{\n{members},\n  "vectors": [\n{lines}\n  ]\n}}\n'


def expect(name: str, op: str, given: Mapping[str, Any], result: Mapping[str, Any]) -> Vector:
    """A vector whose operation succeeds."""
    return Vector(name, op, given, {"expect": result})


def refuse(name: str, op: str, given: Mapping[str, Any], refused: Mapping[str, Any]) -> Vector:
    """A vector whose operation is refused."""
    return Vector(name, op, given, {"refused": refused})


def _line(rule: str, vector: Vector) -> str:
    return _dump({"name": f"{rule}: {vector.name}", "op": vector.op, "input": vector.input, **vector.outcome})


def _dump(value: object) -> str:
    # ASCII only: a control character or a look-alike letter in a URN has to be seen.
    return json.dumps(value, ensure_ascii=True)
