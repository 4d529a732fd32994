"""Where the cases, the vectors and the table of errors lie: in the installed package, or in its tree."""

from __future__ import annotations

from pathlib import Path
from typing import Final

_PACKAGE: Final = Path(__file__).parent
_TREE: Final = _PACKAGE.parents[2]


def cases_directory() -> Path:
    """The directory with scenarios/ and protocol/."""
    return _first(_PACKAGE / "data" / "cases", _TREE / "conformance" / "cases")


def vectors_directory() -> Path:
    """The directory with the vectors' JSON files."""
    return _first(_PACKAGE / "data" / "vectors", _TREE / "spec" / "vectors")


def errors_file() -> Path:
    """The table of all errors, spec/errors.yaml."""
    return _first(_PACKAGE / "data" / "errors.yaml", _TREE / "spec" / "errors.yaml")


def _first(packaged: Path, in_tree: Path) -> Path:
    return packaged if packaged.exists() else in_tree
