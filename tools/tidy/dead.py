"""Nothing lies around unused: every module is imported by another, every page of the documentation is in its menu.

A module that is there for others only (tests, users) is named with its reason in pyproject.toml, `[tool.tidy.doors]`.
"""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass

import yaml

from tools.tidy.fault import Fault, Tree

_ROOTS = ("server/src/", "clients/python/src/", "conformance/src/", "tools/")
_ENTRANCES = ("__init__.py", "__main__.py", "conftest.py")


def check(tree: Tree) -> Iterator[Fault]:
    """Find Python modules that nothing imports, and pages of docs/ that the menu of mkdocs.yml does not show."""
    yield from _modules(tree)
    yield from _pages(tree)


@dataclass(frozen=True, slots=True)
class _Module:
    name: str
    is_package: bool
    body: ast.Module


def _modules(tree: Tree) -> Iterator[Fault]:
    modules = {path: module for path, text in tree.texts(".py") if (module := _module(path, text)) is not None}
    used = set(_entry_points(tree))
    for module in modules.values():
        used.update(_mentions(module))
    for path, module in modules.items():
        if not path.endswith(_ENTRANCES) and module.name not in used:
            yield Fault(path, 0, f"nothing imports {module.name}: delete it, or use it")


def _module(path: str, text: str) -> _Module | None:
    root = next((root for root in _ROOTS if path.startswith(root)), None)
    if root is None or "/tests/" in path:  # what only a test uses is dead
        return None
    inner = path if root == "tools/" else path.removeprefix(root)
    is_package = inner.endswith("/__init__.py")
    dotted = inner.removesuffix("/__init__.py" if is_package else ".py").replace("/", ".")
    return _Module(dotted, is_package, ast.parse(text))


def _mentions(module: _Module) -> Iterator[str]:
    """Name what a module imports, written as a statement or (for imports made late) as a string."""
    package = module.name if module.is_package else module.name.rpartition(".")[0]
    for node in ast.walk(module.body):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name != module.name)
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")
            base = ".".join(above[: len(above) - node.level + 1]) if node.level else ""
            source = ".".join(filter(None, (base, node.module or "")))
            yield source
            yield from (f"{source}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value != module.name:
            yield f"{package}{node.value}" if node.value.startswith(".") else node.value


def _entry_points(tree: Tree) -> Iterator[str]:
    for _name, text in tree.texts("pyproject.toml"):
        settings = tomllib.loads(text)
        scripts: dict[str, str] = settings.get("project", {}).get("scripts", {})
        yield from (target.partition(":")[0] for target in scripts.values())
        doors: dict[str, str] = settings.get("tool", {}).get("tidy", {}).get("doors", {})
        yield from doors


class _TolerantLoader(yaml.SafeLoader):
    """Reads YAML whose tags belong to plugins; what they stand for does not matter here."""


_TolerantLoader.add_multi_constructor("", lambda loader, suffix, node: None)


def _pages(tree: Tree) -> Iterator[Fault]:
    settings = tree.read("mkdocs.yml") if "mkdocs.yml" in tree.names else None
    if settings is None:
        return
    configuration = yaml.load(settings, Loader=_TolerantLoader)
    if "nav" not in configuration:  # without a menu of its own MkDocs shows every page
        return
    shown = set(_leaves(configuration["nav"]))
    for name in tree.files:
        if name.startswith("docs/") and name.endswith(".md") and name.removeprefix("docs/") not in shown:
            yield Fault(name, 0, "a page that the menu in mkdocs.yml does not show")


def _leaves(nav: object) -> Iterator[str]:
    if isinstance(nav, str):
        yield nav
    elif isinstance(nav, list):
        for item in nav:
            yield from _leaves(item)
    elif isinstance(nav, dict):
        for item in nav.values():
            yield from _leaves(item)
