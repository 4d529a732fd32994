"""Follows `$ref` inside the bundled document."""

from __future__ import annotations

from typing import Any

from tools.codegen.source import SpecError

__all__ = ["local_name", "resolve"]


def resolve(document: dict[str, Any], node: dict[str, Any]) -> dict[str, Any]:
    """Return what `node` stands for; members beside `$ref` (a description, say) win over those of the target."""
    seen: set[str] = set()
    while "$ref" in node:
        reference = node["$ref"]
        if reference in seen:
            raise SpecError(f"{reference} refers to itself")
        seen.add(reference)
        target: Any = document
        if not reference.startswith("#/"):
            raise SpecError(f"{reference}: only references into the same document are used")
        for part in reference[2:].split("/"):
            name = part.replace("~1", "/").replace("~0", "~")
            if not isinstance(target, dict) or name not in target:
                raise SpecError(f"{reference} leads nowhere")
            target = target[name]
        node = {**target, **{key: value for key, value in node.items() if key != "$ref"}}
    return node


def local_name(reference: str) -> str:
    """The last part of a reference: the name of the component."""
    return reference.rsplit("/", 1)[-1]
