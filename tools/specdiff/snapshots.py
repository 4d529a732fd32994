"""Reads and writes what was published: bundled documents in spec/released, one file a version, never edited."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

import yaml

from tools.codegen.bundle import bundle
from tools.codegen.errors import load_errors
from tools.codegen.source import SpecError, load_yaml

__all__ = ["freeze", "load_document", "newest_snapshot"]

_NAME: Final = re.compile(r"(\d+)\.(\d+)\.(\d+)(?:-rc\.(\d+))?")
_HEAD: Final = (
    "# Published as {name}. Never edit: python -m tools.specdiff compares the present specification with it.\n"
)


class _Dumper(yaml.SafeDumper):
    """Writes every value out: anchors would make a diff of two snapshots unreadable."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def load_document(path: Path) -> dict[str, Any]:
    """Read a snapshot, or openapi.yaml together with the errors.yaml beside it; raises `SpecError`."""
    document = load_yaml(path)
    if not isinstance(document, dict) or "paths" not in document:
        raise SpecError(f"{path} is no OpenAPI document")
    if "x-themis-every-operation" in document:
        return bundle(document, load_errors(path.with_name("errors.yaml")))
    return document


def freeze(document: dict[str, Any], folder: Path, name: str) -> Path:
    """Write a snapshot called `name`; raises `SpecError` if there is one, or if the name is no version."""
    if not _NAME.fullmatch(name):
        raise SpecError(f"{name} is no version such as 1.0.0 or 1.0.0-rc.1")
    path = folder / f"{name}.yaml"
    if path.exists():
        raise SpecError(f"{path} exists; what was published is never changed")
    slim = _without_examples(document)
    text = yaml.dump(slim, Dumper=_Dumper, sort_keys=False, default_flow_style=None, width=120, allow_unicode=True)
    path.write_text(_HEAD.format(name=name) + text, encoding="utf-8")
    return path


def _without_examples(node: Any, *, is_properties: bool = False) -> Any:
    """Examples bind nobody, and are two thirds of the document; a property may well be called `example`."""
    if isinstance(node, list):
        return [_without_examples(child) for child in node]
    if not isinstance(node, dict):
        return node
    return {
        name: _without_examples(child, is_properties=name == "properties")
        for name, child in node.items()
        if is_properties or name not in ("example", "examples")
    }


def newest_snapshot(folder: Path) -> Path:
    """The snapshot of the highest version, a release counting above its candidates; raises `SpecError`."""
    found = [(_order(path.stem), path) for path in folder.glob("*.yaml")]
    if not found:
        raise SpecError(f"{folder} has no snapshot")
    return max(found)[1]


def _order(name: str) -> tuple[int, int, int, float]:
    match = _NAME.fullmatch(name)
    if match is None:
        raise SpecError(f"{name}.yaml: the name is no version such as 1.0.0 or 1.0.0-rc.1")
    major, minor, patch, candidate = match.groups()
    return int(major), int(minor), int(patch), float(candidate) if candidate else float("inf")
