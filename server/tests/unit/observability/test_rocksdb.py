from __future__ import annotations

from pathlib import Path

import rocksdict

from themis_server.observability.exposition import render
from themis_server.observability.metrics import Registry
from themis_server.observability.rocksdb import PROPERTIES, RocksdbFigures


def fail(name: str, failed: Exception) -> None:
    raise AssertionError(name) from failed


def test_every_property_is_shown_by_database_until_it_is_forgotten() -> None:
    registry = Registry()
    figures = RocksdbFigures(registry)
    figures.watch("raft", lambda name: 1)
    figures.watch("data", lambda name: None if name == "rocksdb.block-cache-usage" else 2)

    text = render(registry, fail).decode()

    assert 'themis_rocksdb_sst_bytes{db="raft"} 1\n' in text
    assert 'themis_rocksdb_sst_bytes{db="data"} 2\n' in text
    assert 'themis_rocksdb_block_cache_bytes{db="data"}' not in text
    assert "block_cache_bytes" not in figures.read("data")
    assert figures.read("raft")["background_errors_total"] == 1

    figures.forget("raft")
    assert 'db="raft"' not in render(registry, fail).decode()


def test_rocksdb_knows_every_property_we_ask_for(tmp_path: Path) -> None:
    db = rocksdict.Rdict(str(tmp_path / "db"), rocksdict.Options(raw_mode=True))

    values = {name: db.property_int_value(name) for name in PROPERTIES}

    db.close()
    assert [name for name, value in values.items() if value is None] == []
