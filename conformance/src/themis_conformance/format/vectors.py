"""Vectors: spec/vectors/*.json, inputs of pure functions and what comes of them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from themis_conformance.format.fields import Fields
from themis_conformance.format.suite import LIMIT_S
from themis_conformance.mistake import Mistake
from themis_conformance.model import Requires, VectorCase

__all__ = ["read_vectors"]


def read_vectors(path: Path) -> Iterator[VectorCase | Mistake]:
    """Read a file: its vectors, and Mistakes in the place of those that are wrong."""
    try:
        fields = Fields(json.loads(path.read_text("utf-8")), "")
        if fields.need("format") != 1:
            raise Mistake("this is another format than 1", "format")
        rule = fields.need_text("rule")
        if rule != path.stem:
            raise Mistake(f"the rule is called {rule!r}, and the file {path.name}", "rule")
        fields.need_text("description")
        operations = fields.table("operations")
        vectors = fields.items("vectors")
        fields.end()
    except ValueError as error:
        yield Mistake(f"this is no JSON: {error}", place=str(path))
        return
    except Mistake as mistake:
        yield mistake.at(str(path))
        return
    taken: dict[str, int] = {}
    for where, raw in vectors:
        try:
            yield _read(raw, where, rule, operations, taken)
        except Mistake as mistake:
            yield mistake.at(str(path))


def _read(raw: Any, where: str, rule: str, operations: dict[str, Any], taken: dict[str, int]) -> VectorCase:
    fields = Fields(raw, where)
    name, op = fields.need_text("name"), fields.need_text("op")
    if op not in operations:
        raise Mistake(f"there is no op {op!r}", fields.at("op"))
    if ("expect" in fields) == ("refused" in fields):
        raise Mistake("expected either expect or refused", where)
    case = VectorCase(
        case_id=f"vectors/{rule}/{_slug(name, rule, taken)}",
        layer="vectors",
        suite=rule,
        about=name,
        requires=Requires(frozenset({"vectors"})),
        limit_s=LIMIT_S,
        rule=rule,
        op=op,
        given=fields.need("input"),
        expect=fields.take("expect"),
        refused=fields.take("refused"),
    )
    fields.end()
    return case


def _slug(name: str, rule: str, taken: dict[str, int]) -> str:
    """A name in words and hyphens, the same in every run; where two become the same, the later one gets a number."""
    words = re.sub(r"[^a-z0-9]+", "-", name.removeprefix(f"{rule}:").lower()).strip("-") or "vector"
    count = taken[words] = taken.get(words, 0) + 1
    return words if count == 1 else f"{words}--{count}"
