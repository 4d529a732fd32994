from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from themis_server.storage.engine import Engine, Overlay
from themis_server.storage.memory import MemoryEngine
from themis_server.storage.rocks import RocksEngine, Role

key = st.binary(max_size=2).map(lambda tail: b"k" + tail)
value = st.binary(max_size=3)
operation = st.one_of(
    st.tuples(st.just("put"), key, value),
    st.tuples(st.just("delete"), key),
    st.tuples(st.just("delete_range"), key, key),
)
writes = st.lists(st.lists(operation, max_size=12), max_size=4)
ALL = (b"k", b"l")


class Model:
    """What an overlay over an engine must look like: a plain dictionary, changed in order."""

    def __init__(self) -> None:
        self.values: dict[bytes, bytes] = {}

    def take(self, operation: tuple[str, bytes, bytes] | tuple[str, bytes]) -> None:
        match operation:
            case ("put", key, value):
                self.values[key] = value
            case ("delete", key):
                self.values.pop(key, None)
            case ("delete_range", start, end):
                self.values = {key: kept for key, kept in self.values.items() if not start <= key < end}

    def scan(self, start: bytes, end: bytes, limit: int | None = None) -> list[tuple[bytes, bytes]]:
        return sorted((key, value) for key, value in self.values.items() if start <= key < end)[:limit]


def play(engine: Engine, writes: list[list[tuple[str, bytes, bytes]]]) -> Model:
    """Make `writes` one after the other, comparing with the model at every step."""
    model = Model()
    for operations in writes:
        overlay = Overlay(engine)
        for operation in operations:
            getattr(overlay, operation[0])(*operation[1:])
            model.take(operation)
            assert list(overlay.scan(*ALL)) == model.scan(*ALL)
            assert overlay.get(operation[1]) == model.values.get(operation[1])
        engine.write(overlay)
        assert list(engine.scan(*ALL)) == model.scan(*ALL)
    return model


@given(writes)
def test_an_overlay_reads_as_the_engine_will_after_the_write(writes: list[list[tuple[str, bytes, bytes]]]) -> None:
    play(MemoryEngine(), writes)


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(writes)
def test_rocksdb_makes_of_an_overlay_what_the_memory_engine_makes_of_it(
    rocks: RocksEngine, writes: list[list[tuple[str, bytes, bytes]]]
) -> None:
    clean = Overlay(rocks)
    clean.delete_range(*ALL)
    rocks.write(clean)

    play(rocks, writes)


@pytest.fixture
def rocks(tmp_path: Path) -> RocksEngine:
    return RocksEngine(tmp_path / "db", Role.STATE, block_cache_bytes=1 << 20, write_buffer_bytes=1 << 20)


@given(writes, st.lists(operation, max_size=12), key, key, st.none() | st.integers(0, 5))
def test_a_scan_of_an_overlay_keeps_to_its_range_and_limit(
    written: list[list[tuple[str, bytes, bytes]]],
    pending: list[tuple[str, bytes, bytes]],
    start: bytes,
    end: bytes,
    limit: int | None,
) -> None:
    engine = MemoryEngine()
    model = play(engine, written)
    overlay = Overlay(engine)
    for operation in pending:
        getattr(overlay, operation[0])(*operation[1:])
        model.take(operation)

    assert list(overlay.scan(start, end, limit)) == model.scan(start, end, limit)


@pytest.mark.parametrize("limit", [0, 1, 2, 3, 4])
def test_a_limit_counts_what_is_written_and_what_is_pending(limit: int) -> None:
    engine = MemoryEngine()
    play(engine, [[("put", b"k1", b""), ("put", b"k3", b"")]])
    overlay = Overlay(engine)
    overlay.put(b"k2", b"")

    assert [key for key, _ in overlay.scan(*ALL, limit)] == [b"k1", b"k2", b"k3"][:limit]


def test_a_range_that_ends_before_it_begins_is_no_range() -> None:
    overlay = Overlay(MemoryEngine())

    overlay.delete_range(b"b", b"a")

    assert not overlay


def test_the_last_put_of_a_key_is_the_only_one_written() -> None:
    overlay = Overlay(MemoryEngine())

    for number in range(1000):
        overlay.put(b"counter", b"%d" % number)

    assert overlay.pending == {b"counter": b"999"}


def test_an_overlay_is_true_when_it_would_change_something() -> None:
    overlay = Overlay(MemoryEngine())
    assert not overlay

    overlay.delete_range(b"a", b"b")

    assert overlay


def test_an_overlay_changes_nothing_before_it_is_written() -> None:
    engine = MemoryEngine()
    overlay = Overlay(engine)

    overlay.put(b"a", b"1")

    assert engine.get(b"a") is None
