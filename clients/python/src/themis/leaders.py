"""Who leads which shard, as far as this client has been told.

Leaders move without a new epoch of the topology, and nodes learn of it at different moments: two of them may each say
that they lead. The Raft term decides: in each term a shard has one leader, and the greater term is the later one. What
an answer says (`Themis-Node` with `Themis-Role: leader`) has no term; it is a *hint*, newer than the topology we have,
and stands until a topology of a greater term comes.

No I/O and no locks: the router calls `take` and `hint` under its own lock; `of` may be called at any time.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from themis.transport.message import Endpoint

__all__ = ["Claim", "Leaders"]


class Claim(NamedTuple):
    """What a topology says of one shard: who leads it, since which term, and where its replicas are.

    `term` is 0 where the topology does not say it.
    """

    shard_id: str
    leader: Endpoint | None
    term: int
    replicas: tuple[Endpoint, ...]


class _Known(NamedTuple):
    term: int
    leader: Endpoint | None
    hinted: bool


_NOTHING = _Known(0, None, False)


class Leaders:
    """The leader of each shard."""

    __slots__ = ("_known",)

    def __init__(self) -> None:
        self._known: dict[str, _Known] = {}

    def of(self, shard_id: str) -> Endpoint | None:
        """The node that leads a shard; None while nobody is known to."""
        known = self._known.get(shard_id)
        return known.leader if known is not None else None

    def take(self, claims: Iterable[Claim]) -> None:
        """A topology was taken: believe it where it is newer than what is known."""
        self._known = {claim.shard_id: _judged(claim, self._known.get(claim.shard_id, _NOTHING)) for claim in claims}

    def hint(self, shard_id: str, leader: Endpoint) -> bool:
        """A node has answered as the leader of a shard; True when that is news."""
        known = self._known.get(shard_id)
        if known is None or known.leader == leader:
            return False
        self._known[shard_id] = _Known(known.term, leader, hinted=True)
        return True


def _judged(claim: Claim, known: _Known) -> _Known:
    if claim.leader is None:
        # Whoever says so has lost sight of the old one, too. The term stays: an older claim must not come back.
        return _Known(known.term, None, hinted=False)
    older = claim.term < known.term
    if older or (claim.term == known.term > 0 and known.hinted):
        if known.leader in claim.replicas:
            return known
        return _Known(known.term, None if older else claim.leader, hinted=False)
    return _Known(claim.term, claim.leader, hinted=False)
