"""Snapshots over the wires of a node: a task for each that leaves, handlers for those that come, and what they share.

    Raft thread           main loop                       threads of its own
    request  -> Pins
    outgoing ------------> task: Sender -> throttle -> PeerCalls      reads chunks (one thread)
                          handlers  <-  PeerCalls                     lays chunks down (one thread)
    install, destroy      <- deliver                                  gives space back (one thread)

The only part of the package with an event loop. What is said, and when, is `sender`'s and `receiver`'s.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Final, Literal, Protocol

import themis_raft
from themis_server.clock import Clock
from themis_server.errors import ErrorCode, ThemisServerError, shutting_down
from themis_server.observability.log import get_logger
from themis_server.peer.errors import PeerFailed, PeerRefused
from themis_server.peer.identity import Identity, PeerAddress
from themis_server.replication.log import HardState
from themis_server.replication.ports import Provided, Staged
from themis_server.replication.snapshot.destroy import destroy, reclaim
from themis_server.replication.snapshot.install import install
from themis_server.replication.snapshot.manifest import Malformed
from themis_server.replication.snapshot.pins import Pin, Pins
from themis_server.replication.snapshot.receiver import Deliver, Receiver
from themis_server.replication.snapshot.sender import Sender
from themis_server.replication.snapshot.source import Source
from themis_server.replication.snapshot.staging import StagedSnapshot
from themis_server.replication.snapshot.throttle import Throttle
from themis_server.storage.engine import Engine, ViewLost

_METHOD: Final = "snap."
_EXPIRE_EVERY_S: Final = 1.0
_RETRY_FIRST_S: Final = 0.1
_RETRY_MAX_S: Final = 2.0
_log = get_logger(__name__)


class Calls(Protocol):
    """Calls to other nodes: `PeerCalls`."""

    async def call(
        self,
        to: PeerAddress,
        method: str,
        payload: bytes,
        *,
        timeout_s: float,
        lane: Literal["calls", "bulk"] = "calls",
    ) -> bytes:
        """Return the answer; raises `PeerFailed` or `PeerRefused`."""
        ...


@dataclass(frozen=True)
class TransferLimits:
    """How fast, how many, and how patient. The first three are settings of [raft]."""

    chunk_bytes: int = 1 << 20
    bytes_per_s: int = 64 << 20
    snapshots_max: int = 4
    call_timeout_s: float = 10.0
    stall_s: float = 30.0
    """A transfer that got nowhere for so long has failed; so has one that waited so long for its turn."""
    linger_s: float = 10.0
    """How long a state is kept pinned for a further replica that needs it."""
    idle_s: float = 60.0
    """A snapshot of which nothing came for so long is removed."""


@dataclass
class TransferCounts:
    """What was done since the start, for metrics."""

    sent: int = 0
    sent_bytes: int = 0
    failed: int = 0
    received: int = 0
    received_bytes: int = 0
    installed: int = 0


class SnapshotTransfers:
    """The `Snapshots` of a node's driver. Make it on the main loop; see each method for its thread."""

    def __init__(
        self,
        log: Engine,
        state: Engine,
        calls: Calls,
        address: Callable[[int], PeerAddress | None],
        clock: Clock,
        limits: TransferLimits,
        *,
        name_prefix: str,
        sent: Callable[[int, int, bool], None],
        released: Callable[[int, bytes], None],
        deliver: Deliver,
        wanted: Callable[[int], bool] = lambda group: True,
        room: Callable[[], bool] = lambda: True,
    ) -> None:
        """Connect the parts.

        Args:
            log: the raft/ database.
            state: the data/ database, as the driver writes to it (so that caches hear of it).
            calls: to other nodes.
            address: where the node with a Raft id is; None: not known.
            clock: the time.
            limits: bounds.
            name_prefix: of the contents made here: `Pins`.
            sent: takes (group, to, whether it arrived): `Driver.snapshot_sent`, by way of its thread.
            released: takes (group, manifest) of a state that cannot be sent any more: `Driver.snapshot_released`.
            deliver: takes what arrived whole: `DriverThread.snapshot`. Called on a thread of this class.
            wanted: whether this node has a replica of a group. Called on a thread of this class.
            room: whether the disk has space for more. Likewise.
        """
        self.counts = TransferCounts()
        self._log = log
        self._state = state
        self._calls = calls
        self._address = address
        self._limits = limits
        self._sent = sent
        self._released = released
        self._deliver = deliver
        self._loop = asyncio.get_running_loop()
        self._pins = Pins(state, clock, prefix=name_prefix, pins_max=limits.snapshots_max, linger_s=limits.linger_s)
        self._receiver = Receiver(
            state,
            clock,
            self._arrived,
            incoming_max=limits.snapshots_max,
            idle_s=limits.idle_s,
            wanted=wanted,
            room=room,
        )
        self._clock = clock
        self._throttle = Throttle(limits.bytes_per_s, clock)
        self._slots = asyncio.Semaphore(limits.snapshots_max)
        self._reading = ThreadPoolExecutor(1, "snapshot-read")
        self._receiving = ThreadPoolExecutor(1, "snapshot-receive")
        self._reclaiming = ThreadPoolExecutor(1, "snapshot-reclaim")
        self._tasks: dict[tuple[int, int], asyncio.Task[str]] = {}
        self._expiring: asyncio.Task[None] | None = None
        self._closed = False

    # For the driver, on its thread

    def request(self, group: int, to: int, lowest_index: int, membership: bytes) -> Provided | None:
        """Pin the group's state for replica `to`, or return the one that is pinned; None: not now."""
        return None if self._closed else self._pins.request(group, lowest_index, membership)

    def outgoing(self, group: int, to: int, message: bytes, manifest: bytes) -> None:
        """Send a content to replica `to`, and the Raft message last; `sent` is told how that ended."""
        pin = self._pins.acquire(group, manifest)
        if pin is None or self._closed:
            self._released(group, manifest)
            self._sent(group, to, False)
        else:
            self._loop.call_soon_threadsafe(self._start, to, message, pin)

    def install(
        self, group: int, staged: Staged, snapshot: themis_raft.Snapshot, hard_state: HardState
    ) -> Iterator[None]:
        """Return the slices of an installation; see `install.install`."""
        assert isinstance(staged, StagedSnapshot), "only what was received here is installed here"
        slices = install(self._log, self._state, group, staged, snapshot, hard_state)
        return self._counted(staged, slices)

    def _counted(self, staged: StagedSnapshot, slices: Iterator[None]) -> Iterator[None]:
        started_s = self._clock.monotonic_s()
        yield from slices
        self.counts.installed += 1
        _log.info(
            "snapshot.installed",
            group=staged.manifest.group,
            index=staged.manifest.index,
            bytes=staged.totals.size_bytes,
            took_s=round(self._clock.monotonic_s() - started_s, 3),
        )

    def destroy(self, group: int, hard_state: HardState) -> Iterator[None]:
        """Return the slices of a removal; see `destroy.destroy`. The disk gets the space back some time after."""
        for released in self._pins.forget(group):
            self._released(*released)
        self._later(self._receiving, partial(self._receiver.forget, group))
        yield from destroy(self._log, self._state, group, hard_state)
        self._later(self._reclaiming, partial(reclaim, self._state, group))

    def discard(self, staged: Staged) -> None:
        """Remove a content that Raft had no use for."""
        assert isinstance(staged, StagedSnapshot), "only what was received here is discarded here"
        self._later(self._receiving, partial(self._state.discard_load, staged.load))

    def _later(self, executor: ThreadPoolExecutor, tidy: Callable[[], None]) -> None:
        if not self._closed:
            executor.submit(tidy).add_done_callback(_complain)

    # On the main loop

    def start(self) -> None:
        """Begin to look after what is abandoned."""
        self._expiring = asyncio.create_task(self._expire(), name="snapshots-expire")

    async def close(self) -> None:
        """End every transfer and release every view: after the driver stopped, before the databases are closed.

        Idempotent.
        """
        if self._closed:
            return
        self._closed = True
        tasks: list[asyncio.Task[str] | asyncio.Task[None]] = list(self._tasks.values())
        if self._expiring is not None:
            tasks.append(self._expiring)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._receiving.submit(self._receiver.abandon)
        for executor in (self._reading, self._receiving, self._reclaiming):
            await asyncio.to_thread(executor.shutdown)
        self._pins.release_all()

    @property
    def outgoing_count(self) -> int:
        """How many snapshots are being sent, or wait for it."""
        return len(self._tasks)

    def handlers(self) -> Mapping[str, Callable[[Identity, bytes], Awaitable[bytes]]]:
        """Return the methods that other nodes call, for lane "bulk"."""
        return {_METHOD + verb: partial(self._handle, verb) for verb in ("begin", "chunk", "end")}

    async def _handle(self, verb: str, peer: Identity, payload: bytes) -> bytes:
        if self._closed:
            raise shutting_down()
        try:
            return await self._loop.run_in_executor(self._receiving, self._receiver.handle, verb, peer.raft_id, payload)
        except Malformed as error:
            raise ThemisServerError(ErrorCode.INVALID_BODY, f"snap.{verb} does not decode: {error}") from error

    def _arrived(self, group: int, sender: int, message: bytes, staged: StagedSnapshot) -> None:
        self.counts.received += 1
        self.counts.received_bytes += staged.totals.size_bytes
        _log.info("snapshot.received", group=group, index=staged.manifest.index, bytes=staged.totals.size_bytes)
        self._deliver(group, sender, message, staged)

    def _start(self, to: int, message: bytes, pin: Pin) -> None:
        if self._closed:
            self._pins.done(pin)
            return
        key = pin.manifest.group, to
        older = self._tasks.pop(key, None)
        if older is not None:
            older.cancel()
        sender = Sender(Source(pin.view, pin.manifest, self._limits.chunk_bytes), message)
        task = asyncio.create_task(self._run(sender, to), name=f"snapshot-{key[0]}-to-{to}")
        self._tasks[key] = task
        # Not in the task: one that is cancelled before its first step never enters it.
        task.add_done_callback(lambda ended: self._ended(ended, to, sender, pin))

    async def _run(self, sender: Sender, to: int) -> str:
        """Wait for a turn and bring a content to its end; return why it failed, empty where it did not."""
        try:
            async with asyncio.timeout(self._limits.stall_s):
                await self._slots.acquire()
        except TimeoutError:
            return "other snapshots took too long"
        try:
            return await self._lead(sender, to)
        except ViewLost as error:
            return str(error)
        finally:
            self._slots.release()

    def _ended(self, task: asyncio.Task[str], to: int, sender: Sender, pin: Pin) -> None:
        self._pins.done(pin)
        group, manifest = pin.manifest.group, pin.provided.manifest
        if self._tasks.get((group, to)) is not task:
            return  # another one took its place, which will be told of
        del self._tasks[group, to]
        if sender.succeeded:
            self.counts.sent += 1
            _log.info("snapshot.sent", group=group, index=pin.manifest.index, to=to, chunks=sender.progress)
        else:
            self.counts.failed += 1
            why = "the node stops" if task.cancelled() else str(task.exception() or task.result())
            _log.warning("snapshot.failed", group=group, index=pin.manifest.index, to=to, why=why)
            if not self._pins.offers(group, manifest):
                self._released(group, manifest)
        self._sent(group, to, sender.succeeded)

    async def _lead(self, sender: Sender, to: int) -> str:
        """Bring a content to its end; return why it failed, empty where it did not."""
        retry_s = _RETRY_FIRST_S
        progress, give_up_s = 0, self._clock.monotonic_s() + self._limits.stall_s
        while True:
            verb, payload = await self._loop.run_in_executor(self._reading, sender.request)
            await asyncio.sleep(self._throttle.take(len(payload)))
            why = await self._say(sender, to, verb, payload)
            if sender.ended:
                return sender.failure
            now_s = self._clock.monotonic_s()
            if sender.progress > progress:
                progress, give_up_s = sender.progress, now_s + self._limits.stall_s
                retry_s = _RETRY_FIRST_S
            elif now_s >= give_up_s:
                return why or "no chunk arrived for too long"
            if why:
                await asyncio.sleep(retry_s)
                retry_s = min(2 * retry_s, _RETRY_MAX_S)

    async def _say(self, sender: Sender, to: int, verb: str, payload: bytes) -> str:
        """Make one call; return what went wrong with it."""
        address = self._address(to)
        if address is None:
            sender.lost()
            return "it is not known where the node is"
        try:
            answer = await self._calls.call(
                address, _METHOD + verb, payload, timeout_s=self._limits.call_timeout_s, lane="bulk"
            )
        except (PeerFailed, PeerRefused) as error:
            sender.lost()
            return str(error)
        self.counts.sent_bytes += len(payload)
        return sender.answered(answer)

    async def _expire(self) -> None:
        while True:
            await asyncio.sleep(_EXPIRE_EVERY_S)
            for released in self._pins.expire():
                self._released(*released)
            await self._loop.run_in_executor(self._receiving, self._receiver.expire)


def _complain(tidied: Future[None]) -> None:
    error = None if tidied.cancelled() else tidied.exception()
    if error is not None:
        _log.warning("snapshot.tidy_failed", why=str(error))
