"""An object of a case, read key by key; whatever is not asked for is a mistake."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Final

from themis_conformance.matching import check_expectation
from themis_conformance.mistake import Mistake

__all__ = ["ABSENT", "Fields", "check_id"]


class _Absent:
    """The type of ABSENT."""

    def __bool__(self) -> bool:
        return False

    def __repr__(self) -> str:
        return "absent"


ABSENT: Final = _Absent()
"""Stands for a key that is not there, where null is a value."""

_KEBAB: Final = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


def check_id(text: Any, path: str) -> str:
    """A name of a case: words of lower-case letters and digits, joined by hyphens."""
    if not isinstance(text, str) or not _KEBAB.fullmatch(text):
        raise Mistake(f"{text!r} is no name such as a-503-is-tried-again", path)
    return text


def _open(value: Any) -> bool:
    """Whether a value is known only when the case runs."""
    return isinstance(value, str) and "${" in value


class Fields:
    """One object. Take what may be in it, then call `end`.

    Args:
        raw: The object as it was read.
        path: Its name in the complaints.
    """

    def __init__(self, raw: Any, path: str) -> None:
        if not isinstance(raw, dict):
            raise Mistake(f"expected an object, not {raw!r}", path)
        self.raw: dict[Any, Any] = raw
        self.path = path
        self._left = dict(raw)

    def at(self, key: str) -> str:
        """The path of a key."""
        return f"{self.path}.{key}" if self.path else key

    def __contains__(self, key: str) -> bool:
        return key in self._left

    def take(self, key: str, default: Any = None) -> Any:
        """The value of a key, of whatever type."""
        return self._left.pop(key, default)

    def need(self, key: str) -> Any:
        """The value of a key that must be there."""
        if key not in self._left:
            raise Mistake(f"the key {key!r} is missing", self.path)
        return self._left.pop(key)

    def text(self, key: str, default: str | None = None) -> str | None:
        """A text."""
        value = self.take(key, default)
        if value is not None and not isinstance(value, str):
            raise Mistake(f"expected a text, not {value!r}", self.at(key))
        return value

    def need_text(self, key: str) -> str:
        """A text that must be there, and not be empty."""
        value = self.need(key)
        if not isinstance(value, str) or not value:
            raise Mistake(f"expected a text, not {value!r}", self.at(key))
        return value

    def flag(self, key: str, default: bool = False) -> bool:
        """True or false."""
        value = self.take(key, default)
        if not isinstance(value, bool):
            raise Mistake(f"expected true or false, not {value!r}", self.at(key))
        return value

    def whole(self, key: str, default: int | None = None, minimum: int = 0) -> int | None:
        """A whole number. What is known only when the case runs counts as the smallest."""
        value = self.take(key, default)
        if value is None:
            return None
        if _open(value):
            return minimum
        if isinstance(value, bool) or not isinstance(value, int) or value < minimum:
            raise Mistake(f"expected a whole number from {minimum}, not {value!r}", self.at(key))
        return value

    def one_of(self, key: str, allowed: Iterable[str], default: str | None = None) -> str | None:
        """One of a few texts."""
        value = self.take(key, default)
        if value is not None and not _open(value) and value not in allowed:
            raise Mistake(f"expected one of {', '.join(allowed)}, not {value!r}", self.at(key))
        return None if _open(value) else value

    def items(self, key: str) -> list[tuple[str, Any]]:
        """The elements of a list, each with its path; none if the key is missing."""
        value = self.take(key)
        if value is None or _open(value):
            return []
        if not isinstance(value, list):
            raise Mistake(f"expected a list, not {value!r}", self.at(key))
        return [(f"{self.at(key)}[{index}]", element) for index, element in enumerate(value)]

    def texts(self, key: str) -> list[str]:
        """A list of texts."""
        found: list[str] = []
        for path, element in self.items(key):
            if not isinstance(element, str):
                raise Mistake(f"expected a text, not {element!r}", path)
            found.append(element)
        return found

    def table(self, key: str) -> dict[Any, Any]:
        """An object, {} if the key is missing."""
        value = self.take(key)
        if value is None or _open(value):
            return {}
        if not isinstance(value, dict):
            raise Mistake(f"expected an object, not {value!r}", self.at(key))
        return value

    def expectation(self, key: str, *, examples: bool = False) -> Any:
        """An expectation, ABSENT if the key is missing."""
        value = self.take(key, ABSENT)
        complaints = check_expectation(value, self.at(key), examples=examples)
        if complaints:
            raise Mistake(complaints[0])
        return value

    def end(self) -> None:
        """Nothing else is allowed."""
        if self._left:
            known = sorted(str(key) for key in self.raw if key not in self._left)
            raise Mistake(
                f"unknown key {', '.join(repr(key) for key in self._left)} (known here: {', '.join(known) or 'none'})",
                self.path,
            )
