"""Pieces of Java source, laid out as google-java-format lays them out: 100 columns, two blanks a level, four to go on.

A list that does not fit behind its opening parenthesis goes whole to the next line, and if it does not fit there
either, one element a line. Comments are filled to the same width.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterable, Sequence
from typing import Final

from tools.codegen.prose import map_prose, wrap_prose
from tools.codegen.source import SpecError

__all__ = ["PACKAGE", "check_type_names", "component_name", "constant_name", "file_head", "javadoc", "listed", "quoted"]

PACKAGE: Final = "dev.themisdb.client.generated"

_LINE_LENGTH: Final = 100
_SNAKE: Final = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
_CAMEL: Final = re.compile(r"[a-z]+([A-Z][a-z0-9]*)*")
# Not to be broken over two lines: a parameter's tag and its name. google-java-format does break code.
_SPANS: Final = r"@param \S+"
_KEYWORDS: Final = """
abstract assert boolean break byte case catch char class const continue default do double else enum extends final
finally float for goto if implements import instanceof int interface long native new package private protected
public return short static strictfp super switch synchronized this throw throws transient try void volatile while
true false null
"""
# Methods that every object has, so that no component of a record may be called so.
_METHODS: Final = frozenset({"clone", "finalize", "getClass", "hashCode", "notify", "notifyAll", "toString", "wait"})
# Simple names that the emitted sources use for something else.
_TAKEN: Final = """
Boolean Double ErrorCode IllegalArgumentException Instant InstantReader Integer JsonCreator JsonDeserialize
JsonIgnoreProperties JsonInclude JsonProperty JsonSerialize JsonValue List Long Nullable Object ObjectNode Objects
Operation Optional Override Record String ToStringSerializer
"""


def file_head(imports: Iterable[str] = ()) -> str:
    """The comment, the package and the imports that a generated source begins with."""
    lines = [
        "// Generated from spec/ by `python -m tools.codegen`: do not edit.",
        f"package {PACKAGE};",
        "\n".join(f"import {name};" for name in sorted(set(imports))),
    ]
    return "\n\n".join(line for line in lines if line)


def javadoc(text: str, indent: str = "", *, more: Sequence[str] = (), tags: Sequence[tuple[str, str]] = ()) -> str:
    """A documentation comment; `more` are further paragraphs, `tags` pairs such as (`@param urn`, its text)."""
    first = _escaped(text)
    if not more and not tags and len(indent) + len(first) + 7 <= _LINE_LENGTH:
        return f"{indent}/** {first} */"
    width = _LINE_LENGTH - len(indent) - 3
    lines = wrap_prose(first, width, _SPANS)
    for paragraph in more:
        lines += ["", *wrap_prose(f"<p>{_escaped(paragraph)}", width, _SPANS)]
    if tags:
        lines.append("")
    for tag, about in tags:
        head, *rest = wrap_prose(f"{tag} {_escaped(about)}", width, _SPANS)
        lines.append(head)
        if rest:
            tail = " ".join(rest)
            lines += [f"    {line}" for line in wrap_prose(tail, width - 4, _SPANS)]
    body = "\n".join(f"{indent} * {line}".rstrip() for line in lines)
    return f"{indent}/**\n{body}\n{indent} */"


def _escaped(text: str) -> str:
    """Neither an end of the comment, nor a tag, nor HTML."""
    plain = map_prose(text, lambda part: html.escape(part, quote=False).replace("@", "&#64;"), _code)
    return plain.replace("*/", "*&#47;")


def _code(text: str) -> str:
    if text.count("{") != text.count("}"):
        return f"<code>{html.escape(text, quote=False).replace('{', '&#123;').replace('}', '&#125;')}</code>"
    return f"{{@code {text}}}"


def listed(prefix: str, items: Sequence[str], suffix: str, indent: str) -> str:
    """`prefix` + the items between commas + `suffix`, over as many lines as it takes; `prefix` ends in a parenthesis.

    An item that is too long for a line of its own is broken after each of its annotations.
    """
    line = f"{indent}{prefix}{', '.join(items)}{suffix}"
    if len(line) <= _LINE_LENGTH:
        return line
    inner = indent + "    "
    together = f"{inner}{', '.join(items)}{suffix}"
    if len(together) <= _LINE_LENGTH:
        return f"{indent}{prefix}\n{together}"
    lines = [_component(item, inner, len(suffix)) for item in items]
    return f"{indent}{prefix}\n" + ",\n".join(lines) + suffix


def _component(item: str, indent: str, room: int) -> str:
    if len(indent) + len(item) + room <= _LINE_LENGTH:
        return f"{indent}{item}"
    # @Nullable belongs to the type and stays with it.
    pieces = re.findall(r"@(?!Nullable)\w+(?:\([^)]*\))?(?= )|\S.*", item)
    if len(pieces) < 2 or max(len(piece) for piece in pieces) + len(indent) + 4 + room > _LINE_LENGTH:
        raise SpecError(f"{item} does not fit into a line of Java; teach the emitter to break it")
    glue = f"\n{indent}    "
    *annotations, rest = pieces
    # As google-java-format has it: annotations with arguments share a line if all of them fit into it.
    together = f"{indent}{' '.join(annotations)}"
    if len(together) <= _LINE_LENGTH and all(annotation.endswith(")") for annotation in annotations):
        return f"{together}{glue}{rest}"
    return f"{indent}{glue.join(pieces)}"


def quoted(value: str) -> str:
    """A string literal."""
    return json.dumps(value, ensure_ascii=False)


def component_name(name: str, where: str) -> str:
    """The camelCase name of a record's component; refused if Java would not take it."""
    if not _SNAKE.fullmatch(name):
        raise SpecError(f"{where}: {name!r} is no name in snake_case")
    first, *others = name.split("_")
    camel = first + "".join(part.capitalize() for part in others)
    if camel in _KEYWORDS.split() or camel in _METHODS:
        raise SpecError(f"{where}: {name!r} cannot be a component of a Java record")
    return camel


def constant_name(name: str, where: str) -> str:
    """The name of an enumeration's constant for a name in snake_case or camelCase."""
    if _SNAKE.fullmatch(name):
        return name.upper()
    if _CAMEL.fullmatch(name):
        return re.sub(r"(?=[A-Z])", "_", name).upper()
    raise SpecError(f"{where}: {name!r} is no name in snake_case or camelCase")


def check_type_names(names: Iterable[str]) -> None:
    """Refuse type names that would hide what the emitted sources use."""
    if taken := sorted(set(_TAKEN.split()).intersection(names)):
        raise SpecError(f"{taken[0]}: the Java sources use this name themselves")
