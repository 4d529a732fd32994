"""Processes that end or stand still."""

from __future__ import annotations

import asyncio
import signal
from dataclasses import dataclass, field
from typing import ClassVar, Literal

from robustness.cluster import Node
from robustness.faults import SHORT_HOLD_S, Need, Stage, blocking


@dataclass
class Kill:
    """kill -9 of one node; it is started again on its own data."""

    who: Literal["leader", "follower"]
    hold_s: float | None = None
    expected_errors: ClassVar[tuple[str, ...]] = ()
    needs: ClassVar[tuple[Need, ...]] = ()
    _node: Node | None = None

    @property
    def name(self) -> str:
        """kill-leader or kill-follower."""
        return f"kill-{self.who}"

    @property
    def about(self) -> str:
        """What it does."""
        return f"kill -9 of a {self.who}, started again later"

    async def start(self, stage: Stage) -> None:
        """Kill it."""
        self._node = node = await (stage.leader() if self.who == "leader" else stage.follower())
        stage.note(f"kill -9 {node.id}", node)
        await blocking(node.kill)

    async def stop(self, stage: Stage) -> None:
        """Start it again."""
        if self._node is not None and not self._node.running:
            await blocking(self._node.start)


@dataclass
class KillAll:
    """kill -9 of all nodes at once: what was acknowledged is on the disks or lost."""

    name: ClassVar[str] = "kill-all"
    about: ClassVar[str] = "kill -9 of all nodes at once, all started again"
    needs: ClassVar[tuple[Need, ...]] = ()
    hold_s: float | None = SHORT_HOLD_S
    expected_errors: ClassVar[tuple[str, ...]] = ()

    async def start(self, stage: Stage) -> None:
        """Kill them: all signals first, so that none outlives another by more than a moment."""
        nodes = list(stage.cluster.nodes.values())
        stage.note("kill -9 all", *nodes)
        for node in nodes:
            node.signal_end(signal.SIGKILL)
        for node in nodes:
            await blocking(node.kill)

    async def stop(self, stage: Stage) -> None:
        """Start them all."""
        await blocking(stage.cluster.start_all)


@dataclass
class Restart:
    """A clean stop of the leader, as in an upgrade, and a start."""

    name: ClassVar[str] = "stop-leader"
    about: ClassVar[str] = "a clean stop (SIGTERM) of the leader, started again later"
    needs: ClassVar[tuple[Need, ...]] = ()
    hold_s: float | None = None
    expected_errors: ClassVar[tuple[str, ...]] = ()
    _node: Node | None = None

    async def start(self, stage: Stage) -> None:
        """Ask it to stop."""
        self._node = node = await stage.leader()
        in_order = await blocking(node.stop)
        stage.note(f"stop {node.id}" + ("" if in_order else ": killed, as it did not stop in time"), node)

    async def stop(self, stage: Stage) -> None:
        """Start it again."""
        if self._node is not None and not self._node.running:
            await blocking(self._node.start)


@dataclass
class KillAgain:
    """kill -9 of one node after another, each started at once and the next killed while it recovers."""

    name: ClassVar[str] = "kill-in-turn"
    about: ClassVar[str] = "kill -9 of one node after another, while the one before recovers"
    needs: ClassVar[tuple[Need, ...]] = (Need.REPLICAS,)
    hold_s: float | None = 10.0
    expected_errors: ClassVar[tuple[str, ...]] = ()
    _task: asyncio.Task[None] | None = field(default=None, repr=False)

    async def start(self, stage: Stage) -> None:
        """Begin to kill."""
        self._task = asyncio.create_task(self._kill(stage))

    async def _kill(self, stage: Stage) -> None:
        while True:
            for node in stage.cluster.nodes.values():
                stage.note(f"kill -9 {node.id}", node)
                await blocking(node.kill)
                await blocking(node.spawn)
                await asyncio.sleep(stage.chance.uniform(1.0, 2.5))

    async def stop(self, stage: Stage) -> None:
        """Stop killing, and bring all up."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
            if not self._task.cancelled() and self._task.exception() is not None:
                raise self._task.exception() or AssertionError
        await blocking(stage.cluster.start_all)


@dataclass
class Pause:
    """SIGSTOP, and SIGCONT later.

    A leader that stood still believes to lead when it goes on: reads are sent to it before it is resumed, which it
    finds in its sockets and must not answer from its old state.
    """

    who: Literal["leader", "follower"]
    hold_s: float | None = None
    expected_errors: ClassVar[tuple[str, ...]] = ()
    needs: ClassVar[tuple[Need, ...]] = ()
    _node: Node | None = None

    @property
    def name(self) -> str:
        """pause-leader or pause-follower."""
        return f"pause-{self.who}"

    @property
    def about(self) -> str:
        """What it does."""
        return f"SIGSTOP of a {self.who}; read from it before SIGCONT"

    async def start(self, stage: Stage) -> None:
        """Stop it."""
        self._node = node = await (stage.leader() if self.who == "leader" else stage.follower())
        stage.note(f"pause {node.id}", node)
        await blocking(node.pause)

    async def stop(self, stage: Stage) -> None:
        """Ask it something, and let it go on."""
        if self._node is not None:
            stage.probe(self._node)
            await asyncio.sleep(0.3)  # Until the requests are in its sockets.
            self._node.resume()
