"""YAML as cases are written in: the core schema of YAML 1.2, and no key twice.

PyYAML reads YAML 1.1, in which `on`, `no` and `12:30` are a boolean, a boolean and a number; a case says `on: any` and
means it.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from themis_conformance.mistake import Mistake

__all__ = ["read_yaml"]

# libyaml is ten times as fast, and is part of PyYAML's wheels; without it the parser in Python does the same.
_Base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_Base):  # type: ignore[misc]  # which of both is known at run time only
    yaml_implicit_resolvers: dict[str, list[Any]] = {}  # noqa: RUF012  # PyYAML's own way: a table of the class


def _resolve(tag: str, pattern: str, first: str) -> None:
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", re.compile(f"^(?:{pattern})$"), list(first))


_resolve("null", r"~|null|", "~n\0")
_resolve("bool", r"true|false", "tf")
_resolve("int", r"[-+]?[0-9]+|0x[0-9a-fA-F]+", "-+0123456789")
_resolve("float", r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|\.inf|-\.inf|\.nan", "-+.0123456789")
_resolve("merge", r"<<", "<")
# An empty scalar is null; PyYAML looks it up under the empty text.
_Loader.yaml_implicit_resolvers[""] = _Loader.yaml_implicit_resolvers.pop("\0")


def _mapping(loader: Any, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
    seen: set[str] = set()
    for key, _ in node.value:
        if not isinstance(key, yaml.ScalarNode):
            raise Mistake(f"line {key.start_mark.line + 1}: a key is a text")
        if key.value in seen and key.tag != "tag:yaml.org,2002:merge":
            raise Mistake(f"line {key.start_mark.line + 1}: the key {key.value!r} occurs twice")
        seen.add(key.value)
    loader.flatten_mapping(node)
    return {_key(loader, key): loader.construct_object(value, deep=True) for key, value in node.value}


def _key(loader: Any, key: yaml.ScalarNode) -> str | int:
    made = loader.construct_object(key, deep=True)
    # `0: {...}` names an item of a batch; every other key is a text, whatever it looks like.
    return made if isinstance(made, int) and not isinstance(made, bool) else str(key.value)


def _integer(loader: Any, node: yaml.ScalarNode) -> int:
    text = str(node.value)
    return int(text, 16) if text.startswith("0x") else int(text)


_Loader.add_constructor("tag:yaml.org,2002:map", _mapping)
_Loader.add_constructor("tag:yaml.org,2002:int", _integer)


def read_yaml(path: Path) -> Any:
    """Read a file; raises Mistake with its name."""
    try:
        return yaml.load(path.read_text("utf-8"), _Loader)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise Mistake(f"this is no YAML: {error}", place=str(path)) from error
    except Mistake as mistake:
        raise mistake.at(str(path)) from None
