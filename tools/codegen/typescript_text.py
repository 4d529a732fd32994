"""Pieces of TypeScript source, laid out as prettier lays them out.

Objects and unions are written over several lines, and arrays so short that they fit into 80 columns: prettier keeps
that at every `printWidth` from 80 up, so the width that the SDK chose does not matter here. An array that would be
longer is refused rather than laid out by guessing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from typing import Final

from tools.codegen.prose import map_prose, wrap_prose
from tools.codegen.source import SpecError

__all__ = ["array", "check_names", "doc", "header", "member_name", "text_literal"]

_LINE_LENGTH: Final = 80
_IDENTIFIER: Final = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
# Names that the emitted modules use themselves.
_TAKEN: Final = frozenset({"Array", "ErrorCode", "ErrorInfo", "Operation", "OperationId", "Readonly", "Record"})


def header(about: str) -> str:
    """The comment at the top of a generated module."""
    return f"// {about} Generated from spec/ by `python -m tools.codegen`: do not edit."


def doc(text: str, indent: str = "", *blocks: str) -> str:
    """A TSDoc comment, of one line if that fits; `blocks` are further paragraphs."""
    paragraphs = [_escaped(paragraph) for paragraph in (text, *blocks)]
    if len(paragraphs) == 1 and len(indent) + len(paragraphs[0]) + 7 <= _LINE_LENGTH:
        return f"{indent}/** {paragraphs[0]} */"
    lines: list[str] = []
    for paragraph in paragraphs:
        if lines:
            lines.append("")
        lines += wrap_prose(paragraph, _LINE_LENGTH - len(indent) - 3, r"`[^`]*`")
    body = "\n".join(f"{indent} * {line}".rstrip() for line in lines)
    return f"{indent}/**\n{body}\n{indent} */"


def _escaped(text: str) -> str:
    """Neither an end of the comment, nor a tag, nor HTML (TSDoc escapes with a backslash)."""
    plain = map_prose(text, lambda part: re.sub(r"[{}@<>]", r"\\\g<0>", part), lambda part: f"`{part}`")
    return plain.replace("*/", "*\\/")


def text_literal(value: str) -> str:
    """A string literal as prettier quotes it: double quotes, unless single ones spare backslashes."""
    if '"' in value and "'" not in value:
        return "'" + json.dumps(value, ensure_ascii=False)[1:-1].replace('\\"', '"') + "'"
    return json.dumps(value, ensure_ascii=False)


def array(values: Sequence[str | int], room: int) -> str:
    """An array literal on one line that leaves `room` characters of it to what stands around."""
    text = f"[{', '.join(text_literal(value) if isinstance(value, str) else str(value) for value in values)}]"
    if len(text) + room > _LINE_LENGTH:
        raise SpecError(f"{text} does not fit into a line of TypeScript; teach the emitter to break it")
    return text


def member_name(name: str, where: str) -> str:
    """The name of a member, as it is on the wire; refused if it would have to be quoted."""
    if not _IDENTIFIER.fullmatch(name):
        raise SpecError(f"{where}: {name!r} is no name in snake_case")
    return name


def check_names(names: Iterable[str]) -> None:
    """Refuse type names that would hide what the emitted modules use."""
    if taken := sorted(_TAKEN.intersection(names)):
        raise SpecError(f"{taken[0]}: the TypeScript modules use this name themselves")
