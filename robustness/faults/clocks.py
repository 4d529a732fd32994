"""Clocks that are wrong: libfaketime under one node, which reads its offset from a file while it runs.

A wall clock may jump by an hour either way, while the monotonic clock goes on (FAKETIME_DONT_FAKE_MONOTONIC), as when
an operator or a time server sets it. A drift is of both: a machine whose oscillator is off, in the extreme.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Final

from robustness.cluster import Extra, Node
from robustness.faults import Need, Stage, blocking
from robustness.undo import Action

_LIBRARY_NAMES: Final = ("libfaketimeMT.so.1", "libfaketime.so.1")
_FOLDERS: Final = ("/usr/lib/x86_64-linux-gnu/faketime", "/usr/lib/aarch64-linux-gnu/faketime", "/usr/lib/faketime")
_RIGHT: Final = "+0"


def library() -> Path | None:
    """Return libfaketime; None if it is not installed."""
    if shutil.which("faketime") is None:
        return None
    places = [Path(folder) / name for name in _LIBRARY_NAMES for folder in _FOLDERS]
    return next((place for place in places if place.exists()), None)


@dataclass
class WrongClock:
    """The leader is started again with a clock that is right at first, and then becomes wrong while it works."""

    name: str
    about: str
    setting: str
    """As libfaketime takes it: `+3600` (seconds), `+0 x3.0` (three times as fast)."""
    monotonic: bool = False
    """Whether the monotonic clock is wrong too."""
    hold_s: float | None = None
    expected_errors: ClassVar[tuple[str, ...]] = ()
    needs: ClassVar[tuple[Need, ...]] = (Need.FAKETIME,)
    _node: Node | None = None
    _file: Path | None = None

    async def start(self, stage: Stage) -> None:
        """Start it anew under libfaketime, wait until it is well, and set its clock."""
        node = self._node = await stage.leader()
        path = library()
        assert path is not None
        self._file = file = stage.cluster.directory / f"clock-of-{node.id}"
        stage.undo.push(Action.remove(file))
        file.write_text(_RIGHT if not self.monotonic else self.setting)
        environment = {
            "LD_PRELOAD": str(path),
            "FAKETIME_TIMESTAMP_FILE": str(file),
            "FAKETIME_CACHE_DURATION": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "0" if self.monotonic else "1",
        }
        await blocking(node.stop)
        await blocking(node.start, Extra(environment=environment))
        await blocking(stage.cluster.wait_settled)
        stage.note(f"{node.id}: {self.about}", node)
        file.write_text(self.setting)

    async def stop(self, stage: Stage) -> None:
        """Start it with the right clock."""
        if self._node is not None:
            await blocking(self._node.stop)
            await blocking(self._node.start)
        if self._file is not None:
            self._file.unlink(missing_ok=True)


def wrong_clocks() -> list[WrongClock]:
    """Return all of them."""
    return [
        WrongClock("clock-forward", "its wall clock jumps an hour ahead", "+3600"),
        WrongClock("clock-backward", "its wall clock jumps an hour back", "-3600"),
        WrongClock("clock-fast", "all its clocks run three times as fast", "+0 x3.0", monotonic=True),
    ]
