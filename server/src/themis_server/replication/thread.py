"""The thread that turns the driver: wakes for work, counts ticks, and sees to the compaction of logs.

It is the only place where replication meets threads. Proposals come in through a queue; what became of them goes out
through `deliver`, once a turn. A second thread syncs the state before a log is compacted, because that sync may be
long and the first thread must go on acknowledging writes meanwhile.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import NamedTuple

from themis_server.replication.driver import Driver, Work
from themis_server.replication.group import Completion, Proposal, Stalled, Stopped
from themis_server.storage.engine import DiskFull, Engine

_SPACE_CHECK_S = 0.2
_MAINTENANCE_S = 0.5
_IDLE_AFTER_S = 2.0


class _Propose(NamedTuple):
    group: int
    proposal: Proposal


class _Barrier(NamedTuple):
    group: int
    handle: object


class _Compact(NamedTuple):
    due: dict[int, int]


class _Stop(NamedTuple):
    pass


class _StopRequested(Exception):
    """Leaves the wait for disk space when the node is to stop."""


class DriverThread:
    """Owns the driver once started; every public method may be called from any thread."""

    def __init__(
        self,
        make_driver: Callable[[Callable[[], None]], Driver],
        state: Engine,
        *,
        tick_ms: int,
        deliver: Callable[[list[Completion]], None],
        fatal: Callable[[BaseException], None],
        maintain: Callable[[], None],
    ) -> None:
        """Prepare the thread.

        Args:
            make_driver: makes the driver, given what it calls to wait for disk space.
            state: the engine that is synced before a log is compacted.
            tick_ms: length of a Raft tick, milliseconds.
            deliver: takes completions, on this thread.
            fatal: takes the error that ended the driver; the node must stop at once.
            maintain: called twice a second on the second thread: clean-up that is not part of the replicated state.
        """
        self.driver = make_driver(self._wait_for_space)
        self._state = state
        self._tick_s = tick_ms / 1000
        self._deliver = deliver
        self._fatal = fatal
        self._maintain = maintain
        self._inbox: queue.SimpleQueue[_Propose | _Barrier | _Compact | _Stop] = queue.SimpleQueue()
        self._stopping = threading.Event()
        self._syncer = ThreadPoolExecutor(1, "state-sync")
        self._sync: Future[None] | None = None
        self._thread = threading.Thread(target=self._run, name="replication", daemon=True)

    def start(self) -> None:
        """Start turning. Leaders of groups with one voter are elected before this returns."""
        completions = self.driver.start()
        assert not completions, "nobody can wait for anything yet"
        self._thread.start()

    def propose(self, group: int, command: bytes, handle: object) -> None:
        """Queue an encoded command; its end is delivered under `handle`."""
        self._inbox.put(_Propose(group, Proposal(command, handle)))

    def barrier(self, group: int, handle: object) -> None:
        """Queue a read barrier.

        Delivered when this node has proved that it leads and has applied what was acknowledged.
        """
        self._inbox.put(_Barrier(group, handle))

    def stop(self) -> None:
        """Finish what was queued, and return when the thread has ended.

        What then still waits is delivered as unknown.
        """
        self._stopping.set()
        self._inbox.put(_Stop())
        if self._thread.is_alive():
            self._thread.join()
        self._syncer.shutdown(wait=True)

    def _run(self) -> None:
        try:
            self._loop()
        except _StopRequested:
            self._deliver(self.driver.broken_off() + self.driver.abandon(Work(), Stopped()))
        except BaseException as error:
            self._fatal(error)

    def _loop(self) -> None:
        now_s = time.monotonic()
        next_tick_s = now_s + self._tick_s
        next_maintenance_s = now_s + _MAINTENANCE_S
        last_write_s = now_s
        while True:
            work, compact, stop = self._collect(max(next_tick_s - time.monotonic(), 0))
            now_s = time.monotonic()
            if now_s >= next_tick_s:
                work.ticks = 1  # after a pause of the process, time that nobody could use is not made up for
                next_tick_s = now_s + self._tick_s
            if work.proposals:
                last_write_s = now_s
            completions = self.driver.turn(work)
            if completions or work.proposals:
                self._deliver(completions)  # even if nobody waits any more, the metadata may have changed
            if compact:
                self.driver.compact(compact)
            if stop:
                leftover = self.driver.abandon(Work(), Stopped())
                if leftover:
                    self._deliver(leftover)
                return
            if now_s >= next_maintenance_s:
                next_maintenance_s = now_s + _MAINTENANCE_S
                self._start_maintenance(idle=now_s - last_write_s > _IDLE_AFTER_S)

    def _collect(self, timeout_s: float) -> tuple[Work, dict[int, int], bool]:
        """Wait for something to do, then take all there is."""
        work, compact, stop = Work(), {}, False
        try:
            item = self._inbox.get(timeout=timeout_s) if timeout_s else self._inbox.get_nowait()
            while True:
                if isinstance(item, _Propose):
                    queued = work.proposals.get(item.group)
                    if queued is None:
                        work.proposals[item.group] = [item.proposal]
                    else:
                        queued.append(item.proposal)
                elif isinstance(item, _Barrier):
                    work.barriers.append((item.group, item.handle))
                elif isinstance(item, _Compact):
                    compact = item.due
                else:
                    stop = True
                item = self._inbox.get_nowait()
        except queue.Empty:
            return work, compact, stop

    def _start_maintenance(self, *, idle: bool) -> None:
        if self._sync is not None:
            if not self._sync.done():
                return
            self._sync.result()  # an error of the sync stops the node, as any error here does
        due = self.driver.compaction_due(idle=idle)
        self._sync = self._syncer.submit(self._maintenance, due)

    def _maintenance(self, due: dict[int, int]) -> None:
        with suppress(DiskFull):  # nothing of it took effect, and the next round tries again
            self._maintain()
        if due:
            self._state.sync()
            self._inbox.put(_Compact(due))

    def _wait_for_space(self) -> None:
        """Refuse what is queued, give up on what was proposed, and let a moment pass.

        Called by the driver in its turn.
        """
        work, _, stop = self._collect(0)
        abandoned = self.driver.abandon(work, Stalled())
        if abandoned:
            self._deliver(abandoned)
        if stop or self._stopping.wait(_SPACE_CHECK_S):
            raise _StopRequested
