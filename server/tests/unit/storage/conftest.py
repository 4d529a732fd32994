from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from themis_server.storage.engine import Engine
from themis_server.storage.memory import MemoryEngine
from themis_server.storage.rocks import RocksEngine, Role


@pytest.fixture(params=["memory", "rocks-state", "rocks-log"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """Give each engine in turn: what holds for one holds for all."""
    made: Engine
    if request.param == "memory":
        made = MemoryEngine()
    else:
        role = Role.STATE if request.param == "rocks-state" else Role.LOG
        made = RocksEngine(tmp_path / "db", role, block_cache_bytes=1 << 20, write_buffer_bytes=1 << 20)
    yield made
    made.close()
