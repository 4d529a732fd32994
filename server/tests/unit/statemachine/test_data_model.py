"""The data machine against a model that a reader can check at a glance, on random entries."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.tests.unit.statemachine.feeding import DOCUMENT_BYTES_MAX, SHARD, Fed, delete, patch, put
from themis_server.statemachine.command import DropCollection, Mutate, Mutated, Status, Write, WriteOp
from themis_server.statemachine.patch import merge
from themis_server.storage import keys, values
from themis_server.storage.engine import Engine, Overlay
from themis_server.storage.rocks import RocksEngine, Role

Place = tuple[int, bytes]

documents = st.dictionaries(st.sampled_from("ab"), st.integers(0, 9) | st.none(), max_size=2).map(orjson.dumps)
# What a write expects, before the versions are known: nothing, absence, presence, the current version, a wrong one.
expectations = st.sampled_from(["none", "absent", "present", "current", "wrong"])
operations = st.tuples(
    st.sampled_from(WriteOp),
    st.integers(1, 2),
    st.integers(1, 3).map(lambda n: n.to_bytes(16)),
    documents,
    expectations,
)
entries = st.tuples(
    st.integers(-5_000, 5_000),  # how far the leader's clock has moved since the last entry; it may go back
    st.lists(operations, max_size=5) | st.integers(1, 2),  # writes, or a collection to drop
)


@dataclass
class Model:
    """Entities as a dictionary; for each, its version and document."""

    entities: dict[Place, tuple[int, bytes]] = field(default_factory=dict)
    dropped: set[int] = field(default_factory=set)
    last_version: dict[Place, int] = field(default_factory=dict)

    def expect(self, place: Place, kind: str) -> tuple[int, ...] | None:
        current = self.entities.get(place, (0, b""))[0]
        return {"none": None, "absent": (0,), "present": (-1,), "current": (current,), "wrong": (1,)}[kind]

    def status(self, write: Write, kind: str) -> Status:
        """Say how a write must end, from its kind of expectation."""
        place = (write.collection, write.uuid)
        exists = place in self.entities
        if write.collection in self.dropped:
            return Status.COLLECTION_DROPPED
        if kind == "wrong" or (kind == "absent" and exists) or (kind == "present" and not exists):
            return Status.PRECONDITION_FAILED
        if not exists:
            return Status.CREATED if write.op == WriteOp.PUT else Status.NOT_FOUND
        return Status.DELETED if write.op == WriteOp.DELETE else Status.REPLACED

    def take(self, write: Write, status: Status, version: int) -> None:
        place = (write.collection, write.uuid)
        if status > Status.DELETED:
            return
        assert version > self.last_version.get(place, 0), "a version must rise over the whole life of a URN"
        self.last_version[place] = version
        if status == Status.DELETED:
            del self.entities[place]
            return
        document = merge(self.entities[place][1], write.document) if write.op == WriteOp.PATCH else write.document
        self.entities[place] = (version, document)


@given(st.lists(entries, max_size=12))
def test_the_machine_behaves_as_the_model(
    history: list[tuple[int, list[tuple[WriteOp, int, bytes, bytes, str]] | int]],
) -> None:
    fed, model = Fed(), Model()

    for moved_ms, what in history:
        fed.now_ms += moved_ms
        if isinstance(what, int):
            fed.entry(DropCollection(what))
            model.dropped.add(what)
            model.entities = {place: kept for place, kept in model.entities.items() if place[0] != what}
            continue
        for op, collection, uuid, document, kind in what:
            write = Write(op, collection, uuid, document, model.expect((collection, uuid), kind))
            wanted = model.status(write, kind)
            (outcome,) = fed.mutate(write).outcomes
            assert outcome.status == wanted
            model.take(write, wanted, outcome.version)

    assert entities(fed.engine) == model.entities
    for collection in (1, 2):
        counted = int.from_bytes(fed.engine.get(keys.count(SHARD, collection)) or b"")
        assert counted == sum(place[0] == collection for place in model.entities)


def entities(engine: Engine) -> dict[Place, tuple[int, bytes]]:
    found = engine.scan(keys.entity_prefix(SHARD, 0), keys.entity_prefix(SHARD + 1, 0))
    return {
        (int.from_bytes(key[3:7]), key[7:]): (values.version_of(raw), values.document_of(raw)) for key, raw in found
    }


commands = st.one_of(
    st.builds(
        Mutate,
        writes=st.lists(
            st.builds(
                Write,
                op=st.sampled_from([int(op) for op in WriteOp]),
                collection=st.integers(1, 2),
                uuid=st.integers(1, 3).map(lambda n: n.to_bytes(16)),
                document=documents,
                expect=st.sampled_from([None, (0,), (-1,)]),
            ),
            max_size=3,
        ).map(tuple),
        document_bytes_max=st.just(DOCUMENT_BYTES_MAX),
        digest=st.sampled_from([b"", b"k" * 16, b"l" * 16]),
        fingerprint=st.sampled_from([b"f", b"g"]),
        expires_ms=st.just(2**53),
        records_max=st.integers(0, 2),
    ),
    st.builds(DropCollection, st.just(3)),
)


@given(st.lists(st.tuples(st.integers(-5_000, 5_000), st.lists(commands, max_size=3)), max_size=8), st.data())
def test_the_same_entries_give_the_same_bytes_however_they_are_split_into_writes_and_restarts(
    history: list[tuple[int, list[Mutate | DropCollection]]], data: st.DataObject
) -> None:
    one, other = Fed(), Fed()
    overlay = Overlay(other.engine)

    for moved_ms, commands in history:
        one.now_ms += moved_ms
        other.now_ms += moved_ms
        expected = one.entry(*commands)
        # The other replica applies several entries in one write, and restarts between writes.
        assert other.apply_into(overlay, *commands) == expected
        if data.draw(st.booleans()):
            other.engine.write(overlay)
            restarted = Fed(other.engine)
            restarted.now_ms = other.now_ms
            other, overlay = restarted, Overlay(restarted.engine)
    other.engine.write(overlay)

    assert other.content() == one.content()


def test_the_model_notices_a_version_that_does_not_rise() -> None:
    model = Model()
    write = Write(WriteOp.PUT, 1, b"u" * 16, b"{}")
    model.take(write, Status.CREATED, 5)

    with pytest.raises(AssertionError, match="must rise"):
        model.take(write, Status.REPLACED, 5)


def test_outcomes_are_answered_in_the_order_of_the_writes() -> None:
    result = Fed().mutate(*[Write(WriteOp.PUT, 1, n.to_bytes(16), b"{}") for n in (3, 1, 2)])

    assert isinstance(result, Mutated)
    assert [outcome.version for outcome in result.outcomes] == sorted(outcome.version for outcome in result.outcomes)


def test_memory_and_rocksdb_end_up_with_the_same_bytes(tmp_path: Path) -> None:
    memory = Fed()
    rocks = Fed(RocksEngine(tmp_path, Role.STATE, block_cache_bytes=1 << 20, write_buffer_bytes=1 << 20))

    for fed in (memory, rocks):
        fed.mutate(put(1), put(2), put(3, collection=2), digest=b"k" * 16, fingerprint=b"f", expires_ms=fed.now_ms + 9)
        fed.mutate(patch(1, b'{"a":1}'), delete(2))
        fed.entry(DropCollection(2))

    assert rocks.content() == memory.content()
    rocks.engine.close()
