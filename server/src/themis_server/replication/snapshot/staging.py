"""The receiving end of one snapshot: chunks verified as they come, and laid down beside the store.

Pairs go straight into the files that the store will take over, so every byte is written once, and installing costs
next to nothing whatever the size. Nothing of it is visible before.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import msgspec

from themis_server.replication.snapshot.manifest import Chunk, Malformed, Manifest, Totals, decode_pairs
from themis_server.statemachine.machine import MachineState
from themis_server.storage import keys
from themis_server.storage.engine import Engine

_state_decoder = msgspec.msgpack.Decoder(MachineState)


class Damaged(Exception):
    """What came is not what was sent, or not what was announced. Nothing of it is used."""


@dataclass(frozen=True, slots=True)
class StagedSnapshot:
    """A content that is here, verified and durable, and not in force. `load` is its name at the engine."""

    manifest: Manifest
    load: str
    totals: Totals


class Staging:
    """Takes the chunks of one content in order. One thread at a time."""

    def __init__(self, engine: Engine, manifest: Manifest, attempt: int = 0) -> None:
        """Begin; raises `DiskFull` or `EngineError`, as everything here may.

        Args:
            engine: the state that it will be part of.
            manifest: what comes.
            attempt: a number that no other staging of this process has. The same content may come again while what
                came first is being installed, and must not take its place on the disk.
        """
        self.manifest = manifest
        self.totals = Totals()
        """What is here; `totals.chunks` is the number of the next chunk."""
        self._name = f"{manifest.group}-{manifest.index}-{manifest.name}-{attempt}"
        self._load = engine.bulk_load(self._name)
        self._ranges = keys.group_ranges(manifest.group)
        self._last_key = b""
        self._machine_key = keys.machine_state(manifest.group)
        self._machine_seen = False

    def add(self, chunk: Chunk) -> None:
        """Take the next chunk; one that is here already is no error. Raises `Damaged`: try that chunk again."""
        if chunk.number < self.totals.chunks:
            return
        if chunk.number > self.totals.chunks:
            raise Damaged(f"chunk {chunk.number} came where chunk {self.totals.chunks} is needed")
        if zlib.crc32(chunk.pairs) != chunk.checksum:
            raise Damaged(f"chunk {chunk.number} fails its checksum")
        try:
            pairs = decode_pairs(chunk.pairs)
        except Malformed as error:
            raise Damaged(f"chunk {chunk.number} does not decode: {error}") from error
        self._check(pairs)
        self._load.add(pairs)
        before = self.totals
        self.totals = Totals(
            chunks=before.chunks + 1,
            pairs=before.pairs + len(pairs),
            size_bytes=before.size_bytes + len(chunk.pairs),
            checksum=zlib.crc32(chunk.pairs, before.checksum),
        )
        self._last_key = pairs[-1][0]

    def _check(self, pairs: list[tuple[bytes, bytes]]) -> None:
        """Refuse keys of other groups, whoever sends them, and keys out of order."""
        if not pairs:
            raise Damaged("a chunk is empty")
        last, ranges, at = self._last_key, self._ranges, 0
        for key, value in pairs:
            if key <= last:
                raise Damaged("keys are out of order")
            while at < len(ranges) and key >= ranges[at][1]:
                at += 1
            if at == len(ranges) or key < ranges[at][0]:
                raise Damaged(f"a key is none of group {self.manifest.group}")
            if key == self._machine_key:
                self._check_machine(value)
            last = key

    def _check_machine(self, value: bytes) -> None:
        try:
            state = _state_decoder.decode(value)
        except msgspec.MsgspecError as error:
            raise Damaged(f"the state of the machine does not decode: {error}") from error
        if (state.applied_index, state.applied_term) != (self.manifest.index, self.manifest.term):
            raise Damaged(
                f"the state is that of entry {state.applied_index} in term {state.applied_term}, "
                f"announced as that of entry {self.manifest.index} in term {self.manifest.term}"
            )
        self._machine_seen = True

    def end(self, totals: Totals) -> StagedSnapshot:
        """Compare with what was sent, and make it durable. Raises `Damaged`: begin again, from nothing."""
        if totals != self.totals:
            raise Damaged(f"{self.totals} came of {totals}")
        if not self._machine_seen:
            raise Damaged("the state of the machine is missing")
        self._load.seal()
        return StagedSnapshot(self.manifest, self._name, self.totals)

    def discard(self) -> None:
        """Remove what came."""
        self._load.discard()
