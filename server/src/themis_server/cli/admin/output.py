"""What is printed: tables for people, JSON and YAML for programs."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, NamedTuple, TypeAlias

import yaml

__all__ = ["Column", "Format", "render", "table"]

Format: TypeAlias = Literal["table", "wide", "json", "yaml"]


class Column(NamedTuple):
    """A column of a table: its head, and how a row's cell is found; `wide` ones are shown with `-o wide` only."""

    head: str
    cell: Callable[[Mapping[str, Any]], object]
    wide: bool = False


def render(document: Any, form: Format, draw: Callable[[bool], str]) -> str:
    """Return a document as asked for; `draw(wide)` draws it for people."""
    if form == "json":
        return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
    if form == "yaml":
        return yaml.safe_dump(document, sort_keys=False, allow_unicode=True)
    return draw(form == "wide").rstrip() + "\n"


def table(rows: Sequence[Mapping[str, Any]], columns: Sequence[Column], *, wide: bool) -> str:
    """Draw rows under heads, columns as wide as their widest cell."""
    shown = [column for column in columns if wide or not column.wide]
    cells = [[column.head for column in shown]]
    cells += [[_text(column.cell(row)) for column in shown] for row in rows]
    widths = [max(len(line[number]) for line in cells) for number in range(len(shown))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in cells
    )


def _text(value: object) -> str:
    if value is None or value == "":
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value)) or "-"
    return str(value)
