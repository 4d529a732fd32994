"""Forgetting log entries that the durable state holds and nobody is to be sent any more.

In three steps, because the state's sync may be long and must not hold up the driver: `due` says what could go, the
caller syncs the state, `compact` lets go of it. A leader says so to its members (`Envelope.trimmed`), which know of
nobody's progress by themselves and forget as much.
"""

from __future__ import annotations

from collections.abc import Mapping

from themis_server.replication.chores import Chores
from themis_server.replication.disk import Disk
from themis_server.replication.group import Group
from themis_server.replication.log import Log
from themis_server.replication.peers import Peers
from themis_server.replication.work import DriverLimits


class Compaction:
    """Belongs to the driver."""

    def __init__(
        self, groups: Mapping[int, Group], log: Log, disk: Disk, chores: Chores, peers: Peers, limits: DriverLimits
    ) -> None:
        self._groups = groups
        self._log = log
        self._disk = disk
        self._chores = chores
        self._peers = peers
        self._limits = limits

    def due(self, *, idle: bool) -> dict[int, int]:
        """Return the groups whose log is longer than it needs to be, with the index that the state holds and nobody
        lacks.

        An `idle` node compacts whatever it can: a short log is a quick start and little memory.
        """
        due = {}
        limits = self._limits
        for group in self._groups.values():
            held = group.machine.state.applied_index - group.start.index
            if held > 0 and (idle or held >= limits.compact_entries or group.size.bytes >= limits.compact_bytes):
                index = group.compactable(limits.retain_bytes)
                if index > group.start.index and not self._chores.is_installing(group.id):
                    due[group.id] = index
        return due

    def compact(self, due: dict[int, int]) -> None:
        """Forget what was due. Between, a group may have gone, or begun anew from a snapshot."""
        write = self._log.new_write()
        for group_id, index in due.items():
            group = self._groups.get(group_id)
            if group is None or not group.start.index < index <= group.raft.applied:
                continue
            if self._chores.is_installing(group_id):
                continue
            group.compact(index, write)
            if group.is_leader:
                for member in sorted(group.others):
                    self._peers.mail.to(member).trimmed.append((group_id, group.start.index))
        if write:
            self._disk.log(write, 0, 0, must_sync=False)
        self._peers.flush()
