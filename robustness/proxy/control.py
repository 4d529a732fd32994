"""How a proxy is started and told what to do."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from robustness.processes import kill, wait_for
from robustness.proxy.rules import EVERYBODY, Rule
from robustness.undo import Action, Undo

_START_TIMEOUT_S: Final = 15.0
_ANSWER_TIMEOUT_S: Final = 5.0
_PATH_MAX: Final = 100
"""Unix sockets have short names (unix(7): 108 bytes)."""


class LinkProxy:
    """A proxy process in front of one port."""

    def __init__(self, listen: str, target: str, control: Path, undo: Undo) -> None:
        """Describe a proxy.

        Args:
            listen: HOST:PORT that it takes connections at.
            target: HOST:PORT that it forwards to.
            control: The Unix socket to talk to it; made by it.
            undo: Takes what ends it.
        """
        if len(str(control)) > _PATH_MAX:
            raise ValueError(f"{control} is too long for the name of a socket")
        self._command = [
            *(sys.executable, "-m", "robustness.proxy"),
            *("--listen", listen, "--target", target, "--control", str(control)),
        ]
        self._control = control
        self._undo = undo
        self._process: subprocess.Popen[bytes] | None = None
        self._ticket = 0

    def start(self, wrapper: Sequence[str] = ()) -> None:
        """Start it, below a wrapper (such as a namespace's), and wait until it takes connections."""
        self._process = subprocess.Popen(
            [*wrapper, *self._command], cwd=Path(__file__).parents[2], stdin=subprocess.DEVNULL, start_new_session=True
        )
        self._ticket = self._undo.push(Action.kill(self._process.pid))
        wait_for(lambda: self._control.exists() or self._ended(), "the proxy to start", _START_TIMEOUT_S)
        if self._ended():
            raise OSError(f"the proxy ended with code {self._process.returncode}")

    def _ended(self) -> bool:
        return self._process is not None and self._process.poll() is not None

    def set(self, rule: Rule, source: str = EVERYBODY) -> None:
        """Put a rule in force for connections from an address."""
        self._tell({"set": source, "rule": msgspec.to_builtins(rule)})

    def clear(self) -> None:
        """Let everything through again."""
        self._tell({"clear": True})

    def reset(self, source: str = EVERYBODY) -> int:
        """Reset the open connections from an address; returns how many there were."""
        return int(self._tell({"reset": source})["reset"])

    def figures(self) -> dict[str, int]:
        """Return how many connections are open, and how many were accepted."""
        return {name: int(value) for name, value in self._tell({}).items()}

    def _tell(self, command: dict[str, Any]) -> dict[str, Any]:
        with socket.socket(socket.AF_UNIX) as plug:
            plug.settimeout(_ANSWER_TIMEOUT_S)
            plug.connect(str(self._control))
            plug.sendall(json.dumps(command).encode() + b"\n")
            answer: dict[str, Any] = json.loads(plug.makefile("rb").readline())
            return answer

    def stop(self) -> None:
        """End it, and its connections with it."""
        if self._process is not None:
            kill(self._process.pid)
            self._process.wait()
            self._process = None
            self._undo.drop(self._ticket)
        self._control.unlink(missing_ok=True)
