"""Followers learn how far the log is committed from the next entries, and a little later where none follow.

A message to each of them for each commit would cost as much as the entries themselves: a further turn and an answer of
every follower. So a leader notes what it committed, and when `tell` comes round tells those who have not heard of it
since. Whoever waits for a read barrier is told with its answer, and a successor before it is to stand.
"""

from __future__ import annotations

from collections.abc import Mapping

from themis_server.replication.group import Group


class CommitNews:
    """What is committed and may not have been said yet. Belongs to the driver."""

    def __init__(self, groups: Mapping[int, Group]) -> None:
        self._groups = groups
        self._committed: dict[int, int] = {}

    def __bool__(self) -> bool:
        return bool(self._committed)

    def note(self, group: Group) -> None:
        """Take note that a group that is led here has committed something."""
        if group.id not in self._committed:
            self._committed[group.id] = group.raft.commit

    def tell(self) -> list[Group]:
        """Have it said what was noted, where no other message has said so; return the groups that have messages now.

        What was committed after that has time until the next call: entries that follow may say it by then.
        """
        due, self._committed = self._committed, {}
        speaking = []
        for group_id, index in due.items():
            group = self._groups.get(group_id)
            if group is None or not group.is_leader:
                continue
            if group.raft.tell_commit(index):
                speaking.append(group)
            elif group.raft.commit > index:
                self.note(group)
        return speaking
