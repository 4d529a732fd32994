"""What a start does before it reads any log: end what a crash cut off, and remove what nobody will ask for."""

from __future__ import annotations

from dataclasses import dataclass

from themis_server.replication.snapshot import destroy, install
from themis_server.storage.engine import Engine


@dataclass(frozen=True)
class Recovery:
    """What was done, for the log."""

    installed: tuple[int, ...] = ()
    removed: tuple[int, ...] = ()
    discarded: tuple[str, ...] = ()


def recover(log: Engine, state: Engine) -> Recovery:
    """End installations and removals, and discard what else was received: who sent it begins again.

    Args:
        log: the raft/ database, before anything was read of it.
        state: the data/ database, likewise.

    Raises:
        CorruptionError: an installation was under way and its content is gone or damaged.
    """
    removed = destroy.redo(log, state)
    installed = install.redo(log, state)
    discarded = tuple(state.bulk_loads())
    for name in discarded:
        state.discard_load(name)
    return Recovery(tuple(installed), tuple(removed), discarded)
