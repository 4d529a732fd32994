"""The state machine of a data shard: entities, their counts, change events and remembered requests."""

from __future__ import annotations

import msgspec

from themis_server.statemachine import idempotency, patch, version
from themis_server.statemachine.command import (
    DropCollection,
    KeyReused,
    Mutate,
    Mutated,
    Outcome,
    Result,
    Status,
    UnreadableEntry,
    Write,
    WriteOp,
    decode_entry,
)
from themis_server.statemachine.machine import load_state, save_state
from themis_server.storage import keys, values
from themis_server.storage.engine import Overlay, Reader


class ChangeEvent(msgspec.Struct, array_like=True, frozen=True):
    """What the change feed says of one write.

    Its key carries the shard and the version; the document is read from the entity.
    """

    op: int
    collection: int
    uuid: bytes
    previous: int
    """The version before this write; 0 if the entity did not exist."""


_event_encoder = msgspec.msgpack.Encoder()
_PUT, _PATCH, _DELETE = int(WriteOp.PUT), int(WriteOp.PATCH), int(WriteOp.DELETE)


class DataMachine:
    """Applies the committed entries of one shard."""

    def __init__(self, shard: int, reader: Reader) -> None:
        self.shard = shard
        self.state = load_state(reader, shard)
        start, end = keys.dropped_range(shard)
        self._dropped = {int.from_bytes(key[-4:]) for key, _ in reader.scan(start, end)}
        self._prefixes: dict[int, bytes] = {}

    def apply(self, index: int, term: int, payload: bytes, overlay: Overlay) -> list[Result]:
        """Apply one committed entry and answer each of its commands, in order."""
        results: list[Result] = []
        if payload:
            entry = decode_entry(payload)
            now_ms = version.to_unix_ms(entry.proposed)
            for command in entry.commands:
                if isinstance(command, Mutate):
                    results.append(self._mutate(command, entry.proposed, now_ms, overlay))
                elif isinstance(command, DropCollection):
                    results.append(self._drop(command.collection, overlay))
                else:
                    raise UnreadableEntry(
                        f"shard {self.shard} was given a {type(command).__name__}, which is not for data shards"
                    )
        self.state.applied_index, self.state.applied_term = index, term
        save_state(overlay, self.shard, self.state)
        return results

    def _mutate(self, command: Mutate, proposed: int, now_ms: int, overlay: Overlay) -> Result:
        if command.digest:
            record = idempotency.recall(overlay, self.shard, command.digest, now_ms)
            if record is not None:
                if record.fingerprint != command.fingerprint:
                    return KeyReused()
                return Mutated(tuple(Outcome(status, at) for status, at in record.outcomes), replayed=True)
        counts: dict[int, int] = {}
        outcomes = tuple(
            [self._write(write, proposed, command.document_bytes_max, overlay, counts) for write in command.writes]
        )
        for collection, change in counts.items():
            if change:
                key = keys.count(self.shard, collection)
                before = int.from_bytes(overlay.get(key) or b"")
                overlay.put(key, (before + change).to_bytes(8))
        if command.digest:
            idempotency.remember(
                overlay,
                self.shard,
                self.state,
                digest=command.digest,
                fingerprint=command.fingerprint,
                expires_ms=command.expires_ms,
                outcomes=outcomes,
                now_ms=now_ms,
                records_max=command.records_max,
            )
        return Mutated(outcomes)

    def _write(
        self, write: Write, proposed: int, document_bytes_max: int, overlay: Overlay, counts: dict[int, int]
    ) -> Outcome:
        collection, op = write.collection, write.op
        if collection in self._dropped:
            return Outcome(Status.COLLECTION_DROPPED, 0)
        prefix = self._prefixes.get(collection)
        if prefix is None:
            prefix = self._prefixes[collection] = keys.entity_prefix(self.shard, collection)
        key = prefix + write.uuid
        stored = overlay.get(key)
        current = 0 if stored is None else values.version_of(stored)
        expect = write.expect
        if expect is not None and current not in expect and not (current and -1 in expect):
            return Outcome(Status.PRECONDITION_FAILED, current)
        if stored is None and op != _PUT:
            return Outcome(Status.NOT_FOUND, 0)

        document = write.document
        if op == _PATCH:
            assert stored is not None
            document = patch.merge(values.document_of(stored), document)
            if len(document) > document_bytes_max:
                return Outcome(Status.DOCUMENT_TOO_LARGE, current)

        state = self.state
        new = state.last_version = proposed if proposed > state.last_version else state.last_version + 1
        if op == _DELETE:
            overlay.delete(key)
            counts[collection] = counts.get(collection, 0) - 1
            status = Status.DELETED
        else:
            overlay.put(key, values.pack(new, document))
            status = Status.REPLACED
            if stored is None:
                counts[collection] = counts.get(collection, 0) + 1
                status = Status.CREATED
        if write.emit_event:
            change = ChangeEvent(op, collection, write.uuid, current)
            overlay.put(keys.event(self.shard, new), _event_encoder.encode(change))
        return Outcome(status, new)

    def _drop(self, collection: int, overlay: Overlay) -> Result:
        overlay.delete_range(*keys.entity_range(self.shard, collection))
        overlay.delete(keys.count(self.shard, collection))
        overlay.put(keys.dropped(self.shard, collection), b"")
        self._dropped.add(collection)
        return Mutated(())
