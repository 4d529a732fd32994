"""Who answered, and how much of each shard the answer has seen: for one shard, and put together for many."""

from __future__ import annotations

import msgspec

from themis_server.shard.reading import ROLES


class Served(msgspec.Struct, frozen=True, gc=False):
    """The replica that answered for one shard. (A struct, because one is made for every read, and it is the cheapest.)

    `lag_ms` is how far behind it may be, None if that is not known; `version` what the answer has seen of the shard.
    """

    node_id: str
    shard_id: str
    role: str
    lag_ms: int | None
    version: int


class Sources:
    """The replicas that answered for the shards of one request.

    The answer as a whole is as weak as the weakest of them, and behind by as much as the one that lags most.
    """

    def __init__(self, me: str) -> None:
        self._me = me
        self._nodes: set[str] = set()
        self._role = 0
        self._lag_ms: int | None = 0
        self.session: dict[str, int] = {}
        """From shard id to the version that was seen."""

    def add(self, served: Served) -> None:
        """Take one more answer; of several for one shard the session keeps the greatest version."""
        self._nodes.add(served.node_id)
        self._role = max(self._role, ROLES.index(served.role) if served.role in ROLES else 1)
        if served.lag_ms is None or self._lag_ms is None:
            self._lag_ms = None
        else:
            self._lag_ms = max(self._lag_ms, served.lag_ms)
        if served.version > self.session.get(served.shard_id, 0):
            self.session[served.shard_id] = served.version

    def wrote(self, node_id: str, shard_id: str, version: int) -> None:
        """Take the answer to a write, which a leader gave."""
        self.add(Served(node_id, shard_id, ROLES[0], 0, version))

    @property
    def empty(self) -> bool:
        """Whether no replica answered anything."""
        return not self._nodes

    @property
    def node_id(self) -> str:
        """The node that answered; of several, this one, which put their answers together."""
        return next(iter(self._nodes)) if len(self._nodes) == 1 else self._me

    @property
    def role(self) -> str:
        """The weakest role among the replicas."""
        return ROLES[self._role]

    @property
    def lag_ms(self) -> int | None:
        """The largest lag among them; None if one is not known."""
        return self._lag_ms
