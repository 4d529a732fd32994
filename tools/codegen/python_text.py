"""Pieces of Python source: docstrings, literals, and the formatter that every emitted module goes through."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from functools import cache
from typing import Final

from tools.codegen.source import SpecError

__all__ = ["LINE_LENGTH", "docstring", "format_python", "literal", "python_pattern"]

LINE_LENGTH: Final = 120


def docstring(*paragraphs: str) -> str:
    """A docstring of these paragraphs, wrapped so that it still fits when it is indented once."""
    escaped = [paragraph.replace("\\", "\\\\").replace('"""', '\\"\\"\\"') for paragraph in paragraphs]
    wrapped = [
        textwrap.fill(text, LINE_LENGTH - 10, break_long_words=False, break_on_hyphens=False) for text in escaped
    ]
    text = "\n\n".join(wrapped)
    if "\n" not in text:
        return f'"""{text}"""' if not text.endswith('"') else f'"""{text} """'
    return f'"""{text}\n"""'


def literal(value: str | int | bool | None) -> str:
    """A Python literal; a raw string where that spares backslashes."""
    if isinstance(value, str):
        if "\\" in value and '"' not in value and not value.endswith("\\"):
            return f'r"{value}"'
        if "\\" in value and "'" not in value and not value.endswith("\\"):
            return f"r'{value}'"
    return repr(value)


def python_pattern(pattern: str | None) -> str | None:
    r"""The same language as a Python pattern: ECMA-262's final `$` is the end of the text, in Python `\Z` is."""
    if pattern is None:
        return None
    if not pattern.startswith("^") or not pattern.endswith("$"):
        raise SpecError(f"the pattern {pattern} must be anchored on both sides")
    return pattern[:-1] + r"\Z"


@cache
def format_python(text: str, name: str) -> str:
    """Format with the repository's formatter, independent of any configuration file."""
    command = [sys.executable, "-m", "ruff", "format", "--isolated", f"--line-length={LINE_LENGTH}"]
    command += ["--target-version=py311", f"--stdin-filename={name}", "-"]
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"the emitted {name} is no Python: {done.stderr}")
    return done.stdout
