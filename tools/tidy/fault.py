"""What a rule looks at and what it finds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from tools import tree


@dataclass(frozen=True, slots=True)
class Fault:
    """One breach of a rule; `line` is 0 when it concerns the file as a whole."""

    path: str
    line: int
    text: str

    def __str__(self) -> str:
        place = f"{self.path}:{self.line}" if self.line else self.path
        return f"{place}: {self.text}"


@dataclass(frozen=True)
class Tree:
    """The files that belong to a work tree, by their paths relative to its top."""

    root: Path

    @cached_property
    def files(self) -> tuple[str, ...]:
        """Every file, as a path with forward slashes, sorted."""
        return tuple(path.relative_to(self.root).as_posix() for path in tree.tracked_files(self.root))

    @cached_property
    def names(self) -> frozenset[str]:
        """Every file and every directory that holds one."""
        folders = {parent.as_posix() for name in self.files for parent in Path(name).parents}
        return frozenset(folders.union(self.files))

    def read(self, name: str) -> str | None:
        """Return a file's text, or none for a binary file."""
        data = (self.root / name).read_bytes()
        if b"\0" in data:
            return None
        return data.decode("utf-8", errors="replace")

    def texts(self, *endings: str) -> Iterator[tuple[str, str]]:
        """Yield the name and text of every text file, or of those whose names end so."""
        for name in self.files:
            if not endings or name.endswith(endings):
                text = self.read(name)
                if text is not None:
                    yield name, text


def is_generated(name: str) -> bool:
    """Say whether a file is written by a program: no person reads it from top to bottom."""
    return "/_generated/" in f"/{name}" or (name.endswith(".java") and "/generated/" in name)
