"""What the comparison needs to know of a peer."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

Contender = Callable[[float, int], float]
"""Called with seconds and the round's number; returns requests per CPU-second of the peer's processes."""

_INSTALL_TIMEOUT_S = 900.0


class PeerMissingError(Exception):
    """A peer is not installed and cannot be; the text says why."""


@dataclass(frozen=True, slots=True)
class Setting:
    """What every peer is given: where its program may be kept, where its data goes, and how much of it."""

    programs: Path
    scratch: Path
    stored: int


class Peer(Protocol):
    """A server to compare with."""

    @property
    def name(self) -> str:
        """What the table calls it."""
        ...

    def running(self, setting: Setting) -> AbstractContextManager[Contender]:
        """Install it if need be, start it, store the documents, and stop it at the end.

        Raises:
            PeerMissingError: It cannot be installed here.
        """
        ...


def install(command: Sequence[str], folder: Path, env: Mapping[str, str] | None = None) -> None:
    """Run a command that installs a peer; raises `PeerMissingError` with the end of what it said."""
    try:
        ended = subprocess.run(
            command,
            cwd=folder,
            env=env,
            capture_output=True,
            text=True,
            timeout=_INSTALL_TIMEOUT_S,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise PeerMissingError(f"{command[0]}: {error}") from error
    if ended.returncode:
        last = (ended.stderr or ended.stdout).strip().splitlines()[-1:]
        raise PeerMissingError(f"{Path(command[0]).name} failed: {' '.join(last)}")
