"""What the metrics and this node's report want to know of all its groups, gathered on the Raft thread in one visit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from themis_server.replication.driver import Driver

_LAG_ENTRIES: Final = 1000
"""A voter that lacks more than so many entries could not take over the lead."""


@dataclass(frozen=True)
class Survey:
    """The groups of a node at one moment.

    Args:
        lagging: Groups led here with a voter that lacks more than a few entries.
        behind: By raft id of a member, the most committed entries that it is not known to have, over the groups led
            here.
        unapplied: By group, entries that are committed and not yet applied here.
        log_bytes: Size of all logs.
        log_entries: Entries in all logs.
    """

    lagging: tuple[int, ...] = ()
    behind: Mapping[int, int] = field(default_factory=dict)
    unapplied: Mapping[int, int] = field(default_factory=dict)
    log_bytes: int = 0
    log_entries: int = 0


def survey(driver: Driver) -> Survey:
    """Look at all groups; on the Raft thread.

    Members of a group that sleeps lack nothing, and are not looked at one by one.
    """
    lagging: list[int] = []
    behind: dict[int, int] = {}
    unapplied: dict[int, int] = {}
    log_bytes = log_entries = 0
    for group in driver.groups.values():
        log_bytes += group.size.bytes
        log_entries += max(group.last_logged - group.start.index, 0)
        unapplied[group.id] = max(group.raft.commit - group.machine.state.applied_index, 0)
        if not group.view.is_leader:
            continue
        if group.view.quiesced:
            for member in group.others:
                behind.setdefault(member, 0)
            continue
        status = group.status()
        for member in group.others:
            lacks = max(status.commit - status.match.get(member, 0), 0)
            behind[member] = max(behind.get(member, 0), lacks)
        if any(status.commit - status.match.get(voter, 0) > _LAG_ENTRIES for voter in status.voters):
            lagging.append(group.id)
    return Survey(tuple(lagging), behind, unapplied, log_bytes, log_entries)
