"""Vectors for entity tags: how a version is written, and how If-Match and If-None-Match are read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from tools.vectors.vector import Suite, Vector, expect, refuse

__all__ = ["RefusedError", "parse_list", "parse_tag", "suite"]

VERSION_MAX: Final = 2**53 - 1
_SPACE: Final = " \t"


class RefusedError(Exception):
    """The header cannot be read."""


def parse_tag(text: str, *, weak_allowed: bool = False) -> int:
    """The reference: the version of one tag, without white space around it; raises `RefusedError`."""
    if weak_allowed and text.startswith("W/"):
        text = text[2:]
    if len(text) < 3 or text[0] != '"' or text[-1] != '"':
        raise RefusedError(text)
    digits = text[1:-1]
    if any(char not in "0123456789" for char in digits) or digits[0] == "0" or int(digits) > VERSION_MAX:
        raise RefusedError(text)
    return int(digits)


def parse_list(text: str, *, weak_allowed: bool) -> tuple[int, ...] | None:
    """The reference: the versions of a list in their order, or None for `*`; raises `RefusedError`.

    Empty elements are ignored, as RFC 9110, section 5.6.1.2, asks of recipients. Digits hold no comma, so splitting is
    parsing.
    """
    if text.strip(_SPACE) == "*":
        return None
    elements = [element.strip(_SPACE) for element in text.split(",")]
    versions = tuple(parse_tag(element, weak_allowed=weak_allowed) for element in elements if element)
    if not versions:
        raise RefusedError(text)
    return versions


def suite() -> Suite:
    """The vectors of etag.json."""
    return Suite(
        rule="etag",
        description=(
            "An entity tag is a version between double quotes: decimal, no leading zero, 1 to 2^53-1. If-Match "
            "is * or a list of tags, of which none may be weak; so is If-None-Match on reads, where W/ before a "
            "tag is ignored. Blanks and tabs around elements and empty elements are ignored; a list without a "
            "tag, * among tags, and anything else is refused (invalid_header). Versions are decimal texts here."
        ),
        operations={
            "format": "{version} -> {etag}",
            "parse": "{etag} -> {version}, or refused {}",
            "if_match": "{header} -> {any: whether it is *, versions}, or refused {}",
            "if_none_match": "{header} -> {any, versions}, or refused {}",
            "if_match_holds": "{header, current: a version, null if there is none} -> {holds: carry the write out}",
            "if_none_match_holds": "{header, current} -> {holds: answer the document, not 304}",
        },
        vectors=tuple(_vectors()),
    )


def _vectors() -> Iterator[Vector]:
    for version in (1, 9, 10, 4096, 2**31 - 1, 2**31, 2**32, 2**52, VERSION_MAX - 1, VERSION_MAX):
        yield expect(f"format {version}", "format", {"version": str(version)}, {"etag": f'"{version}"'})
        yield expect(f"parse {version}", "parse", {"etag": f'"{version}"'}, {"version": str(version)})
    for name, text in _BAD_TAGS:
        _must_refuse(text)
        yield refuse(f"parse {name}", "parse", {"etag": text}, {})
    for op, weak_allowed in (("if_match", False), ("if_none_match", True)):
        for name, text in _LISTS:
            yield _list_vector(op, name, text, weak_allowed=weak_allowed)
    yield from _conditions()


_BAD_TAGS: Final = (
    ("nothing", ""),
    ("one quote", '"'),
    ("an empty tag", '""'),
    ("no quotes", "5"),
    ("no closing quote", '"5'),
    ("no opening quote", '5"'),
    ("single quotes", "'5'"),
    ("zero", '"0"'),
    ("a leading zero", '"05"'),
    ("a sign", '"+5"'),
    ("a negative number", '"-5"'),
    ("a fraction", '"5.0"'),
    ("an exponent", '"5e3"'),
    ("hex digits", '"0x5"'),
    ("a blank inside", '" 5"'),
    ("an underscore", '"1_000"'),
    ("an Arabic digit", '"\u0665"'),
    ("a superscript digit", '"\u00b2"'),
    ("a word", '"abc"'),
    ("2^53", f'"{2**53}"'),
    ("2^63", f'"{2**63}"'),
    ("forty digits", f'"{"9" * 40}"'),
    ("a weak tag", 'W/"5"'),
    ("a star", "*"),
    ("two tags", '"5", "6"'),
)

_LISTS: Final = (
    ("star", "*"),
    ("star with blanks", " * "),
    ("one tag", '"5"'),
    ("one tag with blanks", '  "5"\t'),
    ("two tags", '"5", "6"'),
    ("two tags without blanks", '"5","6"'),
    ("tabs for blanks", '"5"\t,\t"6"'),
    ("the same tag twice", '"5", "5"'),
    ("not sorted", '"6", "5"'),
    ("many tags", ", ".join(f'"{number}"' for number in range(1, 21))),
    ("the greatest version", f'"{VERSION_MAX}"'),
    ("an empty element", '"5", , "6"'),
    ("commas at both ends", ',"5",'),
    ("a weak tag", 'W/"5"'),
    ("a weak tag among others", '"5", W/"6"'),
    ("a weak tag in lower case", 'w/"5"'),
    ("a blank after W/", 'W/ "5"'),
    ("nothing", ""),
    ("blanks only", "  "),
    ("commas only", ", ,"),
    ("star and a tag", '*, "5"'),
    ("a tag and star", '"5", *'),
    ("two stars", "*, *"),
    ("star in quotes", '"*"'),
    ("a tag without quotes", "5"),
    ("a foreign tag", '"33a64df551425fcc"'),
    ("a foreign tag among others", '"5", "abc"'),
    ("zero", '"0"'),
    ("2^53", f'"{2**53}"'),
    ("semicolons between tags", '"5"; "6"'),
    ("blanks between tags", '"5" "6"'),
    ("a comma inside quotes", '"5,6"'),
    ("a line feed", '"5",\n"6"'),
)


def _must_refuse(text: str) -> None:
    try:
        parse_tag(text)
    except RefusedError:
        return
    raise AssertionError(f"the reference accepts {text!r}")


def _list_vector(op: str, name: str, text: str, *, weak_allowed: bool) -> Vector:
    try:
        versions = parse_list(text, weak_allowed=weak_allowed)
    except RefusedError:
        return refuse(f"{op} {name}", op, {"header": text}, {})
    result: dict[str, Any] = {"any": versions is None, "versions": [str(version) for version in versions or ()]}
    return expect(f"{op} {name}", op, {"header": text}, result)


def _conditions() -> Iterator[Vector]:
    for header in ("*", '"5"', '"4", "5"', '"4"', f'"{VERSION_MAX}"'):
        for current in (None, 5, VERSION_MAX):
            versions = parse_list(header, weak_allowed=False)
            matches = current is not None and (versions is None or current in versions)
            given = {"header": header, "current": None if current is None else str(current)}
            yield expect(f"{header} when {current}", "if_match_holds", given, {"holds": matches})
            yield expect(f"not {header} when {current}", "if_none_match_holds", given, {"holds": not matches})
