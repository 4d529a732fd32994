"""Which matchers there are, and what they take: what can be said of an expectation before anything is compared."""

from __future__ import annotations

import re
from typing import Any, Final

__all__ = ["MATCHERS", "TYPES", "check_expectation", "is_matcher", "type_names"]

TYPES: Final = ("int", "number", "text", "bool", "list", "object", "null")

MATCHERS: Final = frozenset(
    {
        "$$exists",
        "$$type",
        "$$lte",
        "$$gte",
        "$$lt",
        "$$gt",
        "$$regex",
        "$$contains",
        "$$not",
        "$$any_order",
        "$$unset_or_matches",
        "$$len",
        "$$subset",
        "$$all",
    }
)
_NUMERIC: Final = frozenset({"$$lte", "$$gte", "$$lt", "$$gt"})
_NESTED: Final = frozenset({"$$contains", "$$not", "$$unset_or_matches", "$$len", "$$subset", "$$all"})


def is_matcher(value: Any) -> bool:
    """Whether an expectation is a matcher and not a value."""
    return isinstance(value, dict) and any(isinstance(name, str) and name.startswith("$$") for name in value)


def type_names(value: Any) -> tuple[str, ...]:
    """What $$type calls a value."""
    if value is None:
        return ("null",)
    if isinstance(value, bool):
        return ("bool",)
    if isinstance(value, int):
        return ("int", "number")
    if isinstance(value, float):
        return ("int", "number") if value.is_integer() else ("number",)
    if isinstance(value, str):
        return ("text",)
    return ("list",) if isinstance(value, list) else ("object",)


def check_expectation(expected: Any, path: str, *, examples: bool = False) -> list[str]:
    """Say what is wrong with an expectation; empty when nothing is.

    Args:
        expected: The expectation.
        path: Its name in the complaints.
        examples: Whether matchers may have an `example`.
    """
    if isinstance(expected, list):
        return [
            complaint
            for index, element in enumerate(expected)
            for complaint in check_expectation(element, f"{path}[{index}]", examples=examples)
        ]
    if not isinstance(expected, dict):
        return []
    if is_matcher(expected):
        return _check_matcher(expected, path, examples=examples)
    return [
        complaint
        for name, member in expected.items()
        for complaint in check_expectation(member, f"{path}.{name}", examples=examples)
    ]


def _check_matcher(expected: dict[str, Any], path: str, *, examples: bool) -> list[str]:
    found: list[str] = []
    for name, operand in expected.items():
        here = f"{path}.{name}"
        if name == "example" and examples:
            continue
        if name not in MATCHERS:
            found.append(f"{here}: there is no matcher {name!r}" if str(name).startswith("$$") else _mixed(here))
            continue
        complaint = _operand(name, operand)
        if complaint:
            found.append(f"{here}: {complaint}")
        if name in _NESTED or (name == "$$any_order" and isinstance(operand, list)):
            found += check_expectation(operand, here, examples=examples)
    return found


def _mixed(here: str) -> str:
    return f"{here}: an object is either a matcher or a value; put the members into $$subset"


def _operand(name: str, operand: Any) -> str | None:
    if name == "$$exists" and not isinstance(operand, bool):
        return "takes true or false"
    if name == "$$type":
        wanted = operand if isinstance(operand, list) and operand else [operand]
        return None if all(one in TYPES for one in wanted) else f"takes {', '.join(TYPES)}, or a list of them"
    if name in _NUMERIC:
        is_number = isinstance(operand, int | float) and not isinstance(operand, bool)
        return None if is_number or _variable(operand) else "takes a number"
    if name == "$$regex":
        return _regex(operand)
    if name == "$$any_order" and not isinstance(operand, list):
        return "takes a list"
    if name == "$$subset" and not isinstance(operand, dict):
        return "takes an object"
    return None


def _variable(operand: Any) -> bool:
    return isinstance(operand, str) and operand.startswith("${")


def _regex(operand: Any) -> str | None:
    if not isinstance(operand, str):
        return "takes a regular expression"
    try:
        re.compile(operand)
    except re.error as error:
        return f"is no regular expression: {error}"
    return None
