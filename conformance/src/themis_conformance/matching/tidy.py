"""Members that are null and members that are missing are the same between runner and adapter, but not in documents."""

from __future__ import annotations

from typing import Any, Final

__all__ = ["tidy"]

# Below these the values are a user's, and every null counts.
_USERS: Final = frozenset({"doc", "text"})


def tidy(value: Any) -> Any:
    """Drop members that are null, but not inside documents or matchers; works on values and on expectations."""
    if isinstance(value, list):
        return [tidy(element) for element in value]
    if not isinstance(value, dict):
        return value
    return {
        name: member if name in _USERS else tidy(member)
        for name, member in value.items()
        if member is not None or str(name).startswith("$$") or name in _USERS
    }
