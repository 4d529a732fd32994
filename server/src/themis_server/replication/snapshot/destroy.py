"""A group that leaves the node: its state and its log go, its hard state stays.

    1  raft/   X noted, H saved, N removed                synced: from here on it will be done
    2  data/   the group's ranges emptied, one a slice; synced
    3  raft/   the log, S and X removed                   synced

The hard state is a tombstone: if the replica comes back, the node still knows what it has voted for.
"""

from __future__ import annotations

from collections.abc import Iterator

from themis_server.replication.log import HardState, Log
from themis_server.storage import keys
from themis_server.storage.engine import Engine, Overlay


def destroy(log: Engine, state: Engine, group: int, hard_state: HardState) -> Iterator[None]:
    """Yield after each slice of a removal. May be repeated after `DiskFull`, and is, after a crash, by `redo`.

    Args:
        log: the raft/ database.
        state: the data/ database.
        group: which group.
        hard_state: its last one.
    """
    begun = Overlay(log)
    begun.put(keys.pending_removal(group), b"")
    begun.delete(keys.pending_install(group))
    Log.save_hard_state(begun, group, hard_state)
    log.write(begun)
    log.sync()
    yield
    yield from _rest(log, state, group)


def _rest(log: Engine, state: Engine, group: int) -> Iterator[None]:
    for start, end in keys.group_ranges(group):
        emptied = Overlay(state)
        emptied.delete_range(start, end)
        state.write(emptied)
        yield
    state.sync()
    yield
    ended = Overlay(log)
    ended.delete_range(*keys.log_range(group, 0, (1 << 64) - 2))
    ended.delete(keys.log_start(group))
    ended.delete(keys.pending_removal(group))
    log.write(ended)
    log.sync()
    yield


def redo(log: Engine, state: Engine) -> list[int]:
    """End the removals that a crash cut off; return their groups."""
    groups = [int.from_bytes(key[1:]) for key, _ in log.scan(*keys.pending_removals())]
    for group in groups:
        for _ in _rest(log, state, group):
            pass
    return groups


def reclaim(state: Engine, group: int) -> None:
    """Give the space of a removed group back to the disk. Takes seconds, with the GIL released: not for a loop."""
    for start, end in keys.group_ranges(group):
        state.compact(start, end)
