"""Values that are too large, too deep or too long to be written into a case.

{$int: "9007199254740993"}                  an integer, exact whatever reads the YAML
{$literal: {$int: x}}                       an object with that one member
{$make: {text: 1000}}                       a text of 1000 characters; `of: ab` repeats that
{$make: {deep: 60}}                         60 objects inside each other
{$make: {list: 100, of: {n: "${i}"}}}       100 times that, with ${i} from 0
{$make: {map: 100, of: ..., key: "k${i}"}}  an object with 100 members; without `key`: k0, k1, ...
"""

from __future__ import annotations

from typing import Any, Final

__all__ = ["MAKER_KEYS", "check_maker", "counts_copies", "deep", "is_maker", "repeated_text"]

MAKER_KEYS: Final = ("$int", "$literal", "$make")

_KINDS: Final[dict[str, frozenset[str]]] = {
    "text": frozenset({"of"}),
    "deep": frozenset(),
    "list": frozenset({"of"}),
    "map": frozenset({"of", "key"}),
}
_SIZE_MAX: Final = 40_000_000


def is_maker(value: Any) -> bool:
    """Whether `value` is an object that stands for another value."""
    return isinstance(value, dict) and len(value) == 1 and next(iter(value)) in MAKER_KEYS


def counts_copies(value: Any) -> bool:
    """Whether there is a maker of many copies somewhere in a value: there, ${i} is their number."""
    if isinstance(value, list):
        return any(counts_copies(element) for element in value)
    if isinstance(value, dict):
        return "$make" in value or any(counts_copies(member) for member in value.values())
    return False


def check_maker(value: dict[str, Any]) -> str | None:
    """What is wrong with a maker, None if nothing is."""
    ((name, operand),) = value.items()
    if name == "$literal":
        return None if isinstance(operand, dict) else "$literal takes an object"
    if name == "$int":
        digits = operand[1:] if isinstance(operand, str) and operand.startswith("-") else operand
        good = isinstance(digits, str) and ((digits.isascii() and digits.isdigit()) or "${" in digits)
        return None if good else f"$int takes decimal digits as a text, not {operand!r}"
    return _check_make(operand)


def _check_make(operand: Any) -> str | None:
    if not isinstance(operand, dict):
        return "$make takes an object such as {text: 1000}"
    kinds = [kind for kind in _KINDS if kind in operand]
    if len(kinds) != 1:
        return f"$make takes exactly one of {', '.join(_KINDS)}"
    (kind,) = kinds
    for key in operand:
        if key != kind and key not in _KINDS[kind]:
            return f"$make {kind} has no {key!r}"
    if kind in ("list", "map") and "of" not in operand:
        return f"$make {kind} needs `of`"
    if kind == "text" and not (isinstance(operand.get("of", "x"), str) and operand.get("of", "x")):
        return "`of` of $make text is a text of at least one character"
    size = operand[kind]
    if isinstance(size, str) and "${" in size:
        return None
    if isinstance(size, bool) or not isinstance(size, int) or not 0 <= size <= _SIZE_MAX:
        return f"$make {kind} takes a number from 0 to {_SIZE_MAX}, not {size!r}"
    return None


def repeated_text(size: int, of: str) -> str:
    """A text of `size` characters."""
    return (of * (size // len(of) + 1))[:size]


def deep(levels: int) -> Any:
    """Objects inside each other, `levels` of them."""
    value: Any = {}
    for _ in range(max(0, levels - 1)):
        value = {"d": value}
    return value
