"""Which groups this node replicates: what the topology says, made so.

    topology, reports --> duties (pure) --> driver: groups added, told whom they shall consist of, removed

Belongs to the event loop; what it wants of the driver it has done on the driver's thread.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping

from themis_server.config import Raft
from themis_server.metadata import duties
from themis_server.metadata.topology import NodeReport, Topology
from themis_server.observability.log import get_logger
from themis_server.replication.driver import Driver
from themis_server.replication.group import Group, RaftTiming
from themis_server.replication.log import Log
from themis_server.replication.membership import Members
from themis_server.replication.outcome import Busy
from themis_server.replication.thread import DriverThread
from themis_server.statemachine import meta
from themis_server.statemachine.data import DataMachine
from themis_server.statemachine.machine import Machine
from themis_server.storage.engine import Reader

_log = get_logger(__name__)


class Groups:
    """Makes the groups of this node: from its log, at the beginning of a cluster, or waiting for a snapshot.

    Args:
        log: The log database.
        state: What machines read of the state.
        me: This node's raft id.
        raft: The settings.
    """

    def __init__(self, log: Log, state: Reader, me: int, raft: Raft) -> None:
        self._log = log
        self._state = state
        self._me = me
        self.timing = RaftTiming(raft.election_ticks, raft.heartbeat_ticks, raft.tick_ms / 1000)
        self._metadata: meta.MetadataMachine | None = None
        self._replaced = False

    def machine(self, group: int) -> Machine:
        """Make the machine of a group from the state as it is."""
        if group == meta.GROUP:
            self._replaced = self._metadata is not None
            self._metadata = meta.MetadataMachine(self._state)
            return self._metadata
        return DataMachine(group, self._state)

    def collect_changes(self) -> tuple[list[meta.Change], bool]:
        """Return what the metadata's machine applied since the last call, and whether a snapshot replaced it before.

        On the driver's thread.
        """
        if self._metadata is None:
            return [], False
        replaced, self._replaced = self._replaced, False
        return self._metadata.collect_changes(), replaced

    def recovered(self) -> list[Group]:
        """Return the groups that this node has a log of; raises `CorruptionError`."""
        return [
            Group(number, self._me, (), self.machine(number), self._log.recover(number), self.timing)
            for number in self._log.groups()
        ]

    def founding(self, numbers: range) -> list[Group]:
        """Return the groups of a new cluster, of which this node is the only voter."""
        return [Group(number, self._me, (self._me,), self.machine(number), None, self.timing) for number in numbers]

    def waiting(self, number: int) -> Group:
        """Return a replica that waits for its leader to send it the state."""
        recovered = self._log.recover(number)
        return Group(
            number,
            self._me,
            (),
            self.machine(number),
            recovered,
            self.timing,
            hard_state=None if recovered else self._log.tombstone(number),
        )


class Hosting:
    """Keeps the driver's groups in line with the topology."""

    def __init__(self, thread: DriverThread, groups: Groups, node_id: str, changed: Callable[[], None]) -> None:
        """Prepare.

        Args:
            thread: The driver's thread.
            groups: Makes new replicas.
            node_id: This node.
            changed: Called on the event loop after groups came or went.
        """
        self._thread = thread
        self._groups = groups
        self._node_id = node_id
        self._changed = changed
        self._turn = asyncio.Lock()
        self._topology: Topology | None = None

    async def follow(self, topology: Topology, reports: Mapping[str, NodeReport]) -> None:
        """Bring the driver in line with a topology; waits until it is."""
        async with self._turn:
            members = duties.memberships(topology)
            mine = frozenset(duties.memberships_of(topology, self._node_id))
            hosted = frozenset(self._thread.views)
            gone = duties.retired(topology, reports, self._node_id, hosted)
            others = frozenset(node.raft_id for node in topology.nodes if node.node_id != self._node_id)

            def apply(driver: Driver) -> tuple[list[int], list[int]]:
                driver.set_peers(others)
                # A replica that was let go of never takes part again: if it is wanted, it is begun anew.
                out = {group for group, view in driver.views.items() if view.released}
                removed = [group for group in sorted(gone | out) if _removed(driver, group)]
                added = []
                for group in sorted(mine - frozenset(driver.views)):
                    if not driver.is_removing(group):  # its data is still going; the next time round it is gone
                        driver.add_group(self._groups.waiting(group))
                        added.append(group)
                for group, wanted in members.items():
                    driver.set_members(group, Members(wanted.voters, wanted.learners), wanted.epoch)
                return added, removed

            added, removed = await asyncio.wrap_future(self._thread.call(apply))
            self._topology = topology
            if added or removed:
                _log.info("replicas.changed", added=added, removed=removed, epoch=topology.epoch)
                self._changed()

    def witnessed(self, led: Iterable[int]) -> int:
        """Return the epoch up to which this node, as the leader of `led`, knows whom the groups shall consist of."""
        return 0 if self._topology is None else duties.witnessed_epoch(self._topology, led)


def _removed(driver: Driver, group: int) -> bool:
    try:
        driver.remove_group(group)
    except Busy:  # it is still spoken to as a member: later
        return False
    return True
