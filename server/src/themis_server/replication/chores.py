"""What takes a driver more than a turn: the installation of a snapshot, and the removal of a replica.

Each goes on by one short slice a turn, so the other groups of the node do not wait for it. A group whose snapshot is
being installed keeps its Ready out meanwhile: the core goes on ticking and taking messages, and hands out nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass

import themis_raft
from themis_server.replication.disk import Disk
from themis_server.replication.group import Completion, Group
from themis_server.replication.log import HardState
from themis_server.replication.ports import Snapshots
from themis_server.replication.work import Arrived
from themis_server.statemachine.machine import Machine
from themis_server.storage.engine import DiskFull

_END = object()


class UnexpectedSnapshot(Exception):
    """The core handed out a snapshot whose content nobody staged: a bug."""


@dataclass
class _Chore:
    group: Group
    begin: Callable[[], Iterator[None]]
    """Makes the steps anew: after a full disk they are gone through from the first again."""
    steps: Iterator[None]
    ended: bool = False

    def go_on(self) -> None:
        """Do the next slice."""
        try:
            self.ended = next(self.steps, _END) is _END
        except DiskFull:
            self.steps = self.begin()
            raise


@dataclass
class _Installation:
    ready: themis_raft.Ready
    snapshot: themis_raft.Snapshot
    chore: _Chore


class Chores:
    """Belongs to the driver."""

    def __init__(self, snapshots: Snapshots | None, machine: Callable[[int], Machine] | None) -> None:
        self._snapshots = snapshots
        self._machine = machine
        self._staged: dict[int, Arrived] = {}
        self._installing: dict[int, _Installation] = {}
        self._removing: dict[int, _Chore] = {}
        self._provided: dict[int, bytes] = {}

    def __bool__(self) -> bool:
        return bool(self._installing or self._removing)

    def is_installing(self, group_id: int) -> bool:
        """Whether a snapshot is taking the place of a group's state."""
        return group_id in self._installing

    def is_removing(self, group_id: int) -> bool:
        """Whether an earlier replica of a group is being removed."""
        return group_id in self._removing

    # Snapshots of others

    def stage(self, arrived: Arrived) -> None:
        """Keep the content of a snapshot until Raft has seen the message; `discard_unused` lets go of it."""
        assert self._snapshots is not None
        earlier = self._staged.pop(arrived.group, None)
        if earlier is not None:
            self._snapshots.discard(earlier.staged)
        self._staged[arrived.group] = arrived

    def discard_unused(self) -> None:
        """Forget what Raft had no use for: it has that already, or heard of another leader."""
        if self._snapshots is not None:
            for arrived in self._staged.values():
                self._snapshots.discard(arrived.staged)
        self._staged.clear()

    def install(self, group: Group, ready: themis_raft.Ready, snapshot: themis_raft.Snapshot) -> None:
        """Begin to put a snapshot in place of a group's state, which from now on must not be read."""
        arrived = self._staged.pop(group.id, None)
        if arrived is None or self._snapshots is None:
            raise UnexpectedSnapshot(f"group {group.id} was handed a snapshot without content")
        if ready.hard_state is not None:
            group.hard_state = HardState(*ready.hard_state)
        group.view.installs += 1
        snapshots, staged, hard_state = self._snapshots, arrived.staged, group.hard_state

        def begin() -> Iterator[None]:
            return snapshots.install(group.id, staged, snapshot, hard_state)

        self._installing[group.id] = _Installation(ready, snapshot, _Chore(group, begin, begin()))

    def step(self, disk: Disk) -> list[tuple[Group, themis_raft.Ready, list[Completion]]]:
        """Go on by a slice; return the groups that now stand on their snapshot, and the proposals that ended by it."""
        for group_id, removal in list(self._removing.items()):
            disk.chore(removal.go_on)
            if removal.ended:
                del self._removing[group_id]
        finished = []
        for group_id, installation in list(self._installing.items()):
            chore = installation.chore
            disk.chore(chore.go_on)
            if not chore.ended:
                continue
            if self._machine is None:
                raise UnexpectedSnapshot(f"group {group_id} has no machine to go on with")
            del self._installing[group_id]
            ended = chore.group.installed(installation.snapshot, self._machine(group_id))
            chore.group.refresh_view()
            chore.group.view.installs += 1
            finished.append((chore.group, installation.ready, ended))
        return finished

    # Snapshots for others

    def serve(self, group: Group) -> None:
        """Have a snapshot made for the replicas that need one: the core sends it to all of them."""
        assert self._snapshots is not None
        wanted = group.raft.snapshot_requests()
        if not wanted:
            return
        # From before the last change of members it would not know its receiver, which then would not take it.
        lowest = max(group.members_since, *(index for _, index in wanted))
        provided = self._snapshots.request(group.id, wanted[0][0], lowest, group.start.membership)
        if provided is not None:
            self._provided[group.id] = provided.manifest
            with suppress(themis_raft.StorageError):  # the log was cut past it; the replica will ask again
                group.raft.provide_snapshot(provided.index, provided.term, provided.conf_state, provided.manifest)

    def send(self, group: Group, to: int, message: bytes) -> None:
        """Send a snapshot: its content does not fit into an envelope."""
        manifest = self._provided.get(group.id)
        if self._snapshots is not None and manifest is not None:
            self._snapshots.outgoing(group.id, to, message, manifest)
        else:
            group.raft.report_snapshot(to, False)

    def members_changed(self, group: Group) -> None:
        """Offer no more what was made under other members."""
        if self._provided.pop(group.id, None) is not None:
            group.raft.discard_snapshot()

    def released(self, group: Group, manifest: bytes) -> None:
        """Take note that the content of a snapshot is no longer kept."""
        if self._provided.get(group.id) == manifest:
            del self._provided[group.id]
            group.raft.discard_snapshot()

    # Removal

    def remove(self, group: Group) -> None:
        """Begin to destroy a replica."""
        if self._snapshots is None:
            raise ValueError("nobody was named who could destroy a replica")
        self._provided.pop(group.id, None)
        snapshots, installation = self._snapshots, self._installing.pop(group.id, None)

        def begin() -> Iterator[None]:
            return snapshots.destroy(group.id, group.hard_state)

        def after_installation(steps: Iterator[None]) -> Iterator[None]:
            yield from steps  # the rest of it, so that nothing of it comes after
            yield from begin()

        steps = begin() if installation is None else after_installation(installation.chore.steps)
        self._removing[group.id] = _Chore(group, begin, steps)
