"""What the state machine of a shard should do, written a second time, as simply as it can be said.

It shares no code with `themis_server.statemachine` but the shape of commands and results: a fault there, planted or
not, is a difference here. The entries of a shard go through it once, in log order, when the first replica applies them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from themis_server.statemachine.command import (
    DropCollection,
    Entry,
    KeyReused,
    Mutate,
    Mutated,
    Outcome,
    Result,
    Status,
    Write,
    WriteOp,
)
from themis_server.statemachine.version import EPOCH_UNIX_MS

_Key = tuple[int, bytes]


@dataclass(frozen=True, slots=True)
class Held:
    """An entity as it is after some entry: its version and document."""

    version: int
    document: Any


@dataclass(frozen=True, slots=True)
class _Remembered:
    fingerprint: bytes
    expires_ms: int
    outcomes: tuple[Outcome, ...]


@dataclass
class ShardModel:
    """One shard: what each key holds, and held after each entry that changed it."""

    entities: dict[_Key, Held] = field(default_factory=dict)
    history: dict[_Key, list[tuple[int, int, Any]]] = field(default_factory=dict)
    """(index, version or 0, document or None) of every change of a key, in log order."""
    last_version: int = 0
    _remembered: dict[bytes, _Remembered] = field(default_factory=dict)
    _dropped: set[int] = field(default_factory=set)

    def apply(self, index: int, entry: Entry) -> list[Result]:
        """Apply an entry and return what each of its commands must be answered."""
        results: list[Result] = []
        for command in entry.commands:
            if isinstance(command, Mutate):
                results.append(self._mutate(index, entry.proposed, command))
            else:
                assert isinstance(command, DropCollection), "no other command is sent to a shard"
                self._drop(index, command.collection)
                results.append(Mutated(()))
        return results

    def _mutate(self, index: int, proposed: int, command: Mutate) -> Result:
        now_ms = (proposed >> 12) + EPOCH_UNIX_MS
        known = self._remembered.get(command.digest) if command.digest else None
        if known is not None and known.expires_ms > now_ms:
            if known.fingerprint != command.fingerprint:
                return KeyReused()
            return Mutated(known.outcomes, replayed=True)
        outcomes = tuple([self._write(index, proposed, write) for write in command.writes])
        if command.digest:
            self._remembered[command.digest] = _Remembered(command.fingerprint, command.expires_ms, outcomes)
        return Mutated(outcomes)

    def _write(self, index: int, proposed: int, write: Write) -> Outcome:
        if write.collection in self._dropped:
            return Outcome(Status.COLLECTION_DROPPED, 0)
        key = (write.collection, write.uuid)
        held = self.entities.get(key)
        current = held.version if held else 0
        if write.expect is not None and not (current in write.expect or (held and -1 in write.expect)):
            return Outcome(Status.PRECONDITION_FAILED, current)
        if held is None and write.op != WriteOp.PUT:
            return Outcome(Status.NOT_FOUND, 0)
        version = self.last_version = max(proposed, self.last_version + 1)
        if write.op == WriteOp.DELETE:
            del self.entities[key]
            self._changed(index, key, 0, None)
            return Outcome(Status.DELETED, version)
        document = json.loads(write.document)
        if write.op == WriteOp.PATCH:
            assert held is not None
            document = {name: value for name, value in {**held.document, **document}.items() if value is not None}
        self.entities[key] = Held(version, document)
        self._changed(index, key, version, document)
        return Outcome(Status.REPLACED if held else Status.CREATED, version)

    def _changed(self, index: int, key: _Key, version: int, document: Any) -> None:
        self.history.setdefault(key, []).append((index, version, document))

    def _drop(self, index: int, collection: int) -> None:
        self._dropped.add(collection)
        for key in [key for key in self.entities if key[0] == collection]:
            del self.entities[key]
            self._changed(index, key, 0, None)

    def at(self, key: _Key, index: int) -> tuple[int, Any]:
        """Return (version, document) of a key after entry `index`; (0, None) where it did not exist."""
        found: tuple[int, Any] = (0, None)
        for changed_at, version, document in self.history.get(key, ()):
            if changed_at > index:
                break
            found = (version, document)
        return found
