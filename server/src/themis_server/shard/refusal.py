"""The ends of a request to a replica that are no answer, told apart by what may be done next.

Refused              nothing happened here; another replica, or this one later, may do it
Lost                 the request was sent, and whether anything came of it is not known
ThemisServerError    the answer is an error, and would be the same elsewhere
"""

from __future__ import annotations

from enum import StrEnum

from themis_server.errors import ErrorCode, ThemisServerError


class Reason(StrEnum):
    """Why a replica does not do what it is asked. Sent to other nodes: only ever add."""

    NOT_LEADER = "not_leader"
    NOT_HOSTED = "not_hosted"
    """The node has no replica of the shard."""
    STALE_EPOCH = "stale_epoch"
    """Who asks has placed the keys by a token table that is not in force any more."""
    BUSY = "busy"
    """Its leader is being changed."""
    STOPPING = "stopping"
    UNREACHABLE = "unreachable"
    """The node could not be asked."""
    TOO_OLD = "too_old"
    """It cannot prove to be as fresh as it must."""
    UNSEEN = "unseen"
    """It has not applied what the session has seen."""
    DISK_FULL = "disk_full"
    """It takes no writes, and soon leads no more. Not sent: by its code the origin makes it of the error."""


_CODES = {
    Reason.NOT_HOSTED: ErrorCode.WRONG_SHARD,
    Reason.STALE_EPOCH: ErrorCode.STALE_EPOCH,
    Reason.STOPPING: ErrorCode.SHUTTING_DOWN,
    Reason.UNREACHABLE: ErrorCode.NODE_UNREACHABLE,
    Reason.TOO_OLD: ErrorCode.LAG_EXCEEDED,
    Reason.UNSEEN: ErrorCode.SESSION_NOT_REACHED,
    Reason.DISK_FULL: ErrorCode.DISK_FULL,
}


class Refused(ThemisServerError):
    """Nothing happened here, and it may happen elsewhere or later.

    Args:
        reason: why.
        detail: one sentence for a person, in case nobody else does it either.
        leader: the Raft id of the replica to ask, 0 if that is not known.
        fields: as of every error.
    """

    __slots__ = ("leader", "reason")

    def __init__(self, reason: Reason, detail: str, /, leader: int = 0, **fields: object) -> None:
        super().__init__(_CODES.get(reason, ErrorCode.NO_LEADER), detail, **fields)
        self.reason = reason
        self.leader = leader


class Lost(Exception):
    """A request to a node was sent and not answered: what came of it is not known."""


def unreachable(node_id: str, why: object) -> Refused:
    """Say that a node could not be asked, so that nothing happened."""
    return Refused(Reason.UNREACHABLE, f"node {node_id} cannot be reached ({why})", retry_after_s=1)
