"""An expectation as a value: where it has a matcher, the matcher's example."""

from __future__ import annotations

from typing import Any

from themis_conformance.matching import MISSING, is_matcher

__all__ = ["example_of"]


def example_of(expected: Any) -> Any:
    """The value that stands for an expectation; MISSING where there is to be none."""
    if isinstance(expected, list):
        return [example_of(element) for element in expected]
    if not isinstance(expected, dict):
        return expected
    if is_matcher(expected):
        return expected.get("example", MISSING)
    members = ((name, example_of(member)) for name, member in expected.items())
    return {name: member for name, member in members if member is not MISSING}
