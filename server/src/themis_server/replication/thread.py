"""The thread that turns the driver: an event loop of its own, which wakes for work, counts ticks, and carries the
streams to and from the other nodes.

It is the only place where replication meets threads. What is asked for from other threads comes in through a queue, one
wake-up for all that gathers; what became of it goes out through `deliver`, once a turn. A sync of the log blocks this
loop on purpose: what arrives meanwhile shares the next one. Nothing else may block it, so a second thread syncs the
state before a log is compacted, which may take long.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import Any, NamedTuple, TypeVar

import uvloop

from themis_server.replication.driver import Driver
from themis_server.replication.group import Completion, Proposal, Stalled, Stopped
from themis_server.replication.ports import Staged
from themis_server.replication.views import GroupView
from themis_server.replication.work import Arrived, Work
from themis_server.storage.engine import DiskFull, Engine

_SPACE_CHECK_S = 0.2
_MAINTENANCE_S = 0.5
_IDLE_AFTER_S = 2.0
_HAND_OVER_S = 2.0
_HAND_OVER_CHECK_S = 0.01
_TELL_S = 0.01
"""Followers hear within twice this what is committed, also where no entries follow."""
_GATHER_S = 0.002
_GATHER_FROM = 8
"""While so many wait for writes here, turns begin at least that far apart: what arrives meanwhile shares the
next one, which costs hardly more for it. With fewer a turn begins as soon as anything arrives."""
T = TypeVar("T")


class _Propose(NamedTuple):
    group: int
    proposal: Proposal


class _Barrier(NamedTuple):
    group: int
    handle: object


class _Refresh(NamedTuple):
    pass


class _Call(NamedTuple):
    function: Callable[[Driver], Any]
    future: Future[Any]
    reads: bool = False
    """It changes nothing, so it may be called in the middle of a turn."""


class _Compact(NamedTuple):
    due: dict[int, int]


class _StopRequested(Exception):
    """Leaves the wait for disk space when the node is to stop."""


class DriverThread:
    """Owns the driver once started. Every public method may be called from any thread, unless it says otherwise."""

    def __init__(
        self,
        make_driver: Callable[[Callable[[], None]], Driver],
        state: Engine,
        *,
        tick_ms: int,
        deliver: Callable[[list[Completion]], None],
        fatal: Callable[[BaseException], None],
        maintain: Callable[[], None],
        waiting: Callable[[], int] = lambda: 0,
    ) -> None:
        """Prepare the thread.

        Args:
            make_driver: makes the driver, given what it calls to wait for disk space.
            state: the engine that is synced before a log is compacted.
            tick_ms: length of a Raft tick, milliseconds.
            deliver: takes completions, on this thread.
            fatal: takes the error that ended the driver; the node must stop at once.
            maintain: called twice a second on the second thread: clean-up that is not part of the replicated state.
            waiting: returns how many proposals of this node have not ended; called on this thread.
        """
        self.loop: asyncio.AbstractEventLoop = uvloop.new_event_loop()
        """The loop that everything of Raft happens on."""
        self.driver = make_driver(self._wait_for_space)
        self._state = state
        self._tick_s = tick_ms / 1000
        self._deliver = deliver
        self._fatal = fatal
        self._maintain = maintain
        self._waiting = waiting
        self._inbox: deque[_Propose | _Barrier | _Refresh | _Call | _Compact | Arrived] = deque()
        self._work = Work()
        self._woken = False
        self._again = False
        self._gathering = False
        self._gathered = False
        self._telling = False
        self._failed = False
        self._hidden = False
        self._last_write_s = 0.0
        self._next_tick_s = 0.0
        self._next_maintenance_s = 0.0
        self._stopping = threading.Event()
        self._closers: list[Callable[[], Awaitable[None]]] = []
        self._syncer = ThreadPoolExecutor(1, "state-sync")
        self._sync: Future[None] | None = None
        self._thread = threading.Thread(target=self._run, name="replication", daemon=True)

    @property
    def views(self) -> Mapping[int, GroupView]:
        """What may be seen of each group without asking."""
        return self.driver.views

    def start(self) -> None:
        """Start turning. Leaders of groups with one voter are elected before this returns."""
        completions = self.driver.start()
        assert not completions, "nobody can wait for anything yet"
        self._thread.start()

    # From any thread

    def propose(self, group: int, command: bytes, handle: object) -> None:
        """Queue an encoded command; its end is delivered under `handle`."""
        self._inbox.append(_Propose(group, Proposal(command, handle)))
        self._wake()

    def barrier(self, group: int, handle: object) -> None:
        """Queue a read barrier.

        Delivered when this replica has applied everything that was acknowledged before, which its leader has proved.
        """
        self._inbox.append(_Barrier(group, handle))
        self._wake()

    def refresh(self) -> None:
        """Have the state of every replica proven anew, for reads to come: see `GroupView.fresh_at_s`."""
        self._inbox.append(_Refresh())
        self._wake()

    def call(self, function: Callable[[Driver], T]) -> Future[T]:
        """Have `function` called with the driver between two turns; it must be short."""
        future: Future[T] = Future()
        self._inbox.append(_Call(function, future))
        self._wake()
        return future

    def ask(self, function: Callable[[Driver], T]) -> Future[T]:
        """Do as `call`, with a function that only looks: it is called also while the disk is full."""
        future: Future[T] = Future()
        self._inbox.append(_Call(function, future, reads=True))
        self._wake()
        return future

    def snapshot(self, group: int, sender: int, message: bytes, staged: Staged) -> None:
        """Hand in a Raft message that speaks of a snapshot whose content is here."""
        self._inbox.append(Arrived(group, sender, message, staged))
        self._wake()

    def run(self, coroutine: Coroutine[Any, Any, T]) -> Future[T]:
        """Run a coroutine on the Raft loop: streams to other nodes are started there."""
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop)

    def on_stop(self, close: Callable[[], Awaitable[None]]) -> None:
        """Have `close` awaited on the Raft loop when it is about to end, and no more turn will come."""
        self._closers.append(close)

    def stop(self, *, transfer: bool = False) -> None:
        """Finish what was queued, and return when the thread has ended.

        With `transfer`, groups that others can lead are handed to them first, for at most two seconds. What then still
        waits is delivered as unknown.
        """
        if self._thread.is_alive() and not self._stopping.is_set():
            if transfer:
                self.hand_over()
            self._stopping.set()
            with suppress(RuntimeError):  # the loop has ended by itself
                self.loop.call_soon_threadsafe(self._finish)
        if self._thread.ident is not None:
            self._thread.join()
        elif not self.loop.is_closed():
            self.loop.close()
        self._syncer.shutdown(wait=True)

    def hand_over(self) -> None:
        """Give every group that another node can lead to it; return when that is done, or after two seconds.

        What is asked of this node meanwhile is still served.
        """
        deadline_s = time.monotonic() + _HAND_OVER_S
        left = self.call(_begin_hand_over)
        while self._answered(left) and time.monotonic() < deadline_s and not self._stopping.wait(_HAND_OVER_CHECK_S):
            left = self.call(_left_to_hand_over)

    def _answered(self, left: Future[int]) -> int:
        try:
            return left.result(timeout=_HAND_OVER_S)
        except (TimeoutError, Stopped):
            return 0

    def _wake(self) -> None:
        # Appended before it is looked at here, and reset before the queue is emptied: nothing stays behind.
        if not self._woken:
            self._woken = True
            try:
                self.loop.call_soon_threadsafe(self._on_wake)
            except RuntimeError:  # the loop has ended
                self._refuse_calls()

    # From the streams, on the Raft loop

    def envelope(self, sender: int, payload: bytes) -> None:
        """Take what a peer said. On the Raft loop only. Raises `MalformedEnvelope`."""
        self._work.add_envelope(sender, payload)
        self._turn_soon()

    def connected(self, peer: int, version: int) -> None:
        """A stream to a peer stands, on which this version of the protocol is spoken. On the Raft loop only."""
        self._work.connected.append((peer, version))
        self._turn_soon()

    def disconnected(self, peer: int) -> None:
        """A stream to or from a peer broke. On the Raft loop only."""
        self._work.disconnected.append(peer)
        self._turn_soon()

    def _turn_soon(self) -> None:
        if not self._again:
            self._again = True
            self.loop.call_soon(self._on_again)

    # The loop

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        now_s = self.loop.time()
        self._last_write_s = now_s
        self._next_tick_s = now_s + self._tick_s
        self._next_maintenance_s = now_s + _MAINTENANCE_S
        self.loop.call_at(self._next_tick_s, self._on_tick)
        if self._inbox:  # what was asked for before the start
            self.loop.call_soon(self._on_wake)
        try:
            self.loop.run_forever()
            self.loop.run_until_complete(self._close())
        finally:
            self._refuse_calls()
            self.loop.close()

    async def _close(self) -> None:
        for close in self._closers:
            await close()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _on_wake(self) -> None:
        if self._gathering:
            self._gathered = True  # and still woken: what is appended until the turn needs no wake-up of its own
            return
        self._woken = False
        if self._inbox:  # else an earlier turn has taken it
            self._turn()

    def _on_again(self) -> None:
        self._again = False
        if self._gathering:
            self._gathered = True
        else:
            self._turn()

    def _gather(self) -> None:
        self._gathering = True
        self.loop.call_later(_GATHER_S, self._on_gathered)  # since this iteration of the loop began: a turn ago

    def _on_gathered(self) -> None:
        self._gathering = False
        if self._gathered:
            self._gathered = self._woken = False
            self._turn()

    def _on_tell(self) -> None:
        self._telling = False
        self._work.tell_commits = True
        self._turn_soon()

    def _on_tick(self) -> None:
        now_s = self.loop.time()
        self._work.ticks = 1  # after a pause of the process, time that nobody could use is not made up for
        self._next_tick_s += self._tick_s
        if self._next_tick_s <= now_s:
            self._next_tick_s = now_s + self._tick_s
        self.loop.call_at(self._next_tick_s, self._on_tick)
        self._turn()
        if now_s >= self._next_maintenance_s:
            self._next_maintenance_s = now_s + _MAINTENANCE_S
            self._guarded(lambda: self._start_maintenance(idle=now_s - self._last_write_s > _IDLE_AFTER_S))

    def _turn(self) -> None:
        self._guarded(self._turn_once)

    def _guarded(self, step: Callable[[], None]) -> None:
        if self._failed:
            return
        try:
            step()
        except _StopRequested:
            self._failed = True
            self._deliver(self.driver.broken_off() + self.driver.abandon(Work(), Stopped()))
            self.loop.stop()
        except BaseException as error:
            self._failed = True
            self.loop.stop()
            self._fatal(error)

    def _turn_once(self) -> None:
        work, self._work = self._work, Work()
        calls, compact = self._collect(work)
        for call in calls:
            self._call(call)
        driver = self.driver
        if work.proposals:
            self._last_write_s = self.loop.time()
        completions = driver.turn(work)
        if completions or work.proposals or driver.applied_something:
            self._deliver(completions)  # even if nobody waits any more, the metadata may have changed
        if compact:
            driver.compact(compact)
        if self._hidden:
            self._hidden = False
            driver.show_leaders()
        if driver.has_more:
            self._turn_soon()
        if driver.has_commits_to_tell and not self._telling:
            self._telling = True
            self.loop.call_later(_TELL_S, self._on_tell)
        if not self._gathering and self._waiting() >= _GATHER_FROM:
            self._gather()

    def _collect(self, work: Work) -> tuple[list[_Call], dict[int, int]]:
        """Move what is queued into `work`; return what is not for the driver's turn."""
        calls: list[_Call] = []
        compact: dict[int, int] = {}
        inbox = self._inbox
        while inbox:
            item = inbox.popleft()
            if isinstance(item, _Propose):
                queued = work.proposals.get(item.group)
                if queued is None:
                    work.proposals[item.group] = [item.proposal]
                else:
                    queued.append(item.proposal)
            elif isinstance(item, _Barrier):
                work.barriers.append((item.group, item.handle))
            elif isinstance(item, _Refresh):
                work.refresh = True
            elif isinstance(item, Arrived):
                work.snapshots.append(item)
            elif isinstance(item, _Call):
                calls.append(item)
            else:
                compact = item.due
        return calls, compact

    def _call(self, call: _Call) -> None:
        if not call.future.set_running_or_notify_cancel():
            return
        try:
            result = call.function(self.driver)
        except Exception as error:
            call.future.set_exception(error)
        else:
            call.future.set_result(result)

    def _finish(self) -> None:
        """Take a last turn for what was queued, give up on the rest, and end the loop."""

        def last_turn() -> None:
            self._turn_once()
            leftover = self.driver.abandon(Work(), Stopped())
            if leftover:
                self._deliver(leftover)
            self._failed = True
            self.loop.stop()

        self._guarded(last_turn)

    def _refuse_calls(self) -> None:
        calls, _ = self._collect(Work())
        for call in calls:
            if call.future.set_running_or_notify_cancel():
                call.future.set_exception(Stopped())

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
            self._inbox.append(_Compact(due))
            self._wake()

    def _wait_for_space(self) -> None:
        """Refuse what is queued, give up on what was proposed, and let a moment pass.

        Called by the driver in its turn. What peers say meanwhile waits in the sockets, and they do not hear this node:
        others lead its groups soon.
        """
        self._hidden = True
        self.driver.hide_leaders()
        work = Work()
        calls, _ = self._collect(work)
        for call in calls:
            if call.reads:
                self._call(call)
            else:
                self._inbox.append(call)
        self._inbox.extend(work.snapshots)
        abandoned = self.driver.abandon(work, Stalled())
        if abandoned:
            self._deliver(abandoned)
        if self._stopping.wait(_SPACE_CHECK_S):
            raise _StopRequested


def _begin_hand_over(driver: Driver) -> int:
    driver.hand_over()
    return _left_to_hand_over(driver)


def _left_to_hand_over(driver: Driver) -> int:
    return driver.leads_elsewhere + driver.waits_for_entries
