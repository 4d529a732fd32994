"""The two databases as the driver writes them: the log with its sync, the state, and the patience with a full disk."""

from __future__ import annotations

from collections.abc import Callable

from themis_server.clock import Clock
from themis_server.replication.log import Log
from themis_server.replication.ports import Observer
from themis_server.storage.engine import DiskFull, Engine, Overlay


class Disk:
    """Belongs to the driver."""

    def __init__(
        self,
        log: Log,
        state: Engine,
        clock: Clock,
        observer: Observer,
        wait_for_space: Callable[[], None] | None,
        *,
        sync: bool,
    ) -> None:
        self._log = log
        self._state = state
        self._clock = clock
        self._observer = observer
        self._wait_for_space = wait_for_space
        self._sync = sync

    def log(self, write: Overlay, entries: int, size_bytes: int, *, must_sync: bool) -> None:
        """Put `write`, which has so many entries of so many bytes, into the log; durable with `must_sync`."""
        self.until_space(lambda: self._log.commit(write, sync=False), self._log.reopen)
        sync_s = 0.0
        if must_sync and self._sync:
            started_s = self._clock.monotonic_s()
            self._log.sync()
            sync_s = self._clock.monotonic_s() - started_s
        if entries:
            self._observer.logged(entries, size_bytes, sync_s)

    def apply(self, overlay: Overlay) -> None:
        """Make the effects of committed entries visible."""
        self.until_space(lambda: self._state.write(overlay), self._state.reopen)

    def chore(self, slice_of_it: Callable[[], None]) -> None:
        """Do a piece of work on both databases, which can be begun again."""

        def reopen() -> None:
            self._log.reopen()
            self._state.reopen()

        self.until_space(slice_of_it, reopen)

    def until_space(self, write: Callable[[], None], reopen: Callable[[], None]) -> None:
        """Write, and where the disk is full try the very same again until it is not.

        The entries are promised to Raft already. What a failed attempt left behind in a write-ahead log is either an
        incomplete record, which opening it again cuts off, or the very same batch, which may be written twice.
        """
        try:
            write()
            return
        except DiskFull:
            if self._wait_for_space is None:
                raise
        self._observer.stalled(True)
        while True:
            self._wait_for_space()
            try:
                reopen()
                write()
            except DiskFull:
                continue
            self._observer.stalled(False)
            return
