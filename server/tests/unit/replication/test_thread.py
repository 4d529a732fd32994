"""The thread around the driver. Nothing here sleeps: each test waits for a delivery or polls with a deadline."""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest

from server.tests.unit.replication.turning import GROUP, Notes, putting, stored, succeeded
from themis_server.clock import SystemClock
from themis_server.replication import thread as thread_module
from themis_server.replication.driver import Driver, DriverLimits
from themis_server.replication.envelope import Envelope, MalformedEnvelope, encode
from themis_server.replication.group import Completion, Group, NotLeader, OutcomeUnknown, RaftTiming, Stalled, Stopped
from themis_server.replication.log import Log
from themis_server.replication.thread import DriverThread
from themis_server.replication.work import Work
from themis_server.statemachine.command import Result
from themis_server.statemachine.data import DataMachine
from themis_server.storage.engine import DiskFull, EngineError
from themis_server.storage.memory import MemoryEngine

DEADLINE_S = 10.0


class Running:
    """A driver thread on two memory engines; keeps what it delivers and what ended it."""

    def __init__(
        self, limits: DriverLimits, maintain: Callable[[], None], tick_ms: int = 5, **engines: MemoryEngine
    ) -> None:
        self.log, self.state = engines.get("log", MemoryEngine()), engines.get("state", MemoryEngine())
        self.delivered: dict[object, object] = {}
        self.notes = Notes()
        self.fatal: queue.SimpleQueue[BaseException] = queue.SimpleQueue()
        self._arrived = threading.Condition()
        self.waiting = 0
        """How many the thread is told that wait."""
        self.group = Group(GROUP, 1, [1], DataMachine(GROUP, self.state), None, RaftTiming())
        self.thread = DriverThread(
            lambda wait_for_space: Driver(
                Log(self.log),
                self.state,
                [self.group],
                SystemClock(),
                self.notes,
                limits,
                wait_for_space=wait_for_space,
            ),
            self.state,
            tick_ms=tick_ms,
            deliver=self._deliver,
            fatal=self.fatal.put,
            maintain=maintain,
            waiting=lambda: self.waiting,
        )

    def _deliver(self, completions: list[Completion]) -> None:
        with self._arrived:
            for handle, result in completions:
                assert handle not in self.delivered, f"{handle!r} was answered twice"
                self.delivered[handle] = result
            self._arrived.notify_all()

    def put(self, number: int) -> None:
        self.thread.propose(GROUP, putting(number), number)

    def result(self, handle: object) -> object:
        """Wait for what became of a handle."""
        with self._arrived:
            assert self._arrived.wait_for(lambda: handle in self.delivered, DEADLINE_S), f"{handle!r} got no answer"
            return self.delivered[handle]


def until(reached: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + DEADLINE_S
    while not reached():
        assert time.monotonic() < deadline_s, "it did not come to pass in time"
        threading.Event().wait(0.002)


Start = Callable[..., Running]


@pytest.fixture
def start(monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    """Start driver threads; maintenance and the look for disk space come round quickly. All are stopped afterwards."""
    monkeypatch.setattr(thread_module, "_MAINTENANCE_S", 0.01)
    monkeypatch.setattr(thread_module, "_SPACE_CHECK_S", 0.01)
    started: list[Running] = []

    def make(
        limits: DriverLimits | None = None,
        maintain: Callable[[], None] = lambda: None,
        tick_ms: int = 5,
        **engines: MemoryEngine,
    ) -> Running:
        running = Running(limits or DriverLimits(), maintain, tick_ms, **engines)
        running.thread.start()
        started.append(running)
        return running

    yield make
    for running in started:
        running.log.full = running.state.full = False
        running.thread.stop()
        assert not running.thread._thread.is_alive()


def test_the_only_voter_leads_when_start_returns(start: Start) -> None:
    assert start().group.is_leader


def test_a_proposal_is_answered(start: Start) -> None:
    running = start()

    running.put(1)

    assert succeeded(running.result(1))
    assert stored(running.state, 1) == b"{}"


def test_proposals_of_many_threads_are_answered_each_once(start: Start) -> None:
    running = start()

    def propose(first: int) -> None:
        for number in range(first, first + 100):
            running.put(number)

    proposers = [threading.Thread(target=propose, args=(first,)) for first in range(0, 400, 100)]
    for proposer in proposers:
        proposer.start()
    for proposer in proposers:
        proposer.join()

    assert all(succeeded(running.result(number)) for number in range(400))
    assert sum(running.notes.log_writes) <= 400


def looked_up(running: Running) -> None:
    """Let the loop look at what was asked for before."""
    came_round = threading.Event()
    running.thread.loop.call_soon_threadsafe(came_round.set)
    assert came_round.wait(DEADLINE_S)


def test_while_many_wait_what_arrives_shares_the_next_turn(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(thread_module, "_GATHER_S", 0.2)
    running = start(tick_ms=10_000)
    running.waiting = 8

    running.put(1)
    assert succeeded(running.result(1))
    before = sum(running.notes.log_writes)
    for number in (2, 3, 4):
        running.put(number)
        looked_up(running)

    assert all(succeeded(running.result(number)) for number in (2, 3, 4))
    assert sum(running.notes.log_writes) - before == 1


def test_while_few_wait_a_turn_begins_at_once(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(thread_module, "_GATHER_S", DEADLINE_S)
    running = start(tick_ms=10_000)
    running.waiting = 7

    for number in range(20):
        running.put(number)
        assert succeeded(running.result(number))


def test_followers_are_told_what_is_committed_without_waiting_for_a_tick(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = threading.Event()
    turn = Driver.turn

    def watched(driver: Driver, work: Work) -> list[Completion]:
        if work.tell_commits:
            told.set()
        return turn(driver, work)

    monkeypatch.setattr(Driver, "turn", watched)
    monkeypatch.setattr(Driver, "has_commits_to_tell", property(lambda _driver: not told.is_set()))
    running = start(tick_ms=60_000)

    running.put(1)

    assert told.wait(DEADLINE_S)


def test_a_read_barrier_is_answered(start: Start) -> None:
    running = start()

    running.thread.barrier(GROUP, "read")

    assert running.result("read") is None


def test_stop_finishes_what_was_queued(start: Start) -> None:
    running = start()
    for number in range(200):
        running.put(number)

    running.thread.stop()

    assert len(running.delivered) == 200
    assert all(map(succeeded, running.delivered.values()))


def test_stop_is_harmless_when_nothing_was_started(monkeypatch: pytest.MonkeyPatch) -> None:
    Running(DriverLimits(), lambda: None).thread.stop()


def test_stopping_twice_is_stopping_once(start: Start) -> None:
    running = start()

    running.thread.stop()
    running.thread.stop()


def test_an_error_of_the_log_ends_the_node(start: Start) -> None:
    def fail() -> None:
        raise EngineError("the disk failed")

    running = start()
    running.put(1)
    assert succeeded(running.result(1))

    running.log.sync = fail  # type: ignore[method-assign]
    running.put(2)

    assert isinstance(running.fatal.get(timeout=DEADLINE_S), EngineError)
    assert 2 not in running.delivered  # nobody is told that it was written


def test_a_bug_ends_the_node_too(start: Start) -> None:
    running = start()

    def fail(*arguments: object) -> list[Result]:
        raise KeyError("a bug")

    running.group.machine.apply = fail  # type: ignore[method-assign, assignment]
    running.put(1)

    assert isinstance(running.fatal.get(timeout=DEADLINE_S), KeyError)


def test_a_group_that_is_not_here_has_no_leader_here(start: Start) -> None:
    running = start()

    running.thread.propose(99, b"", "a write")
    running.thread.barrier(99, "a read")

    assert isinstance(running.result("a write"), NotLeader)
    assert isinstance(running.result("a read"), NotLeader)


def test_a_log_that_is_long_is_compacted_after_the_state_was_synced(start: Start) -> None:
    running = start(DriverLimits(compact_entries=5))

    for number in range(10):
        running.put(number)
        running.result(number)

    until(lambda: running.thread.driver.status()[0].log_entries < 5)
    assert running.state.syncs > 0
    running.thread.stop()
    running.state.crash()
    assert stored(running.state, 0) == b"{}"


def test_a_sync_of_the_state_that_fails_ends_the_node(start: Start) -> None:
    running = start(DriverLimits(compact_entries=1))

    def fail() -> None:
        raise EngineError("the disk failed")

    running.state.sync = fail  # type: ignore[method-assign]
    running.put(1)

    assert isinstance(running.fatal.get(timeout=DEADLINE_S), EngineError)


def test_clean_up_comes_round_and_its_errors_end_the_node(start: Start) -> None:
    rounds: list[int] = []

    def maintain() -> None:
        rounds.append(1)
        if len(rounds) == 3:
            raise EngineError("the disk failed")

    running = start(maintain=maintain)

    assert isinstance(running.fatal.get(timeout=DEADLINE_S), EngineError)
    assert len(rounds) == 3


def test_clean_up_that_finds_no_space_is_tried_again_later(start: Start) -> None:
    rounds: list[int] = []

    def maintain() -> None:
        rounds.append(1)
        if len(rounds) < 3:
            raise DiskFull("no space for a deletion either")

    running = start(maintain=maintain)

    until(lambda: len(rounds) > 4)
    running.put(1)
    assert succeeded(running.result(1))
    assert running.fatal.empty()


# A full disk


def test_a_full_log_refuses_new_writes_at_once_and_goes_on_when_there_is_space(start: Start) -> None:
    running = start()
    running.log.full = True
    running.put(1)
    assert isinstance(running.result(1), OutcomeUnknown)

    running.put(2)
    assert isinstance(running.result(2), Stalled)

    running.log.full = False
    until(lambda: running.notes.stalls == [True, False])
    running.put(3)
    assert succeeded(running.result(3))
    assert [stored(running.state, number) for number in (1, 2, 3)] == [b"{}", None, b"{}"]


def test_a_full_state_holds_the_acknowledgement_back(start: Start) -> None:
    running = start()
    running.state.full = True
    running.put(1)
    until(lambda: running.notes.stalls == [True])
    running.put(2)
    assert isinstance(running.result(2), Stalled)
    assert 1 not in running.delivered

    running.state.full = False

    assert succeeded(running.result(1))
    assert stored(running.state, 1) == b"{}"


@pytest.mark.parametrize("disk", ["log", "state"])
def test_a_node_stops_during_a_stall_and_answers_everybody_once(start: Start, disk: str) -> None:
    running = start()
    getattr(running, disk).full = True
    running.put(1)
    running.thread.barrier(GROUP, "read")
    until(lambda: running.notes.stalls == [True])

    running.thread.stop()

    assert running.delivered.keys() == {1, "read"}
    # The log holds it durably if it was the state that found no space: then it will be there after a restart.
    assert succeeded(running.delivered[1]) is (disk == "state")
    assert running.fatal.empty()


# The Raft loop, and other nodes


def test_a_call_is_made_with_the_driver_between_two_turns(start: Start) -> None:
    running = start()
    running.put(1)

    assert running.thread.call(lambda driver: driver.groups[GROUP].raft.commit).result(DEADLINE_S) >= 2

    def fail(driver: Driver) -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        running.thread.call(fail).result(DEADLINE_S)
    running.put(2)
    assert succeeded(running.result(2))


def test_a_call_after_the_end_is_refused(start: Start) -> None:
    running = start()
    running.thread.stop()

    with pytest.raises(Stopped):
        running.thread.call(lambda driver: driver.status()).result(DEADLINE_S)


def test_streams_live_on_the_loop_and_are_closed_with_it(start: Start) -> None:
    running = start()
    noted: list[str] = []

    async def stream() -> None:
        noted.append(threading.current_thread().name)
        try:
            await asyncio.Event().wait()
        finally:
            noted.append("ended")

    async def begin() -> asyncio.Task[None]:
        task = asyncio.create_task(stream())
        await asyncio.sleep(0)
        return task

    async def close() -> None:
        noted.append("closed")

    running.thread.on_stop(close)
    task = running.thread.run(begin()).result(DEADLINE_S)
    running.thread.stop()

    assert noted == ["replication", "closed", "ended"]
    assert task.done()


def test_what_peers_say_is_taken_and_nonsense_is_refused_where_it_arrives(start: Start) -> None:
    running = start()
    thread = running.thread

    async def hear(payload: bytes) -> None:
        thread.connected(2, 1)
        thread.envelope(2, payload)
        thread.disconnected(2)

    thread.run(hear(encode(Envelope([(77, [b"?"])])))).result(DEADLINE_S)
    until(lambda: thread.driver.counters.unknown_group == 1)
    with pytest.raises(MalformedEnvelope):
        thread.run(hear(b"\xff")).result(DEADLINE_S)

    running.put(1)
    assert succeeded(running.result(1))


class Wire:
    """Carries envelopes between two driver threads, from loop to loop."""

    def __init__(self, sender: int, threads: dict[int, DriverThread]) -> None:
        self._sender = sender
        self._threads = threads

    def send(self, to: int, envelope: bytes) -> None:
        thread = self._threads[to]
        with suppress(RuntimeError):  # that node has stopped
            thread.loop.call_soon_threadsafe(thread.envelope, self._sender, envelope)


class Trio:
    """Three nodes with a thread each."""

    def __init__(self) -> None:
        self.delivered: dict[object, object] = {}
        self.fatal: queue.SimpleQueue[BaseException] = queue.SimpleQueue()
        self.threads: dict[int, DriverThread] = {}
        for node in (1, 2, 3):
            self.threads[node] = self._thread(node)
        for thread in self.threads.values():
            thread.start()

    def _thread(self, node: int) -> DriverThread:
        log, state = MemoryEngine(), MemoryEngine()
        groups = [Group(g, node, [1, 2, 3], DataMachine(g, state), None, RaftTiming(tick_s=0.01)) for g in (1, 2, 3, 4)]
        return DriverThread(
            lambda wait: Driver(
                Log(log), state, groups, SystemClock(), Notes(), DriverLimits(), Wire(node, self.threads), wait
            ),
            state,
            tick_ms=10,
            deliver=lambda done: self.delivered.update(dict(done)),
            fatal=self.fatal.put,
            maintain=lambda: None,
        )

    def leader(self, group: int) -> int:
        found: list[int] = []

        def leads() -> bool:
            found[:] = [node for node, thread in self.threads.items() if thread.views[group].is_leader]
            return bool(found)

        until(leads)
        return found[0]

    def stop(self) -> None:
        for thread in self.threads.values():
            thread.stop()
        assert self.fatal.empty()


def test_three_threads_replicate_and_one_that_stops_hands_over_first() -> None:
    trio = Trio()
    try:
        for group in (1, 2, 3, 4):
            trio.threads[trio.leader(group)].propose(group, putting(group), ("write", group))
        until(lambda: len(trio.delivered) == 4)
        assert all(succeeded(result) for result in trio.delivered.values())
        stopping = trio.leader(1)
        others = [thread for node, thread in trio.threads.items() if node != stopping]

        trio.threads[stopping].stop(transfer=True)

        assert not any(view.is_leader for view in trio.threads[stopping].views.values())
        assert all(any(thread.views[group].is_leader for thread in others) for group in (1, 2, 3, 4))
    finally:
        trio.stop()


def test_the_version_that_a_stream_was_greeted_with_reaches_the_driver(start: Start) -> None:
    running = start()

    async def meet() -> None:
        running.thread.connected(2, 5)

    running.thread.run(meet()).result(DEADLINE_S)
    until(lambda: running.thread.driver.version_with(2) == 5)
