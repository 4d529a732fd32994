"""What a fault changes on the machine is undone, whatever happens to the program that changed it.

Every change is announced, before it is made, to a helper process that does nothing but wait: when the connection to it
ends (closed in order, or because the program crashed or was killed), it undoes what is left, the latest first. There is
no other way of undoing at the end, so the crash is the tested path.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import IO, Final, Literal, Self

import msgspec

from robustness.processes import start_time

_CLOSE_TIMEOUT_S: Final = 60.0
_RUN_TIMEOUT_S: Final = 20.0
_GONE_TIMEOUT_S: Final = 10.0
_POLL_S: Final = 0.02


class Action(msgspec.Struct, frozen=True):
    """One thing to do: run a command, kill or continue a process (if it is still the same one), remove a path."""

    verb: Literal["run", "kill", "continue", "remove"]
    words: tuple[str, ...]

    @classmethod
    def run(cls, *words: str) -> Action:
        """Run a command; that it fails is no matter."""
        return cls("run", words)

    @classmethod
    def kill(cls, pid: int) -> Action:
        """Kill a process that runs now, and wait until it is gone."""
        return cls("kill", (str(pid), str(start_time(pid))))

    @classmethod
    def resume(cls, pid: int) -> Action:
        """Continue a process that was stopped."""
        return cls("continue", (str(pid), str(start_time(pid))))

    @classmethod
    def remove(cls, path: Path) -> Action:
        """Remove a file or a directory with all that is in it."""
        return cls("remove", (str(path),))

    def perform(self) -> None:
        """Do it; what is gone already is no error."""
        if self.verb == "run":
            with contextlib.suppress(OSError, subprocess.TimeoutExpired):
                subprocess.run(self.words, capture_output=True, timeout=_RUN_TIMEOUT_S, check=False)
        elif self.verb == "remove":
            path = Path(self.words[0])
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)
        else:
            self._signal(signal.SIGKILL if self.verb == "kill" else signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        pid, started = int(self.words[0]), int(self.words[1])
        deadline_s = time.monotonic() + _GONE_TIMEOUT_S
        while start_time(pid) == started:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
            if number != signal.SIGKILL or time.monotonic() > deadline_s:
                return
            time.sleep(_POLL_S)


class Undo:
    """The list of what is to be undone. Use it in a `with` statement around everything that changes the machine."""

    def __init__(self) -> None:
        self._helper = subprocess.Popen(
            [sys.executable, "-m", "robustness.undo"],
            stdin=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C in a terminal reaches us, and not the helper
            cwd=Path(__file__).parents[1],
        )
        self._actions: dict[int, Action] = {}
        self._last = 0

    def push(self, action: Action) -> int:
        """Announce what will undo the change that comes now. Returns its number."""
        self._last += 1
        self._actions[self._last] = action
        self._tell({"push": self._last, "action": msgspec.to_builtins(action)})
        return self._last

    def drop(self, number: int) -> None:
        """Say that there is nothing to undo any more."""
        if self._actions.pop(number, None) is not None:
            self._tell({"drop": number})

    def perform(self, number: int) -> None:
        """Undo one change now."""
        action = self._actions.get(number)
        if action is not None:
            action.perform()
            self.drop(number)

    def _tell(self, message: object) -> None:
        assert self._helper.stdin is not None
        self._helper.stdin.write(json.dumps(message).encode() + b"\n")
        self._helper.stdin.flush()

    def close(self) -> None:
        """Undo what is left, the latest first, and wait until that is done."""
        assert self._helper.stdin is not None
        self._helper.stdin.close()
        self._helper.wait(_CLOSE_TIMEOUT_S)
        self._actions.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def wait_and_undo(messages: IO[bytes]) -> None:
    """Keep the list until `messages` ends, then undo what is on it, the latest first."""
    left: dict[int, Action] = {}
    for line in messages:
        if not line.endswith(b"\n"):
            break  # The program died in the middle of a word: the change that it announces was not made.
        message = json.loads(line)
        if "push" in message:
            left[message["push"]] = msgspec.convert(message["action"], Action)
        else:
            left.pop(message["drop"], None)
    for action in reversed(left.values()):
        action.perform()


if __name__ == "__main__":
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    wait_and_undo(sys.stdin.buffer)
