"""Every package opens with a docstring: its one job, its invariant, what it must not know."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tools.tidy.fault import Fault, Tree, is_generated

_DOCUMENTED = ("server/src/", "clients/python/src/", "conformance/src/", "conformance/mutants/", "tools/")
_GENERATED_MARK = "do not edit"


def check(tree: Tree) -> Iterator[Fault]:
    """Find package doors without a docstring, and generated files that do not say that they are."""
    for name, text in tree.texts(".py", ".ts", ".java"):
        in_generated = is_generated(name)
        if in_generated and _GENERATED_MARK not in text[:600].lower():
            yield Fault(name, 1, f"a generated file says so in its first lines: '{_GENERATED_MARK}'")
        door = name.endswith("/__init__.py") and name.startswith(_DOCUMENTED) and "/tests/" not in name
        if door and not in_generated and not ast.get_docstring(ast.parse(text)):
            yield Fault(name, 1, "a package without a docstring: its one job, its invariant, what it must not know")
