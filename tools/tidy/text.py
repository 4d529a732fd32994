"""Text files are UTF-8 with LF, end with a newline and carry no white space at line ends; nothing is left "to do"."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tools.tidy.fault import Fault, Tree, is_generated

# Written in pieces, so that this file does not find itself.
_UNFINISHED = re.compile(r"\b(?:" + "|".join(("TO" + "DO", "FIX" + "ME", "X" + "XX", "HA" + "CK")) + r")\b")
_SOURCES = (
    *(".py", ".rs", ".ts", ".mts", ".cts", ".js", ".mjs", ".cjs", ".java", ".go", ".sh", ".html", ".css"),
    *(".toml", ".ini", ".yaml", ".yml", ".xml", ".md", ".cfg", "themis", ".in", ".txt"),
)
_EXECUTABLE = ("themis", ".ci/run")


def check(tree: Tree) -> Iterator[Fault]:
    """Find unfinished marks, wrong line ends, white space at line ends, and commands that are not executable."""
    for name, text in tree.texts(*_SOURCES):
        for number, line in enumerate(text.split("\n"), start=1):
            if _UNFINISHED.search(line):
                yield Fault(name, number, "an unfinished mark: finish it, or file an issue and say what is missing")
            if line.endswith("\r"):
                yield Fault(name, number, "a CRLF line end")
                break
            # Two spaces at the end of a Markdown line are a line break.
            if line != line.rstrip() and not is_generated(name) and not name.endswith(".md"):
                yield Fault(name, number, "white space at the end of the line")
        if "\ufffd" in text and (tree.root / name).read_bytes().decode("utf-8", "ignore") != text:
            yield Fault(name, 0, "not UTF-8")
        if text and not text.endswith("\n"):
            yield Fault(name, text.count("\n") + 1, "no newline at the end of the file")
    for name in _EXECUTABLE:
        if name in tree.names and not (tree.root / name).stat().st_mode & 0o100:
            yield Fault(name, 0, "not executable: chmod +x")
