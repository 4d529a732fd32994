"""Who waits for which proposal, and how many may."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Protocol

from themis_server.errors import ErrorCode, ThemisServerError
from themis_server.replication.group import Busy, Completion, NotLeader, OutcomeUnknown, Stalled, Stopped
from themis_server.shard.keeping import EVERY_S, Keeper
from themis_server.shard.proof import Together
from themis_server.shard.refusal import Reason, Refused
from themis_server.statemachine.command import Result
from themis_server.storage.keys import METADATA_GROUP

_SWEEP_S = 0.25
_TOO_MUCH = "too_much_in_flight"
"""The one kind of `Busy` that is a full queue, and not a leader on its way out."""


class Replication(Protocol):
    """What takes proposals and read barriers."""

    def propose(self, group: int, command: bytes, handle: object) -> None:
        """Queue an encoded command."""
        ...

    def barrier(self, group: int, handle: object) -> None:
        """Queue a read barrier."""
        ...

    def refresh(self) -> None:
        """Have the state of every replica proven anew, for reads to come."""
        ...


class _Room:
    """What is in flight of one kind."""

    __slots__ = ("count", "size_bytes", "writes")

    def __init__(self) -> None:
        self.count = 0
        self.writes = 0
        self.size_bytes = 0


class _Handle:
    __slots__ = ("deadline_s", "future", "room", "size")

    def __init__(self, future: asyncio.Future[Result | None], size: int, deadline_s: float, room: _Room) -> None:
        self.future = future
        self.room = room
        self.size = size
        """Bytes of the command; 0 for a read barrier."""
        self.deadline_s = deadline_s


class Pending:
    """The proposals in flight of this node. Belongs to the event loop.

    A full queue refuses (429) before memory grows. Those of the metadata have as much room again to themselves: a node
    with more writes than it can take must still keep its lease, or it would be replaced for being busy. Time-outs are
    looked after by one sweep, not by a timer for each.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        *,
        proposals_max: int,
        proposal_bytes_max: int,
        timeout_s: float,
        proven_every_s: float = EVERY_S,
    ) -> None:
        self._loop = loop
        self._proposals_max = proposals_max
        self._proposal_bytes_max = proposal_bytes_max
        self._timeout_s = timeout_s
        self._deadlines: deque[_Handle] = deque()
        self._sweeper: asyncio.TimerHandle | None = None
        self._replication: Replication | None = None
        self._shards = _Room()
        self._metadata = _Room()
        self.keeper = Keeper(loop, self._refresh, proven_every_s)
        """Has the replicas' age proven again and again while somebody relies on it."""
        self.together = Together(loop)
        """Has the barriers of the replicas begin together."""
        self.why_refused: Callable[[], ThemisServerError | None] = lambda: None

    @property
    def count(self) -> int:
        """How many proposals and barriers are in flight."""
        return self._shards.count + self._metadata.count

    @property
    def writes(self) -> int:
        """How many proposals are in flight. Read on any thread."""
        return self._shards.writes + self._metadata.writes

    @property
    def size_bytes(self) -> int:
        """Bytes of the proposals in flight."""
        return self._shards.size_bytes + self._metadata.size_bytes

    def connect(self, replication: Replication) -> None:
        """Name what takes the proposals; it could not be made before this was."""
        self._replication = replication

    def propose(self, group: int, command: bytes) -> asyncio.Future[Result | None]:
        """Propose an encoded command; the future ends with its result or a `ThemisServerError`."""
        refusal = self.why_refused()
        if refusal is not None:
            raise refusal
        size = len(command)
        room = self._room(group)
        if room.count >= self._proposals_max:
            raise _queue_full("limits.proposals_max", self._proposals_max)
        if room.size_bytes + size > self._proposal_bytes_max and room.count:
            raise _queue_full("limits.proposal_bytes_max", self._proposal_bytes_max)
        handle = self._register(room, size)
        assert self._replication is not None
        self._replication.propose(group, command, handle)
        return handle.future

    def barrier(self, group: int) -> asyncio.Future[Result | None]:
        """Ask for a read barrier; the future ends with None when the state has all that was acknowledged before."""
        handle = self._register(self._room(group), 0)
        assert self._replication is not None
        self._replication.barrier(group, handle)
        return handle.future

    def _refresh(self) -> None:
        assert self._replication is not None
        self._replication.refresh()

    def _room(self, group: int) -> _Room:
        return self._metadata if group == METADATA_GROUP else self._shards

    def _register(self, room: _Room, size: int) -> _Handle:
        loop = self._loop
        handle = _Handle(loop.create_future(), size, loop.time() + self._timeout_s, room)
        room.count += 1
        room.writes += 1 if size else 0
        room.size_bytes += size
        self._deadlines.append(handle)
        if self._sweeper is None:
            self._sweeper = loop.call_later(_SWEEP_S, self._sweep)
        return handle

    def settle(self, completions: list[Completion]) -> None:
        """Take what became of proposals and barriers, and answer who waits."""
        for handle, result in completions:
            assert isinstance(handle, _Handle)
            room = handle.room
            room.count -= 1
            room.size_bytes -= handle.size
            room.writes -= 1 if handle.size else 0
            future = handle.future
            if future.done():
                continue
            if isinstance(result, Exception):
                future.set_exception(_translated(result) if handle.size else _unproven(result))
            else:
                future.set_result(result)

    def _sweep(self) -> None:
        now_s = self._loop.time()
        deadlines = self._deadlines
        while deadlines and (deadlines[0].future.done() or deadlines[0].deadline_s <= now_s):
            handle = deadlines.popleft()
            if not handle.future.done():
                late = "the write was not committed within the time limit"
                handle.future.set_exception(_unknown(late) if handle.size else _unproven(TimeoutError("time is up")))
        self._sweeper = self._loop.call_later(_SWEEP_S, self._sweep) if deadlines else None


def _queue_full(name: str, limit: int) -> ThemisServerError:
    return ThemisServerError(
        ErrorCode.TOO_MANY_REQUESTS,
        f"as many writes as the node takes at once are under way ({name} = {limit})",
        limit=limit,
        retry_after_s=1,
    )


def _unknown(detail: str) -> ThemisServerError:
    return ThemisServerError(ErrorCode.OUTCOME_UNKNOWN, f"{detail}; it may or may not take effect")


def _translated(error: Exception) -> ThemisServerError:
    if isinstance(error, NotLeader):
        return Refused(
            Reason.NOT_LEADER,
            "the shard has no leader here at the moment; nothing was written",
            error.leader,
            retry_after_s=1,
        )
    if isinstance(error, Busy):
        if error.args[:1] != (_TOO_MUCH,):
            return Refused(Reason.BUSY, f"the shard changes its leader ({error}); nothing was written", retry_after_s=1)
        return ThemisServerError(
            ErrorCode.TOO_MANY_REQUESTS, f"the shard takes no more writes at the moment ({error})", retry_after_s=1
        )
    if isinstance(error, Stalled):
        return ThemisServerError(
            ErrorCode.DISK_FULL, "the node's disk is full; nothing was written, and reads go on", retry_after_s=5
        )
    if isinstance(error, Stopped):
        return Refused(Reason.STOPPING, "the node is stopping; nothing was written", retry_after_s=1)
    if isinstance(error, OutcomeUnknown):
        return _unknown("the node could not finish the write")
    raise error


def _unproven(error: Exception) -> Exception:
    """Return what a read is told whose barrier did not end well."""
    if isinstance(error, Stopped):
        return Refused(Reason.STOPPING, "the node is stopping", retry_after_s=1)
    if isinstance(error, NotLeader | Busy | Stalled | OutcomeUnknown | TimeoutError):
        leader = error.leader if isinstance(error, NotLeader) else 0
        return Refused(
            Reason.NOT_LEADER,
            f"the replica cannot prove at the moment that it is current ({error})",
            leader,
            retry_after_s=1,
        )
    raise error
