from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from themis_server.storage.engine import CorruptionError, DirectoryLocked, DiskFull, EngineError, Overlay
from themis_server.storage.rocks import RocksEngine, Role, _translated


def opened(path: Path, role: Role = Role.STATE) -> RocksEngine:
    return RocksEngine(path, role, block_cache_bytes=1 << 20, write_buffer_bytes=1 << 20)


def put(engine: RocksEngine, pairs: dict[bytes, bytes]) -> None:
    overlay = Overlay(engine)
    for key, value in pairs.items():
        overlay.put(key, value)
    engine.write(overlay)


@pytest.mark.parametrize("role", Role)
def test_what_was_written_is_there_after_a_restart(tmp_path: Path, role: Role) -> None:
    engine = opened(tmp_path, role)
    put(engine, {b"a": b"1"})
    engine.sync()
    engine.close()

    reopened = opened(tmp_path, role)

    assert reopened.get(b"a") == b"1"
    reopened.close()


def test_a_database_is_opened_once_at_a_time(tmp_path: Path) -> None:
    engine = opened(tmp_path)

    with pytest.raises(DirectoryLocked, match="does not open"):
        opened(tmp_path)
    engine.close()


def test_reads_of_another_thread_wait_while_it_is_opened_again(tmp_path: Path) -> None:
    engine = opened(tmp_path)
    put(engine, {b"a": b"1"})
    ended = threading.Event()

    def reopen() -> None:
        try:
            for _ in range(5):
                engine.reopen()
        finally:
            ended.set()

    thread = threading.Thread(target=reopen)
    thread.start()
    reads = 0
    while not ended.is_set():
        assert engine.get(b"a") == b"1"
        assert engine.multi_get([b"a", b"b"]) == [b"1", None]
        assert list(engine.scan(b"a", b"b")) == [(b"a", b"1")]
        reads += 1
        time.sleep(0.001)
    thread.join()
    engine.close()
    assert reads


@pytest.mark.parametrize("role", Role)
def test_a_flipped_byte_in_a_table_file_is_never_served(tmp_path: Path, role: Role) -> None:
    engine = opened(tmp_path, role)
    put(engine, {b"key%03d" % number: b"v" * 100 for number in range(100)})
    engine.close()
    (table,) = tmp_path.glob("*.sst")
    damaged = bytearray(table.read_bytes())
    damaged[100] ^= 0xFF
    table.write_bytes(damaged)

    with pytest.raises(CorruptionError):
        opened(tmp_path, role).get(b"key000")


def test_damage_before_the_tail_of_the_log_refuses_to_open(tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    copy.mkdir()
    engine = opened(tmp_path / "db", Role.LOG)
    for number in range(50):
        put(engine, {b"entry%02d" % number: b"v" * 1000})
    engine.sync()
    for file in (tmp_path / "db").iterdir():  # as a power failure would leave it: nothing flushed, nothing closed
        if file.name != "LOCK":
            (copy / file.name).write_bytes(file.read_bytes())
    engine.close()
    (wal,) = [file for file in copy.glob("*.log") if file.stat().st_size > 10_000]
    damaged = bytearray(wal.read_bytes())
    damaged[5_000] ^= 0xFF
    wal.write_bytes(damaged)

    with pytest.raises(CorruptionError):
        opened(copy, Role.LOG)


def test_a_torn_record_at_the_tail_of_the_log_is_cut(tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    copy.mkdir()
    engine = opened(tmp_path / "db", Role.LOG)
    put(engine, {b"whole": b"1"})
    put(engine, {b"torn": b"v" * 1000})
    engine.sync()
    for file in (tmp_path / "db").iterdir():
        if file.name != "LOCK":
            (copy / file.name).write_bytes(file.read_bytes())
    engine.close()
    (wal,) = [file for file in copy.glob("*.log") if file.stat().st_size > 1000]
    wal.write_bytes(wal.read_bytes()[:-10])

    recovered = opened(copy, Role.LOG)

    assert (recovered.get(b"whole"), recovered.get(b"torn")) == (b"1", None)
    recovered.close()


def test_properties_are_numbers_or_absent(tmp_path: Path) -> None:
    engine = opened(tmp_path)
    put(engine, {b"a": b"1"})

    assert engine.property("rocksdb.num-entries-active-mem-table") == 1
    assert engine.property("rocksdb.no-such-thing") is None
    engine.close()


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("IO error: No space left on device: While appending to file: /d/000004.log", DiskFull),
        ("Space limit reached", DiskFull),
        ("IO error: While lock file: /d/LOCK: Resource temporarily unavailable", DirectoryLocked),
        ("IO error: lock hold by current process, acquire time 1: /d/LOCK: No locks available", DirectoryLocked),
        ("Corruption: block checksum mismatch", CorruptionError),
        ("IO error: Input/output error", EngineError),
    ],
)
def test_errors_are_told_apart_by_what_is_to_be_done(text: str, kind: type[EngineError]) -> None:
    assert type(_translated(Exception(text), "a write failed")) is kind
