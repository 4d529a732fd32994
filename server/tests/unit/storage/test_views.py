"""What every engine promises of a view: the store as it was, until it is released."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from themis_server.storage import keys
from themis_server.storage.engine import Engine, Overlay, ReadView, ViewLost
from themis_server.storage.memory import MemoryEngine
from themis_server.storage.rocks import RocksEngine, Role

ALL = (b"\x00", b"\xff" * 32)


def put(engine: Engine, pairs: dict[bytes, bytes | None]) -> None:
    overlay = Overlay(engine)
    for key, value in pairs.items():
        if value is None:
            overlay.delete(key)
        else:
            overlay.put(key, value)
    engine.write(overlay)


def test_a_view_shows_the_store_as_it_was(engine: Engine) -> None:
    put(engine, {b"a": b"1", b"b": b"1", b"c": b"1"})
    view = engine.snapshot()

    put(engine, {b"a": b"2", b"b": None, b"d": b"2"})

    assert list(view.scan(*ALL)) == [(b"a", b"1"), (b"b", b"1"), (b"c", b"1")]
    assert [view.get(key) for key in (b"a", b"b", b"d")] == [b"1", b"1", None]
    assert list(engine.scan(*ALL)) == [(b"a", b"2"), (b"c", b"1"), (b"d", b"2")]
    view.release()


def test_writes_in_the_middle_of_a_scan_do_not_show_in_it(engine: Engine) -> None:
    written = {b"k%04d" % number: b"old" for number in range(2000)}
    put(engine, dict(written))
    view = engine.snapshot()
    scan = view.scan(*ALL)
    found = [next(scan) for _ in range(10)]

    overlay = Overlay(engine)
    overlay.delete_range(b"k0100", b"k1900")
    overlay.put(b"k0005", b"new")
    engine.write(overlay)

    assert dict([*found, *scan]) == written
    view.release()


@pytest.mark.parametrize(
    ("limit", "found"), [(None, 600), (0, 0), (1, 1), (256, 256), (257, 257), (600, 600), (999, 600)]
)
def test_a_scan_of_a_view_yields_at_most_its_limit(engine: Engine, limit: int | None, found: int) -> None:
    put(engine, {b"k%04d" % number: b"" for number in range(600)})
    view = engine.snapshot()

    assert [key for key, _ in view.scan(*ALL, limit)] == [b"k%04d" % number for number in range(found)]
    view.release()


def test_a_scan_of_a_view_misses_nothing_across_prefixes_and_sizes(engine: Engine) -> None:
    found = {
        keys.entity_prefix(1, collection) + bytes([n]) * 16: bytes(400_000 if n == 1 else 10)
        for collection in range(1, 10)
        for n in range(3)
    }
    put(engine, dict(found))
    view = engine.snapshot()

    assert dict(view.scan(keys.entity_prefix(1, 0), keys.entity_prefix(2, 0))) == found
    view.release()


def test_views_of_different_moments_differ(engine: Engine) -> None:
    views = []
    for number in range(3):
        put(engine, {b"a": b"%d" % number})
        views.append(engine.snapshot())

    assert [view.get(b"a") for view in views] == [b"0", b"1", b"2"]
    for view in views:
        view.release()


def lost(view: ReadView) -> bool:
    try:
        view.get(b"a")
    except ViewLost:
        pass
    else:
        return False
    with pytest.raises(ViewLost):
        list(view.scan(*ALL))
    return True


def test_a_released_view_cannot_be_read(engine: Engine) -> None:
    put(engine, {b"a": b"1"})
    view, other = engine.snapshot(), engine.snapshot()

    view.release()
    view.release()

    assert (lost(view), lost(other)) == (True, False)
    other.release()


def test_a_scan_ends_when_its_view_is_released_under_it(engine: Engine) -> None:
    put(engine, {b"k%04d" % number: b"" for number in range(2000)})
    view = engine.snapshot()
    scan = view.scan(*ALL)
    next(scan)

    view.release()

    with pytest.raises(ViewLost):
        list(scan)


@pytest.mark.parametrize("ending", ["close", "reopen"])
def test_a_view_does_not_outlive_its_store(engine: Engine, ending: str) -> None:
    put(engine, {b"a": b"1"})
    view = engine.snapshot()
    scan = view.scan(*ALL)

    getattr(engine, ending)()

    assert lost(view)
    with pytest.raises(ViewLost):
        next(scan)


def test_a_store_opens_again_at_once_although_a_view_is_being_read(tmp_path: Path) -> None:
    engine = RocksEngine(tmp_path / "db", Role.STATE, block_cache_bytes=1 << 20, write_buffer_bytes=1 << 20)
    put(engine, {b"k%05d" % number: bytes(100) for number in range(20_000)})
    view = engine.snapshot()
    reading = threading.Event()
    ended = []

    def read() -> None:
        try:
            while True:
                for _ in view.scan(*ALL):
                    reading.set()
        except ViewLost as error:
            ended.append(error)

    reader = threading.Thread(target=read)
    reader.start()
    reading.wait()
    engine.reopen()
    reader.join(10)

    assert ended
    assert engine.get(b"k00001") == bytes(100)
    engine.close()


def test_views_in_memory_cost_nothing_until_something_is_written() -> None:
    engine = MemoryEngine()
    put(engine, {b"a": b"1"})
    values = engine._values
    first, second = engine.snapshot(), engine.snapshot()
    assert engine._values is values

    put(engine, {b"a": b"2"})
    copied = engine._values
    put(engine, {b"a": b"3"})

    assert copied is not values
    assert engine._values is copied
    assert (first.get(b"a"), second.get(b"a"), engine.views_held) == (b"1", b"1", 2)


def test_a_crash_loses_views_and_what_was_not_synced() -> None:
    engine = MemoryEngine()
    put(engine, {b"a": b"1"})
    engine.sync()
    put(engine, {b"a": b"2"})
    view = engine.snapshot()

    engine.crash()

    assert lost(view)
    assert engine.get(b"a") == b"1"
