"""Who may send this node a snapshot, and what becomes of it: bytes in, bytes out.

At most one content a group and a bounded number in all; of two, the later state wins. What its sender abandons is
removed after a while, and so is everything when the node starts (`install.recover`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from themis_server.clock import Clock
from themis_server.replication.snapshot.manifest import (
    FORMAT,
    Answer,
    Begin,
    Chunk,
    End,
    Malformed,
    Manifest,
    Refusal,
    decode_manifest,
    decode_request,
    encode,
    kind_of,
)
from themis_server.replication.snapshot.staging import Damaged, StagedSnapshot, Staging
from themis_server.storage.engine import DiskFull, Engine, EngineError

Deliver = Callable[[int, int, bytes, StagedSnapshot], None]
"""Takes group, sender's Raft id, Raft message and content."""


@dataclass(slots=True)
class _Incoming:
    sender: int
    staging: Staging
    heard_s: float


class Receiver:
    """The snapshots that are on their way into this node. Belongs to one thread."""

    def __init__(
        self,
        engine: Engine,
        clock: Clock,
        deliver: Deliver,
        *,
        incoming_max: int,
        idle_s: float = 60.0,
        wanted: Callable[[int], bool] = lambda group: True,
        room: Callable[[], bool] = lambda: True,
    ) -> None:
        """Receive nothing yet.

        Args:
            engine: the state that contents are laid down beside.
            clock: for the time since a sender was heard.
            deliver: is given what is whole; it, or who it gives it to, must install or `discard` it.
            incoming_max: contents that are received at once.
            idle_s: a content of which nothing came for so long is removed.
            wanted: whether this node has a replica of a group.
            room: whether the disk has space for more.
        """
        self._engine = engine
        self._clock = clock
        self._deliver = deliver
        self._incoming_max = incoming_max
        self._idle_s = idle_s
        self._wanted = wanted
        self._room = room
        self._incoming: dict[int, _Incoming] = {}
        self._attempts = 0
        self._delivered: dict[int, End] = {}
        """group -> the end said last: one that is said twice, because its answer was lost, is true twice."""

    def handle(self, verb: str, sender: int, payload: bytes) -> bytes:
        """Take `begin`, `chunk` or `end` from the node with Raft id `sender`; raises `Malformed`."""
        request = decode_request(verb, payload)
        if isinstance(request, Begin):
            return encode(self._begin(sender, decode_manifest(request.manifest)))
        for incoming in self._incoming.values():
            if incoming.staging.manifest.name == request.name and incoming.sender == sender:
                incoming.heard_s = self._clock.monotonic_s()
                return encode(self._go_on(incoming, request))
        if isinstance(request, End) and request in self._delivered.values():
            return encode(Answer(request.totals.chunks))
        return encode(_refused("unknown"))

    def _begin(self, sender: int, manifest: Manifest) -> Answer:
        if manifest.format != FORMAT or manifest.kind != kind_of(manifest.group):
            return _refused("format")
        if not self._wanted(manifest.group):
            return _refused("unwanted")
        now_s = self._clock.monotonic_s()
        existing = self._incoming.get(manifest.group)
        if existing is not None:
            known = existing.staging.manifest
            if known == manifest and existing.sender == sender:
                existing.heard_s = now_s
                return Answer(existing.staging.totals.chunks)
            if (manifest.term, manifest.index) < (known.term, known.index):
                return _refused("superseded")
            self._drop(manifest.group)
        elif len(self._incoming) >= self._incoming_max:
            return _refused("busy")
        if not self._room():
            return _refused("no_space")
        try:
            self._attempts += 1
            staging = Staging(self._engine, manifest, self._attempts)
        except DiskFull:
            return _refused("no_space")
        self._incoming[manifest.group] = _Incoming(sender, staging, now_s)
        return Answer(0)

    def _go_on(self, incoming: _Incoming, request: Chunk | End) -> Answer:
        staging = incoming.staging
        group = staging.manifest.group
        if not self._room():
            self._drop(group)
            return _refused("no_space")
        try:
            if isinstance(request, Chunk):
                staging.add(request)
                return Answer(staging.totals.chunks)
            staged = staging.end(request.totals)
        except Damaged:
            if isinstance(request, Chunk):
                return _refused("damaged", staging.totals.chunks)
            self._drop(group)
            return _refused("damaged")
        except DiskFull:
            self._drop(group)
            return _refused("no_space")
        except EngineError:
            self._drop(group)
            raise
        del self._incoming[group]
        self._delivered[group] = request
        self._deliver(group, incoming.sender, request.message, staged)
        return Answer(staging.totals.chunks)

    def _drop(self, group: int) -> None:
        self._incoming.pop(group).staging.discard()

    def expire(self) -> None:
        """Remove what nothing more came of for too long."""
        due_s = self._clock.monotonic_s() - self._idle_s
        for group in [group for group, incoming in self._incoming.items() if incoming.heard_s <= due_s]:
            self._drop(group)

    def forget(self, group: int) -> None:
        """Remove what is here for a group: it leaves this node."""
        if group in self._incoming:
            self._drop(group)
        self._delivered.pop(group, None)

    def abandon(self) -> None:
        """Remove everything that is not whole: the node stops."""
        for group in list(self._incoming):
            self._drop(group)

    @property
    def under_way(self) -> int:
        """How many contents are being received."""
        return len(self._incoming)


def _refused(refusal: Refusal, received: int = 0) -> Answer:
    return Answer(received, refusal)


__all__ = ["Deliver", "Malformed", "Receiver"]
