"""A machine fed by hand: entries with a time, outcomes back, without Raft."""

from __future__ import annotations

from themis_server.statemachine import version
from themis_server.statemachine.command import (
    Command,
    Mutate,
    Mutated,
    Result,
    Write,
    WriteOp,
    encode_command,
    encode_entry,
)
from themis_server.statemachine.data import DataMachine
from themis_server.statemachine.machine import Machine
from themis_server.storage.engine import Engine, Overlay
from themis_server.storage.memory import MemoryEngine

SHARD = 1
NOW_MS = version.EPOCH_UNIX_MS + 1_000_000
DOCUMENT_BYTES_MAX = 100
EVERYTHING = (b"\x00", b"\xff" * 8)


class Fed:
    """An engine and the machine on it, given one entry after the other."""

    def __init__(self, engine: Engine | None = None, machine: Machine | None = None) -> None:
        self.engine = MemoryEngine() if engine is None else engine
        self.machine = DataMachine(SHARD, self.engine) if machine is None else machine
        self.now_ms = NOW_MS

    def apply_into(self, overlay: Overlay, *commands: Command) -> list[Result]:
        """Apply one entry, proposed at `now_ms`, into a write that the caller makes."""
        payload = encode_entry(version.from_unix_ms(self.now_ms), [encode_command(command) for command in commands])
        return self.machine.apply(self.machine.state.applied_index + 1, 1, payload, overlay)

    def entry(self, *commands: Command) -> list[Result]:
        """Apply one entry, proposed at `now_ms`, and write what it did."""
        overlay = Overlay(self.engine)
        results = self.apply_into(overlay, *commands)
        self.engine.write(overlay)
        return results

    def mutate(self, *writes: Write, **idempotency: object) -> Mutated:
        """Apply one `Mutate` in an entry of its own."""
        (result,) = self.entry(Mutate(writes, DOCUMENT_BYTES_MAX, **idempotency))  # type: ignore[arg-type]
        assert isinstance(result, Mutated)
        return result

    def one(self, write: Write) -> tuple[int, int]:
        """Apply one write; return its status and version."""
        return self.mutate(write).outcomes[0]

    def content(self) -> dict[bytes, bytes]:
        """Return every key and value."""
        return dict(self.engine.scan(*EVERYTHING))


def put(uuid: int, document: bytes = b"{}", *, expect: tuple[int, ...] | None = None, collection: int = 1) -> Write:
    return Write(WriteOp.PUT, collection, uuid.to_bytes(16), document, expect)


def patch(uuid: int, document: bytes, *, expect: tuple[int, ...] | None = None, collection: int = 1) -> Write:
    return Write(WriteOp.PATCH, collection, uuid.to_bytes(16), document, expect)


def delete(uuid: int, *, expect: tuple[int, ...] | None = None, collection: int = 1) -> Write:
    return Write(WriteOp.DELETE, collection, uuid.to_bytes(16), b"", expect)
