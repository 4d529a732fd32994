"""One value: from text or TOML to what the setting wants, or why not."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from themis_server.config.settings import Setting, Value

__all__ = ["ValueRefusedError", "from_text", "validate"]

_INTEGER: Final = re.compile(r"[+-]?[0-9]{1,20}")
_TRUE: Final = frozenset({"true", "1"})
_FALSE: Final = frozenset({"false", "0"})
_SHOWN_MAX: Final = 80


class ValueRefusedError(ValueError):
    """A value that its setting does not take; the message names what was given and what is allowed."""


def from_text(setting: Setting, text: str) -> Value:
    """Read `text` (a flag or an environment variable) as the setting's type and check it.

    A list is separated by commas. Raises ValueRefusedError.
    """
    raw: object = text
    stripped = text.strip()
    if setting.kind == "boolean":
        lowered = stripped.lower()
        raw = True if lowered in _TRUE else False if lowered in _FALSE else text
    elif setting.kind == "integer":
        raw = int(stripped) if _INTEGER.fullmatch(stripped) else text
    elif setting.kind == "number":
        try:
            raw = float(stripped)
        except ValueError:
            raw = text
    elif setting.kind == "list of strings":
        raw = [part.strip() for part in text.split(",") if part.strip()]
    return validate(setting, raw)


def validate(setting: Setting, raw: object) -> Value:
    """Check a TOML value against the setting's type and bounds and return it as the section holds it.

    Raises ValueRefusedError.
    """
    match setting.kind:
        case "boolean" if isinstance(raw, bool):
            return raw
        # bool is an int to Python; to an operator `port = true` is a mistake.
        case "integer" if isinstance(raw, int) and not isinstance(raw, bool) and _within(setting, raw):
            return raw
        case "number" if isinstance(raw, int | float) and not isinstance(raw, bool) and _within(setting, raw):
            return float(raw)
        case "string" if isinstance(raw, str) and _takes(setting, raw):
            return raw
        case "list of strings" if isinstance(raw, list) and all(isinstance(x, str) and _takes(setting, x) for x in raw):
            return tuple(raw)
        case _:
            raise ValueRefusedError(f"{_show(setting, raw)} is not allowed; allowed is {setting.allowed}")


def _within(setting: Setting, number: float) -> bool:
    return setting.minimum <= number <= setting.maximum  # never true for NaN


def _takes(setting: Setting, text: str) -> bool:
    if len(text) < setting.length_min or any(unicodedata.category(char) in ("Cc", "Cs") for char in text):
        return False
    if setting.choices and text not in setting.choices:
        return False
    return setting.pattern is None or re.fullmatch(setting.pattern, text) is not None


def _show(setting: Setting, raw: object) -> str:
    if setting.secret:
        return "the given value (hidden)"
    text = repr(raw) if not isinstance(raw, bool) else str(raw).lower()
    return text if len(text) <= _SHOWN_MAX else text[:_SHOWN_MAX] + "..."
