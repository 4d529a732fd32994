"""Bulk loads: laid down beside a store, taken over whole, and again after a crash at any moment."""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path

import pytest

from themis_server.storage import keys, rocks
from themis_server.storage.engine import CorruptionError, DiskFull, Engine, EngineError, Overlay
from themis_server.storage.memory import MemoryEngine
from themis_server.storage.rocks import RocksEngine, Role

ALL = (b"\x00", b"\xff" * 32)
RANGES = ((b"b", b"c"), (b"d", b"e"))
OLD = {b"a1": b"other", b"b1": b"old", b"b3": b"old", b"c1": b"other", b"d2": b"old", b"e1": b"other"}
LOADED = [(b"b1", b"new"), (b"b2", b"new"), (b"d1", b"new")]
REPLACED = {b"a1": b"other", b"c1": b"other", b"e1": b"other", **dict(LOADED)}


def put(engine: Engine, pairs: dict[bytes, bytes]) -> None:
    overlay = Overlay(engine)
    for key, value in pairs.items():
        overlay.put(key, value)
    engine.write(overlay)


def laid_down(engine: Engine, name: str = "load", pairs: list[tuple[bytes, bytes]] = LOADED) -> None:
    load = engine.bulk_load(name)
    load.add(pairs)
    load.seal()


def replace(engine: Engine, name: str = "load", *, verify: bool = False) -> None:
    for _ in engine.replace(RANGES, name, verify=verify):
        pass


def test_a_load_replaces_what_is_in_its_ranges_and_nothing_else(engine: Engine) -> None:
    put(engine, OLD)
    laid_down(engine)
    assert dict(engine.scan(*ALL)) == OLD

    replace(engine)

    assert dict(engine.scan(*ALL)) == REPLACED
    assert engine.multi_get([b"b1", b"b3", b"d1"]) == [b"new", None, b"new"]


def test_a_load_comes_in_many_parts(engine: Engine) -> None:
    load = engine.bulk_load("load")
    for pair in LOADED:
        load.add([pair])
    load.seal()

    replace(engine)

    assert dict(engine.scan(*ALL)) == dict(LOADED)
    assert load.size_bytes == 15


def test_an_empty_load_empties_the_ranges(engine: Engine) -> None:
    put(engine, OLD)
    engine.bulk_load("load").seal()

    replace(engine)

    assert sorted(dict(engine.scan(*ALL))) == [b"a1", b"c1", b"e1"]


def test_what_is_written_after_a_load_stands_above_it(engine: Engine) -> None:
    put(engine, OLD)
    laid_down(engine)
    replace(engine)

    put(engine, {b"b1": b"newer"})
    overlay = Overlay(engine)
    overlay.delete(b"d1")
    engine.write(overlay)

    assert engine.multi_get([b"b1", b"b2", b"d1"]) == [b"newer", b"new", None]


def test_a_view_from_before_shows_what_was_before(engine: Engine) -> None:
    put(engine, OLD)
    view = engine.snapshot()
    laid_down(engine)

    replace(engine)

    assert dict(view.scan(*ALL)) == OLD
    view.release()


def test_others_write_while_a_load_is_taken_over(engine: Engine) -> None:
    put(engine, OLD)
    laid_down(engine)
    slices = engine.replace(RANGES, "load")

    for number, _ in enumerate(slices):
        put(engine, {b"a1": b"%d" % number})

    assert dict(engine.scan(*ALL)) == {**REPLACED, b"a1": b"%d" % number}


def test_a_replacement_that_was_left_halfway_is_repeated_whole(engine: Engine) -> None:
    put(engine, OLD)
    laid_down(engine)
    count = sum(1 for _ in engine.replace(RANGES, "load"))

    for steps in range(count + 1):
        put(engine, OLD)
        slices = engine.replace(RANGES, "load")
        for _ in range(steps):
            next(slices, None)  # how many there are depends on how long a flush takes
        del slices
        replace(engine, verify=True)
        assert dict(engine.scan(*ALL)) == REPLACED


def test_keys_of_a_load_ascend(engine: Engine) -> None:
    for pairs in ([(b"b2", b""), (b"b1", b"")], [(b"b1", b""), (b"b1", b"")], [(b"d1", b""), (b"b1", b"")]):
        load = engine.bulk_load("load")
        with pytest.raises(EngineError):
            load.add(pairs)
        load.discard()
    load = engine.bulk_load("load")
    load.add([(b"b2", b"")])
    with pytest.raises(EngineError):
        load.add([(b"b1", b"")])
    load.discard()


def test_only_what_was_sealed_is_taken_over(engine: Engine) -> None:
    put(engine, OLD)
    engine.bulk_load("open").add(LOADED)

    for name in ("open", "missing"):
        with pytest.raises(CorruptionError):
            engine.replace(RANGES, name)

    assert dict(engine.scan(*ALL)) == OLD


def test_loads_are_known_by_name_until_they_are_discarded(engine: Engine) -> None:
    laid_down(engine, "1-5-a")
    engine.bulk_load("2-7-b").add(LOADED)
    assert engine.bulk_loads() == {"1-5-a": True, "2-7-b": False}

    engine.discard_load("1-5-a")
    engine.discard_load("1-5-a")
    engine.bulk_load("2-7-b").discard()

    assert engine.bulk_loads() == {}


def test_a_load_begun_anew_holds_nothing_of_the_old_one(engine: Engine) -> None:
    laid_down(engine)
    laid_down(engine, pairs=[(b"b9", b"new")])

    replace(engine)

    assert dict(engine.scan(*ALL)) == {b"b9": b"new"}


# Crashes


@pytest.mark.parametrize("keep", [0, 1, 99])
def test_after_a_crash_at_any_slice_a_repetition_ends_the_same(keep: int) -> None:
    for steps in range(9):
        engine = MemoryEngine()
        put(engine, OLD)
        engine.sync()
        laid_down(engine)
        slices = engine.replace(RANGES, "load")
        for _ in range(steps):
            next(slices, None)

        engine.crash(keep)
        replace(engine)
        engine.crash()

        assert dict(engine.scan(*ALL)) == REPLACED


def test_what_a_replacement_ended_with_is_durable_without_a_sync() -> None:
    engine = MemoryEngine()
    put(engine, OLD)
    engine.sync()
    laid_down(engine)

    replace(engine)
    put(engine, {b"a1": b"unsynced"})
    engine.crash()

    assert dict(engine.scan(*ALL)) == REPLACED


def test_a_crash_removes_loads_that_were_not_sealed() -> None:
    engine = MemoryEngine()
    laid_down(engine, "sealed")
    engine.bulk_load("open").add(LOADED)

    engine.crash()

    assert engine.bulk_loads() == {"sealed": True}


def test_a_full_disk_stops_a_load_in_memory_too() -> None:
    engine = MemoryEngine()
    put(engine, OLD)
    laid_down(engine)
    load = engine.bulk_load("other")
    engine.full = True

    with pytest.raises(DiskFull):
        load.add(LOADED)
    with pytest.raises(DiskFull):
        load.seal()
    with pytest.raises(DiskFull):
        replace(engine)

    engine.full = False
    replace(engine)
    assert dict(engine.scan(*ALL)) == REPLACED


def opened(path: Path) -> RocksEngine:
    return RocksEngine(path / "data", Role.STATE, block_cache_bytes=1 << 20, write_buffer_bytes=1 << 20)


def copied(path: Path, copy: Path) -> None:
    """Copy a data directory as a power failure would leave it, had the disk kept every write."""
    while True:  # RocksDB removes files beside us
        before = sorted(path.rglob("*"))
        with contextlib.suppress(shutil.Error):
            shutil.copytree(path, copy, ignore=shutil.ignore_patterns("LOCK"))
            if sorted(path.rglob("*")) == before:
                return
        shutil.rmtree(copy)


def test_rocksdb_after_a_kill_at_any_slice_repeats_a_replacement_to_the_same_end(tmp_path: Path) -> None:
    engine = opened(tmp_path / "node")
    put(engine, OLD)
    laid_down(engine)
    for number, _ in enumerate(engine.replace(RANGES, "load")):
        copied(tmp_path / "node", tmp_path / f"copy{number}")
    engine.close()

    assert number >= 3
    for copy in range(number + 1):
        after = opened(tmp_path / f"copy{copy}")
        assert set(after.scan(*ALL)) <= {*OLD.items(), *LOADED}
        replace(after, verify=True)
        assert dict(after.scan(*ALL)) == REPLACED
        after.close()


def test_rocksdb_keeps_a_replacement_that_was_never_synced(tmp_path: Path) -> None:
    engine = opened(tmp_path / "node")
    put(engine, OLD)
    laid_down(engine)
    replace(engine)
    copied(tmp_path / "node", tmp_path / "copy")
    engine.close()
    for log in (tmp_path / "copy/data").glob("*.log"):
        log.write_bytes(b"")  # as if nothing of the write-ahead log had reached the disk

    after = opened(tmp_path / "copy")

    assert dict(after.scan(*ALL)) == REPLACED
    after.close()


def sealed_files(path: Path) -> list[Path]:
    return sorted((path / "snapshots/load").glob("*.sst"))


def test_a_file_of_a_load_spans_one_kind_of_key(tmp_path: Path) -> None:
    engine = opened(tmp_path)
    laid_down(engine)

    assert len(sealed_files(tmp_path)) == 2
    engine.close()


@pytest.mark.parametrize("damage", ["flip", "truncate", "remove", "seal"])
def test_a_load_that_is_not_what_was_sealed_is_refused_before_anything_changes(tmp_path: Path, damage: str) -> None:
    engine = opened(tmp_path)
    put(engine, OLD)
    laid_down(engine)
    file = sealed_files(tmp_path)[0]
    content = file.read_bytes()
    if damage == "flip":
        file.write_bytes(content[:20] + bytes([content[20] ^ 1]) + content[21:])
    elif damage == "truncate":
        file.write_bytes(content[:-1])
    elif damage == "remove":
        file.unlink()
    else:
        (file.parent / "sealed").write_bytes(b"[")

    with pytest.raises(CorruptionError):
        engine.replace(RANGES, "load", verify=True)

    assert dict(engine.scan(*ALL)) == OLD
    engine.close()


def test_a_flipped_byte_passes_unnoticed_only_where_nobody_asks(tmp_path: Path) -> None:
    engine = opened(tmp_path)
    laid_down(engine)
    file = sealed_files(tmp_path)[0]
    content = file.read_bytes()
    file.write_bytes(content[:20] + bytes([content[20] ^ 1]) + content[21:])

    engine.replace(RANGES, "load")  # the test above would not notice a `verify` that does nothing: this one does

    engine.close()


def test_a_replacement_of_many_files_ends_below_everything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rocks, "_LOAD_FILE_BYTES", 1000)
    engine = opened(tmp_path)
    ranges = keys.group_ranges(1)
    prefix = keys.entity_prefix(1, 1)
    put(engine, {prefix + number.to_bytes(16): b"old" for number in range(1000)})
    load = engine.bulk_load("load")
    load.add([(prefix + number.to_bytes(16), bytes(100)) for number in range(0, 200)])
    load.seal()
    assert len(sealed_files(tmp_path)) > 10

    for _ in engine.replace(ranges, "load"):
        pass

    assert (engine.property("rocksdb.num-files-at-level6") or 0) > 10
    assert sum(1 for _ in engine.scan(*ranges[2])) == 200
    engine.close()


def test_a_file_system_without_hard_links_is_served_by_copies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> None:
        raise OSError("no hard links here")

    monkeypatch.setattr("themis_server.storage.loads.os.link", refused)
    engine = opened(tmp_path)
    put(engine, OLD)
    laid_down(engine)

    for _ in range(2):
        replace(engine, verify=True)

    assert dict(engine.scan(*ALL)) == REPLACED
    engine.close()
