"""A source file holds one concept; one that has grown past the limit holds several."""

from __future__ import annotations

from collections.abc import Iterator

from tools.tidy.fault import Fault, Tree, is_generated

SOURCES = (".py", ".rs", ".ts", ".mts", ".cts", ".js", ".mjs", ".cjs", ".java", ".go")
LINES_MAX = 600
BYTES_MAX = 1_000_000


def check(tree: Tree) -> Iterator[Fault]:
    """Find sources of more than `LINES_MAX` lines, and files of any kind of more than `BYTES_MAX` bytes."""
    for name, text in tree.texts(*SOURCES):
        lines = text.count("\n")
        if lines > LINES_MAX and not is_generated(name):
            yield Fault(name, lines, f"{lines} lines, at most {LINES_MAX}: split it by concept")
    for name in tree.files:
        size = (tree.root / name).stat().st_size
        if size > BYTES_MAX:
            yield Fault(
                name, 0, f"{size:,} bytes, at most {BYTES_MAX:,}: data of that size is made or installed, not kept"
            )
