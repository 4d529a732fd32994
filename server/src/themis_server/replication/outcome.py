"""What can become of a proposal or a read barrier, exactly."""

from __future__ import annotations

from typing import NamedTuple

from themis_server.statemachine.command import Result


class NotLeader(Exception):
    """This replica does not lead the group. Nothing happened. `leader` is who may know more, 0 if nobody is known."""

    def __init__(self, leader: int) -> None:
        super().__init__(f"not the leader; the leader is {leader or 'not known'}")
        self.leader = leader


class Busy(Exception):
    """The group takes no more at the moment. Nothing happened."""


class OutcomeUnknown(Exception):
    """The proposal was made, and whether it takes effect is not known."""


class Stalled(Exception):
    """The disk is full. Nothing happened."""


class Stopped(Exception):
    """The node is stopping. Nothing happened."""


class Proposal(NamedTuple):
    """An encoded command, and the handle under which its result is handed back."""

    command: bytes
    handle: object


class Completion(NamedTuple):
    """What became of a proposal or of a read barrier (for which `result` is None)."""

    handle: object
    result: Result | Exception | None
