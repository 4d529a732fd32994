"""The change feed of a shard: what remains of it, and for how long.

Events are written by the state machine, in the same atomic write as the change. Their keys carry the version, which
carries the time, so what is too old is one contiguous range. How long events are kept is each node's own affair and
not replicated.
"""

from __future__ import annotations

from collections.abc import Iterable

from themis_server.statemachine import version
from themis_server.storage import keys
from themis_server.storage.engine import Engine, Overlay


def expire_events(engine: Engine, shards: Iterable[int], oldest_ms: int) -> int:
    """Remove events that were written before `oldest_ms` (Unix time); return how many shards had any."""
    cut = version.from_unix_ms(oldest_ms)
    overlay = Overlay(engine)
    affected = 0
    for shard in shards:
        start, end = keys.event(shard, 0), keys.event(shard, cut)
        if next(iter(engine.scan(start, end, 1)), None) is not None:
            overlay.delete_range(start, end)
            affected += 1
    if affected:
        engine.write(overlay)
    return affected
