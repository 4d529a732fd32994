"""Reads YAML strictly: as YAML 1.2 has it, each key once, nothing interpreted that JSON does not know.

PyYAML follows YAML 1.1, where `no` is false, `0777` octal, and `2026-01-01` a date. In a file that other tools read by
1.2 rules that is a trap, so the loader here resolves what YAML 1.2's core schema resolves and leaves the rest text.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

__all__ = ["SpecError", "load_yaml", "parse_yaml"]


class SpecError(Exception):
    """The specification breaks a rule of this project; the message says where and which."""


class _Loader(yaml.SafeLoader):
    """A SafeLoader with the implicit types of YAML 1.2's core schema, refusing duplicate keys."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012 - PyYAML's own attribute

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key_node, _ in node.value:
            key = str(self.construct_object(key_node, deep=True))
            if key in seen:
                raise SpecError(f"{key_node.start_mark}: the key {key!r} occurs twice")
            seen.add(key)
        return super().construct_mapping(node, deep=deep)


for _tag, _pattern, _first in (
    ("tag:yaml.org,2002:bool", r"^(?:true|True|TRUE|false|False|FALSE)$", "tTfF"),
    ("tag:yaml.org,2002:int", r"^[-+]?[0-9]+$", "-+0123456789"),
    ("tag:yaml.org,2002:float", r"^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$", "-+.0123456789"),
    ("tag:yaml.org,2002:null", r"^(?:~|null|Null|NULL|)$", "~nN\0"),
):
    # "" is what PyYAML looks up for an empty scalar.
    _Loader.add_implicit_resolver(
        _tag, re.compile(_pattern), [*_first.replace("\0", ""), *([""] if "\0" in _first else [])]
    )


def _construct_int(loader: _Loader, node: yaml.ScalarNode) -> int:
    return int(loader.construct_scalar(node))


_Loader.add_constructor("tag:yaml.org,2002:int", _construct_int)


def parse_yaml(text: str, where: str) -> Any:
    """Parse one YAML document; raises `SpecError` that names `where`."""
    try:
        return yaml.load(text, Loader=_Loader)
    except yaml.YAMLError as error:
        raise SpecError(f"{where}: {error}") from error


def load_yaml(path: Path) -> Any:
    """Parse the YAML document in `path`; raises `SpecError`."""
    return parse_yaml(path.read_text(encoding="utf-8"), str(path))
