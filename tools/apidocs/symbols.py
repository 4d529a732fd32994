"""Public names, and whether somebody wrote what they are."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_TIMEOUT_S = 300
_OUTPUT_MAX = 3000


class ApiDocsError(Exception):
    """A language's tool could not say what the public names are, or make its pages; the text says why."""


@dataclass(frozen=True, slots=True)
class Symbol:
    """One public name, written as the language's users would: `ThemisClient.get`."""

    name: str
    documented: bool


def sentence(language: str, symbols: Sequence[Symbol]) -> str:
    """Sum one language up: `java: 412 of 412 public names are documented`."""
    documented = sum(symbol.documented for symbol in symbols)
    return f"{language}: {documented} of {len(symbols)} public names are documented"


def undocumented(symbols: Sequence[Symbol]) -> list[str]:
    """Name those that nobody described, sorted."""
    return sorted(symbol.name for symbol in symbols if not symbol.documented)


def run(command: Sequence[str], folder: Path, environment: Mapping[str, str] | None = None) -> str:
    """Run a tool; returns what it said. Raises `ApiDocsError` if it fails or does not end."""
    try:
        done = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ApiDocsError(f"{command[0]}: {error}") from error
    said = (done.stdout + done.stderr).strip()
    if done.returncode:
        raise ApiDocsError(f"{command[0]} failed (exit {done.returncode}):\n{said[-_OUTPUT_MAX:]}")
    return said
