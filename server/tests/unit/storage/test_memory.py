from __future__ import annotations

import pytest

from themis_server.storage.engine import DiskFull, Overlay
from themis_server.storage.memory import MemoryEngine


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
