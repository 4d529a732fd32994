"""Disks that are full, that fail to sync, or that take their time."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Final

from robustness import processes
from robustness.cluster import Node
from robustness.faults import Need, Stage, blocking
from robustness.undo import Action

MIB: Final = 1 << 20
_ROOM_BYTES: Final = 256 * MIB
_LEFT_BYTES: Final = 8 * MIB
"""What a full disk has left: less than the node's reserve."""
_FAIL_TIMEOUT_S: Final = 20.0
_MNT_DETACH: Final = 2


@dataclass
class DiskFull:
    """The leader's data stands on a small file system, which fills up, and is given room again.

    The file system is memory; the data is copied there and back while the node does not run. If this program crashed in
    between, the node would be left with an old copy of its log: so it is done to a cluster of its own only.
    """

    name: ClassVar[str] = "disk-full"
    about: ClassVar[str] = "the leader's disk is full: it refuses writes, and serves reads"
    needs: ClassVar[tuple[Need, ...]] = (Need.MOUNT, Need.DISPOSABLE)
    hold_s: float | None = None
    expected_errors: ClassVar[tuple[str, ...]] = ()
    _node: Node | None = None
    _mounted: int = 0

    async def start(self, stage: Stage) -> None:
        """Move the data to a small file system and fill it."""
        node = self._node = await stage.leader()
        await blocking(node.stop)
        await blocking(self._move_in, stage, node)
        await blocking(node.start)
        await blocking(stage.cluster.wait_settled)
        await blocking(_fill, node.data)
        stage.note(f"the disk of {node.id} is full", node)

    def _move_in(self, stage: Stage, node: Node) -> None:
        aside = _aside(node.data)
        node.data.rename(aside)
        node.data.mkdir()
        size = sum(file.stat().st_size for file in aside.rglob("*") if file.is_file()) * 2 + _ROOM_BYTES
        self._mounted = stage.undo.push(Action.run("umount", "--lazy", str(node.data)))
        _mount(node.data, size)
        shutil.copytree(aside, node.data, dirs_exist_ok=True, copy_function=shutil.copy2)
        shutil.rmtree(aside)

    async def stop(self, stage: Stage) -> None:
        """Make room, and move the data back."""
        node = self._node
        if node is None or not self._mounted:
            return
        _ballast(node.data).unlink(missing_ok=True)
        if not node.running:
            stage.note(f"{node.id} had ended: {node.said()[-200:]}")
        await blocking(node.stop)
        await blocking(self._move_out, stage, node)
        await blocking(node.start)

    def _move_out(self, stage: Stage, node: Node) -> None:
        aside = _aside(node.data)
        shutil.copytree(node.data, aside, copy_function=shutil.copy2)
        stage.undo.perform(self._mounted)
        self._mounted = 0
        node.data.rmdir()
        aside.rename(node.data)


def _aside(data: Path) -> Path:
    return data.with_name(f"{data.name}.aside")


def _ballast(data: Path) -> Path:
    return data / "ballast"


def _mount(directory: Path, size: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(b"tmpfs", os.fsencode(directory), b"tmpfs", 0, f"size={size}".encode()) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), str(directory))


def _fill(data: Path) -> None:
    figures = os.statvfs(data)
    with _ballast(data).open("ab") as stream:
        os.posix_fallocate(stream.fileno(), 0, max(1, figures.f_bavail * figures.f_frsize - _LEFT_BYTES))


def mounting() -> bool:
    """Whether this process may mount."""
    return os.geteuid() == 0


# What strace does to the calls of a running process


def strace_works() -> bool:
    """Whether strace is here and may trace."""
    strace = shutil.which("strace")
    if strace is None:
        return False
    return subprocess.run([strace, "-f", "-o", os.devnull, "true"], capture_output=True, check=False).returncode == 0


class Injection:
    """strace attached to a running process; the process goes on untraced when strace is ended, however that happens."""

    def __init__(self, pid: int, what: str, stage: Stage) -> None:
        command = ["strace", "-f", "-qq", "-o", os.devnull, "-p", str(pid)]
        command += ["-e", "trace=fsync,fdatasync", "-e", f"inject=fsync,fdatasync:{what}"]
        self._undo = stage.undo
        self._process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )
        self._ticket = stage.undo.push(Action.kill(self._process.pid))
        processes.wait_for(
            lambda: _traced(pid) or self._process.poll() is not None, "strace to attach", _FAIL_TIMEOUT_S
        )

    def end(self) -> None:
        """Detach."""
        self._process.terminate()
        try:
            self._process.wait(_FAIL_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._undo.drop(self._ticket)


def _traced(pid: int) -> bool:
    """Whether every thread of a process has a tracer (proc(5), TracerPid)."""
    try:
        states = [file.read_text() for file in Path(f"/proc/{pid}/task").glob("*/status")]
    except OSError:
        return True
    return all("TracerPid:\t0\n" not in state for state in states)


@dataclass
class FsyncError:
    """fsync of the leader fails with EIO: it must stop at once, and never try again on the same pages."""

    name: ClassVar[str] = "fsync-error"
    about: ClassVar[str] = "fsync of the leader fails (EIO): it ends, and recovers when started again"
    needs: ClassVar[tuple[Need, ...]] = (Need.STRACE,)
    hold_s: float | None = None
    expected_errors: ClassVar[tuple[str, ...]] = ("node.fatal",)
    _node: Node | None = None
    _injection: Injection | None = None

    async def start(self, stage: Stage) -> None:
        """Let it fail, and wait until the node has ended."""
        node = self._node = await stage.leader()
        self._injection = await blocking(Injection, node.pid, "error=EIO", stage)
        stage.note(f"fsync of {node.id} fails", node)
        await blocking(processes.wait_for, lambda: not node.running, f"{node.id} to end", _FAIL_TIMEOUT_S)

    async def stop(self, stage: Stage) -> None:
        """Start it on a disk that works."""
        if self._injection is not None:
            await blocking(self._injection.end)
        if self._node is not None:
            await blocking(self._node.kill)
            await blocking(self._node.start)


@dataclass
class FsyncSlow:
    """Each fsync of the leader takes long: others should lead instead."""

    name: ClassVar[str] = "fsync-slow"
    about: ClassVar[str] = "each fsync of the leader takes 400 ms more"
    needs: ClassVar[tuple[Need, ...]] = (Need.STRACE,)
    hold_s: float | None = None
    expected_errors: ClassVar[tuple[str, ...]] = ()
    delay_us: ClassVar[int] = 400_000
    _injection: Injection | None = None

    async def start(self, stage: Stage) -> None:
        """Slow it down."""
        node = await stage.leader()
        stage.note(f"fsync of {node.id} is slow", node)
        self._injection = await blocking(Injection, node.pid, f"delay_enter={self.delay_us}", stage)

    async def stop(self, stage: Stage) -> None:
        """Let it go at its own speed."""
        if self._injection is not None:
            await blocking(self._injection.end)
