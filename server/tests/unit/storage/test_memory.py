from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from themis_server.storage.engine import DiskFull, Overlay
from themis_server.storage.memory import MemoryEngine

ALL = (b"", b"\xff")


def put(engine: MemoryEngine, key: bytes) -> None:
    overlay = Overlay(engine)
    overlay.put(key, b"")
    engine.write(overlay)


def test_a_crash_leaves_what_was_synced_and_nothing_else() -> None:
    engine = MemoryEngine()
    put(engine, b"synced")
    engine.sync()
    put(engine, b"unsynced")
    overlay = Overlay(engine)
    overlay.delete(b"synced")
    engine.write(overlay)

    engine.crash()

    assert [key for key, _ in engine.scan(b"", b"\xff")] == [b"synced"]


def test_a_full_disk_takes_nothing_of_a_write_and_takes_it_later() -> None:
    engine = MemoryEngine()
    engine.full = True
    with pytest.raises(DiskFull):
        put(engine, b"a")
    assert engine.get(b"a") is None

    engine.full = False
    put(engine, b"a")

    assert engine.get(b"a") == b""


@pytest.mark.parametrize("keep", [0, 1, 2, 3, 9])
def test_a_crash_may_leave_the_older_part_of_what_was_not_synced(keep: int) -> None:
    engine = MemoryEngine()
    put(engine, b"0")
    engine.sync()
    for number in (1, 2, 3):
        put(engine, b"%d" % number)
    assert engine.unsynced == 3

    engine.crash(keep)

    assert [key for key, _ in engine.scan(*ALL)] == [b"0", b"1", b"2", b"3"][: keep + 1]
    assert engine.unsynced == 0


def test_a_sync_does_not_read_what_is_stored() -> None:
    engine = MemoryEngine()
    put(engine, b"a")
    values = engine._values

    engine.sync()
    put(engine, b"b")
    engine.crash()

    assert engine._values is values  # an earlier one copied everything at each sync
    assert [key for key, _ in engine.scan(*ALL)] == [b"a"]


step = st.one_of(
    st.tuples(st.just("put"), st.integers(0, 5), st.integers(0, 99)),
    st.tuples(st.just("delete"), st.integers(0, 5), st.just(0)),
    st.tuples(st.just("range"), st.integers(0, 5), st.integers(0, 6)),
)


@given(st.lists(st.lists(step, max_size=5), max_size=12), st.integers(0, 12), st.integers(0, 12))
def test_a_crash_leaves_exactly_a_prefix_of_the_writes(
    writes: list[list[tuple[str, int, int]]], synced: int, keep: int
) -> None:
    engine, model = MemoryEngine(), MemoryEngine()
    synced = min(synced, len(writes))
    for position, steps in enumerate(writes):
        if position == synced:
            engine.sync()
        for target in (engine, model) if position < synced + keep else (engine,):
            overlay = Overlay(target)
            for kind, number, other in steps:
                if kind == "put":
                    overlay.put(b"%d" % number, b"%d" % other)
                elif kind == "delete":
                    overlay.delete(b"%d" % number)
                else:
                    overlay.delete_range(b"%d" % number, b"%d" % other)
            target.write(overlay)
    if synced == len(writes):
        engine.sync()

    engine.crash(keep)

    assert list(engine.scan(*ALL)) == list(model.scan(*ALL))
    assert engine._keys == sorted(engine._values)
