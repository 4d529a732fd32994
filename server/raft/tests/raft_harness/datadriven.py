"""Script files: a command, `----`, and the output it must have.

A block is one command line, a line of four dashes, and the expected output up to an empty line or the file's end.
Lines that start with `#` between blocks are comments; they and the empty lines survive a rewrite.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

SEPARATOR = "----"


class ScriptError(Exception):
    """A script file that is not well formed."""


@dataclass(frozen=True, slots=True)
class Block:
    """One command with its expected output; `before` are the comment and empty lines above it."""

    line: int
    before: tuple[str, ...]
    command: str
    expected: str


@dataclass(frozen=True, slots=True)
class Mismatch:
    """A block whose output differs."""

    block: Block
    actual: str


def parse(text: str) -> tuple[list[Block], tuple[str, ...]]:
    """Split a script into blocks and the comment lines after the last one."""
    blocks: list[Block] = []
    before: list[str] = []
    lines = text.splitlines()
    at = 0
    while at < len(lines):
        line = lines[at]
        if not line.strip() or line.startswith("#"):
            before.append(line)
            at += 1
            continue
        if at + 1 >= len(lines) or lines[at + 1] != SEPARATOR:
            raise ScriptError(f"line {at + 1}: {line!r} is not followed by {SEPARATOR}")
        end = at + 2
        while end < len(lines) and lines[end].strip():
            end += 1
        blocks.append(Block(at + 1, tuple(before), line.strip(), "\n".join(lines[at + 2 : end])))
        before = []
        at = end
    return blocks, tuple(before)


def run(path: Path, execute: Callable[[str], str], *, rewrite: bool = False) -> list[Mismatch]:
    """Execute a script and return the blocks whose output differs.

    With `rewrite`, the actual output goes into the file instead.
    """
    blocks, after = parse(path.read_text(encoding="utf-8"))
    mismatches: list[Mismatch] = []
    written: list[str] = []
    for block in blocks:
        actual = execute(block.command)
        if actual != block.expected:
            mismatches.append(Mismatch(block, actual))
        written += [*block.before, block.command, SEPARATOR, *([actual] if actual else [])]
    if rewrite:
        path.write_text("\n".join([*written, *after]) + "\n", encoding="utf-8")
        return []
    return mismatches
