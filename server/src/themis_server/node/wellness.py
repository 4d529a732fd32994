"""Whether a node is fit to lead: one whose disk is full or slow makes every write of its shards wait or fail.

It says so in its report, which keeps the placer from giving it leaders, and hands over what it leads to nodes that are
well, as long as there are any. It goes on as a follower: a majority does not wait for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from themis_server.metadata.topology import NodeReport
from themis_server.node.observing import DriverObserver
from themis_server.observability.log import get_logger
from themis_server.replication.driver import Driver
from themis_server.replication.thread import DriverThread
from themis_server.storage.space import DiskSpace

SLOW_SYNC_S: Final = 0.25
"""A sync that takes longer than half the shortest election time-out is worth a change of leaders."""

_log = get_logger(__name__)


class Wellness:
    """Looks at the disk of this node and steps aside while it is not well. Belongs to the event loop."""

    def __init__(self, node_id: str, space: DiskSpace, observer: DriverObserver, thread: DriverThread) -> None:
        self._node_id = node_id
        self._space = space
        self._observer = observer
        self._thread = thread
        self._aside = False

    def complaints(self) -> list[str]:
        """Return what is wrong with this node, each a sentence for a person."""
        found = []
        if self._space.short() or self._observer.stalls:
            found.append("its disk is full up to the reserve: it refuses writes")
        sync_s = self._observer.sync_s()
        if sync_s > SLOW_SYNC_S:
            found.append(f"its disk is slow: a sync of the log takes {sync_s:.2f} s")
        return found

    def look(self, reports: Iterable[NodeReport]) -> None:
        """Step aside if this node is not well and another one is; come back when it is well again."""
        complaints = self.complaints()
        others = any(report.node_id != self._node_id and report.health == "healthy" for report in reports)
        aside = bool(complaints) and others
        if aside:
            self._tell(Driver.hand_over)  # again and again: it may have been elected since
        elif self._aside:
            self._tell(Driver.keep_leading)
        if aside != self._aside:
            self._aside = aside
            _log.warning("leadership.given.up" if aside else "leadership.kept", why="; ".join(complaints))

    def _tell(self, step: Callable[[Driver], None]) -> None:
        self._thread.call(step)
