from __future__ import annotations

import pytest

from server.tests.unit.statemachine.feeding import EVERYTHING, NOW_MS, SHARD, Fed, put
from themis_server.shard.changefeed import expire_events
from themis_server.storage import keys
from themis_server.storage.engine import DiskFull
from themis_server.storage.memory import MemoryEngine


def events(engine: MemoryEngine, shard: int = SHARD) -> int:
    return len(list(engine.scan(keys.event(shard, 0), keys.event(shard + 1, 0))))


def written() -> tuple[Fed, MemoryEngine]:
    """Write three entities, a second apart."""
    engine = MemoryEngine()
    fed = Fed(engine)
    for number in range(3):
        fed.now_ms = NOW_MS + 1000 * number
        fed.one(put(number))
    return fed, engine


@pytest.mark.parametrize(("oldest_ms", "left"), [(0, 3), (NOW_MS, 3), (NOW_MS + 1, 2), (NOW_MS + 2001, 0)])
def test_events_go_by_the_time_of_their_write(oldest_ms: int, left: int) -> None:
    _, engine = written()

    affected = expire_events(engine, [SHARD, SHARD + 1], oldest_ms)

    assert events(engine) == left
    assert affected == (1 if left < 3 else 0)


def test_nothing_but_events_goes() -> None:
    _, engine = written()
    others = {key: value for key, value in engine.scan(*EVERYTHING) if not key.startswith(b"F")}

    expire_events(engine, [SHARD], NOW_MS + 9999)

    assert dict(engine.scan(*EVERYTHING)) == others


def test_without_old_events_nothing_is_written() -> None:
    _, engine = written()
    engine.full = True

    assert expire_events(engine, [SHARD], NOW_MS) == 0
    with pytest.raises(DiskFull):
        expire_events(engine, [SHARD], NOW_MS + 9999)
