"""An asyncio event loop in simulated time, so that the code of a node's main loop runs as it is.

One for each life of a node. It knows no sockets and never waits: what is to run later is an event of the world, at the
time that the node's own clock will show then. When the process dies its loop dies too: nothing runs on it any more.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextvars import Context
from typing import TYPE_CHECKING, Any, TypeVar

from robustness.simulation.clocks import NodeClock

if TYPE_CHECKING:
    from robustness.simulation.transfers import SimulatedExecutor
    from robustness.simulation.world import World

_T = TypeVar("_T")


class SimulatedLoop(asyncio.AbstractEventLoop):
    """Runs callbacks and tasks of one process."""

    def __init__(self, world: World, clock: NodeClock, after_step: Callable[[], None]) -> None:
        """Make a loop that is running from now on.

        Args:
            world: whose time passes.
            clock: the node's.
            after_step: called after each callback.
        """
        self._world = world
        self._clock = clock
        self._after_step = after_step
        self.not_before_us = 0
        """Nothing runs before: a turn of the driver is computed at its beginning, and its end must not be seen earlier
        than it comes."""
        self._dead = False
        self._held: list[asyncio.Handle] | None = None
        self._tasks: dict[asyncio.Task[Any], None] = {}
        self.errors: list[BaseException] = []
        """What tasks ended with that nobody asked about."""

    # -- what code under test calls -----------------------------------------------------------------------------
    def time(self) -> float:
        """Return the node's monotonic clock, seconds."""
        return self._clock.monotonic_s()

    def call_soon(  # type: ignore[override]
        self, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> asyncio.Handle:
        """Run `callback` as soon as what runs now has ended."""
        handle = asyncio.Handle(callback, args, self, context)
        if not self._dead:
            self._world.after(0, self._run, handle)
        return handle

    def call_soon_threadsafe(  # type: ignore[override]
        self, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> asyncio.Handle:
        """Run `callback` as `call_soon` does: there are no threads here."""
        return self.call_soon(callback, *args, context=context)

    def call_later(  # type: ignore[override]
        self, delay: float, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> asyncio.TimerHandle:
        """Run `callback` when the node's clock shows `delay` seconds more."""
        return self.call_at(self.time() + delay, callback, *args, context=context)

    def call_at(  # type: ignore[override]
        self, when: float, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> asyncio.TimerHandle:
        """Run `callback` when the node's clock shows `when` seconds."""
        handle = asyncio.TimerHandle(when, callback, args, self, context)
        if not self._dead:
            self._world.after(self._clock.interval_us(max(when - self.time(), 0.0)), self._run, handle)
        return handle

    def create_future(self) -> asyncio.Future[Any]:
        """Return a future of this loop."""
        return asyncio.Future(loop=self)

    def create_task(  # type: ignore[override]
        self, coro: Coroutine[Any, Any, _T], *, name: str | None = None, context: Context | None = None
    ) -> asyncio.Task[_T]:
        """Run a coroutine as a task."""
        task = asyncio.Task(coro, loop=self, name=name or "task", context=context)
        self._tasks[task] = None
        task.add_done_callback(self._tasks.pop)
        return task

    def run_in_executor(  # type: ignore[override]
        self, executor: SimulatedExecutor, func: Callable[..., _T], *args: Any
    ) -> asyncio.Future[_T]:
        """Run something on a thread, and let the future have its result."""
        return asyncio.wrap_future(executor.submit(func, *args), loop=self)

    def get_debug(self) -> bool:
        """Return False."""
        return False

    def is_running(self) -> bool:
        """Whether the process lives."""
        return not self._dead

    def is_closed(self) -> bool:
        """Whether the process is dead."""
        return self._dead

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """Leave a cancelled timer where it is: when its time comes nothing happens."""

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        """Keep what a task or callback ended with and nobody took."""
        error = context.get("exception")
        if error is not None and not self._dead:
            self.errors.append(error)

    # -- what the world calls -----------------------------------------------------------------------------------
    def inside(self, call: Callable[[], _T]) -> _T:
        """Call something as if from a callback of this loop."""
        asyncio._set_running_loop(self)
        try:
            return call()
        finally:
            asyncio._set_running_loop(None)

    def _run(self, handle: asyncio.Handle) -> None:
        if self._dead or handle.cancelled():
            return
        if self._held is not None:
            self._held.append(handle)
            return
        if self._world.now_us < self.not_before_us:
            self._world.at(self.not_before_us, self._run, handle)
            return
        self._clock.now_us = self._world.now_us
        asyncio._set_running_loop(self)
        try:
            handle._run()
        finally:
            asyncio._set_running_loop(None)
        self._after_step()

    def hold(self) -> None:
        """Let nothing run until `release`: the process is paused."""
        if self._held is None:
            self._held = []

    def release(self) -> None:
        """Let everything go on."""
        held, self._held = self._held or [], None
        for handle in held:
            self._world.after(0, self._run, handle)

    def die(self) -> None:
        """End the process: what its tasks would still do in their `finally` happens now, and to nobody."""
        self._dead = True
        asyncio._set_running_loop(self)
        try:
            for task in list(self._tasks):
                coroutine = task.get_coro()
                try:
                    coroutine.close()
                except BaseException as error:
                    del error  # the machine has no power any more: whatever fails now fails unseen
        finally:
            asyncio._set_running_loop(None)
        self._tasks.clear()
