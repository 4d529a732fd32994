"""Damage in a log: half a record at its end, as a crash leaves it; a flipped bit in its middle, as a bad disk does."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Final

from robustness.cluster import Node, StartFailed
from robustness.faults import Need, Stage, blocking

_RECORD_HEADER: Final = 7
_BIT: Final = 0x40


def _newest_log(node: Node) -> Path:
    """Return the last write-ahead log of the Raft database."""
    files = [file for file in (node.data / "raft").glob("*.log") if file.stat().st_size > _RECORD_HEADER]
    if not files:
        raise FileNotFoundError(f"{node.id} has no log in {node.data / 'raft'}")
    return max(files, key=lambda file: file.name)


@dataclass
class TornTail:
    """A node is killed, and its log ends in half a record: it cuts that, and comes back."""

    name: ClassVar[str] = "log-torn"
    about: ClassVar[str] = "kill -9 of a follower whose log then ends in half a record"
    needs: ClassVar[tuple[Need, ...]] = ()
    hold_s: float | None = None
    expected_errors: ClassVar[tuple[str, ...]] = ()
    _node: Node | None = None

    async def start(self, stage: Stage) -> None:
        """Kill it and tear the log."""
        node = self._node = await stage.follower()
        await blocking(node.kill)
        log = _newest_log(node)
        header = log.read_bytes()[:_RECORD_HEADER]
        with log.open("ab") as stream:
            stream.write(header + bytes(5))  # less than the header promises
        stage.note(f"{node.id} killed, its log torn", node)

    async def stop(self, stage: Stage) -> None:
        """Start it."""
        if self._node is not None and not self._node.running:
            await blocking(self._node.start)


@dataclass
class FlippedBit:
    """A node is killed and a bit in its log flips: it must refuse to start. The bit is put right again at the end."""

    name: ClassVar[str] = "log-flipped"
    about: ClassVar[str] = "kill -9 of a follower and a flipped bit in its log: it refuses to start"
    needs: ClassVar[tuple[Need, ...]] = ()
    hold_s: float | None = None
    expected_errors: ClassVar[tuple[str, ...]] = ()
    _node: Node | None = None
    _place: tuple[Path, int] | None = None

    async def start(self, stage: Stage) -> None:
        """Kill it, flip a bit, and try to start it."""
        node = self._node = await stage.follower()
        await blocking(node.kill)
        log = _newest_log(node)
        self._place = (log, log.stat().st_size // 2)
        _flip(*self._place)
        try:
            await blocking(node.start)
        except StartFailed as refused:
            stage.note(f"{node.id} refuses its damaged log: {str(refused).strip().splitlines()[-1][:120]}", node)
        else:
            stage.note(f"{node.id} started on a damaged log", node)
            raise DamageNotSeen(
                f"{node.id} started although bit {_BIT:#x} at {self._place[1]} of {log.name} is flipped"
            )

    async def stop(self, stage: Stage) -> None:
        """Put the bit right, and start the node."""
        node = self._node
        if node is None or self._place is None:
            return
        if node.running:
            await blocking(node.kill)
        if self._place[0].exists():
            _flip(*self._place)
        self._place = None
        await blocking(node.start)


class DamageNotSeen(Exception):
    """A node took a damaged log for a good one."""


def _flip(file: Path, position: int) -> None:
    with file.open("r+b") as stream:
        stream.seek(position)
        byte = stream.read(1)[0]
        stream.seek(position)
        stream.write(bytes([byte ^ _BIT]))
