"""States to be sent: a group's pairs in an engine, and what Raft would say about them."""

from __future__ import annotations

from dataclasses import dataclass

import themis_raft
from themis_server.clock import ManualClock
from themis_server.replication.log import HardState, Log, LogStart
from themis_server.replication.snapshot.manifest import Manifest, decode_manifest, encode
from themis_server.replication.snapshot.pins import Pin, Pins
from themis_server.replication.snapshot.source import Source
from themis_server.replication.snapshot.staging import StagedSnapshot, Staging
from themis_server.statemachine.machine import MachineState, save_state
from themis_server.storage import keys, values
from themis_server.storage.engine import Engine, Overlay
from themis_server.storage.memory import MemoryEngine

GROUP = 3
INDEX, TERM = 40, 2
MEMBERS = themis_raft.ConfState(voters=[1, 2, 3]).encode()
EVERYTHING = (b"\x00", b"\xff" * 8)


def content(engine: Engine, group: int | None = None) -> dict[bytes, bytes]:
    """Return what an engine holds, of one group or of all."""
    ranges = (EVERYTHING,) if group is None else keys.group_ranges(group)
    return {key: value for start, end in ranges for key, value in engine.scan(start, end)}


def fill(
    engine: Engine, group: int = GROUP, *, entities: int = 50, index: int = INDEX, term: int = TERM, mark: str = "new"
) -> None:
    """Write a state of a data group as of entry `index`, with keys of every kind."""
    overlay = Overlay(engine)
    for number in range(entities):
        document = b'{"n":%d,"mark":"%s"}' % (number, mark.encode())
        overlay.put(keys.entity_prefix(group, 1 + number % 3) + number.to_bytes(16), values.pack(number + 1, document))
        overlay.put(keys.event(group, number), b"event")
    overlay.put(keys.count(group, 1), entities.to_bytes(8))
    overlay.put(keys.dropped(group, 9), b"")
    overlay.put(keys.idempotency(group, mark.encode().ljust(16)), b"record")
    overlay.put(keys.idempotency_expiry(group, 5, mark.encode().ljust(16)), b"")
    save_state(overlay, group, MachineState(index, term, entities, MEMBERS))
    engine.write(overlay)


def pinned(engine: Engine, group: int = GROUP, *, name: str = "n1") -> Pin:
    """Pin what an engine holds of a group."""
    pins = Pins(engine, ManualClock(), prefix=name, pins_max=8)
    provided = pins.request(group, 0, MEMBERS)
    assert provided is not None
    pin = pins.acquire(group, provided.manifest)
    assert pin is not None
    return pin


def staged(engine: Engine, pin: Pin, chunk_bytes: int = 500) -> StagedSnapshot:
    """Carry a pinned state over to another engine, up to where it could be installed."""
    source = Source(pin.view, pin.manifest, chunk_bytes)
    staging = Staging(engine, decode_manifest(pin.provided.manifest))
    while (chunk := source.chunk(staging.totals.chunks)) is not None:
        staging.add(chunk)
    return staging.end(source.totals)


@dataclass(frozen=True)
class Snapshot:
    """What Raft says is to be installed, with the attributes of `themis_raft.Snapshot`."""

    index: int
    term: int
    conf_state: bytes
    data: bytes


def said(manifest: Manifest) -> themis_raft.Snapshot:
    """Return what Raft says of a content."""
    return Snapshot(manifest.index, manifest.term, MEMBERS, encode(manifest))  # type: ignore[return-value]


class Receiving:
    """A node that is behind: an old state, a log that ends before the snapshot, other groups beside it."""

    def __init__(self, log: Engine | None = None, state: Engine | None = None) -> None:
        self.log: Engine = MemoryEngine() if log is None else log
        self.state: Engine = MemoryEngine() if state is None else state
        fill(self.state, entities=20, index=12, term=1, mark="old")
        fill(self.state, GROUP + 1, mark="neighbour")
        self.state.sync()
        write = Overlay(self.log)
        for group in (GROUP, GROUP + 1):
            Log.save_start(write, group, LogStart(10, 1, MEMBERS))
            Log.append(write, group, [(number, b"entry %d" % number) for number in range(11, 16)])
            Log.save_hard_state(write, group, HardState(1, 1, 14))
        self.log.write(write)
        self.log.sync()
        self.before = content(self.state)
        self.log_before = content(self.log)

    def neighbours(self) -> dict[bytes, bytes]:
        """What belongs to the other group, in state and log."""
        log = {key: value for key, value in content(self.log).items() if key[1:3] == (GROUP + 1).to_bytes(2)}
        return content(self.state, GROUP + 1) | log
