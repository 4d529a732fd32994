"""Files that settings name: there, readable, and not open to everybody where they are secret."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Final

__all__ = ["open_to_others", "unreadable"]

_WORLD: Final = stat.S_IRWXG | stat.S_IRWXO


def unreadable(section: str, named: Mapping[str, str]) -> list[str]:
    """Return a line for every file (setting's key -> path, "" for none) that is not there or cannot be read."""
    problems = []
    for key, path in named.items():
        if path and not Path(path).is_file():
            problems.append(f"{section}.{key}: there is no file {path}")
        elif path and not os.access(path, os.R_OK):
            problems.append(f"{section}.{key}: this user cannot read {path}")
    return problems


def open_to_others(setting: str, path: str) -> list[str]:
    """Return a line if the private key at `path` ("" for none) can be read by other users."""
    key = Path(path)
    if path and key.is_file() and key.stat().st_mode & _WORLD:
        return [f"{setting}: {key} can be read by other users; make it `chmod 600`"]
    return []
