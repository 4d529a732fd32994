"""Which replica answers a request, how old what it has is, and what the answer says of that in its headers.

Every node forwards at once: what it may not answer itself, the leader answers. A node that is *held* has replicas that
stand still: they serve reads that allow it, unless a session has seen more.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from themis_conformance.names import NAME
from themis_conformance.scripted.call import Call
from themis_conformance.scripted.problems import Refusal
from themis_conformance.scripted.shape import Shape, node_id
from themis_conformance.scripted.store import Store

__all__ = ["Replicas", "Serving"]

_FOLLOWERS_LAG_MS: Final = 5
_HELD_LAG_MS: Final = 60_000
_MAX_LAG_MS: Final = 5_000
_VERSION_MAX: Final = (1 << 53) - 1
_WEAKER: Final = ("leader", "follower", "learner")


@dataclass(frozen=True)
class Serving:
    """Who answers for a shard.

    Attributes:
        shard: The shard.
        node: The number of the node; None while the shard has no leader.
        role: Of its replica.
        lag_ms: How far behind it may be.
        as_of: It has nothing newer than this version; None: it has everything.
    """

    shard: str
    node: int | None
    role: str
    lag_ms: int
    as_of: int | None = None


class Replicas:
    """Finds the replica that answers.

    Args:
        shape: Nodes and leaders.
        store: The data.
    """

    def __init__(self, shape: Shape, store: Store) -> None:
        self._shape = shape
        self._store = store

    def for_read(self, call: Call, query: dict[str, str], shard: str) -> Serving:
        """Who answers a read; raises Refusal for a session that is none."""
        session = _session(call)
        asked, held = call.node, self._shape.held.get(call.node)
        role = self._shape.role_of(asked, shard)
        level = query.get("consistency", "strong")
        if level == "strong" or role in (None, "leader"):
            return self.leader(shard)
        lag_ms = _FOLLOWERS_LAG_MS if held is None else _HELD_LAG_MS
        too_old = level == "bounded" and lag_ms > int(query.get("max_lag_ms", _MAX_LAG_MS))
        unseen = held is not None and session.get(shard, 0) > held
        if too_old or unseen:
            return self.leader(shard)
        return Serving(shard, asked, role, lag_ms, held)

    def leader(self, shard: str) -> Serving:
        """The leader's answer."""
        return Serving(shard, self._shape.leaders[shard], "leader", 0)

    def shard_of(self, uuid: str) -> str:
        """The shard of a uuid."""
        return self._shape.ring.shard_of(uuid)

    def headers(self, serving: Serving, *, version: int | None = None, read: bool = True) -> dict[str, str]:
        """What the answer of one shard says of it; `version` is the one that a write gave."""
        headers = {"Themis-Role": serving.role}
        if serving.node is not None:
            headers["Themis-Node"] = node_id(serving.node)
        if read:
            headers["Themis-Lag-Ms"] = str(serving.lag_ms)
        seen = self._store.seen(serving.shard, serving.as_of) if version is None else version
        if seen:
            headers["Themis-Session"] = f"{serving.shard}:{seen}"
        return headers

    def headers_of_many(self, asked: int, servings: list[Serving], *, read: bool = True) -> dict[str, str]:
        """What the answer of several shards says: who put it together, and the weakest of each."""
        if not servings:
            return {}
        headers = {
            "Themis-Node": node_id(asked),
            "Themis-Role": max((serving.role for serving in servings), key=_WEAKER.index),
        }
        if read:
            headers["Themis-Lag-Ms"] = str(max(serving.lag_ms for serving in servings))
        seen = {serving.shard: self._store.seen(serving.shard, serving.as_of) for serving in servings}
        token = ",".join(f"{shard}:{version}" for shard, version in sorted(seen.items()) if version)
        return headers | ({"Themis-Session": token} if token else {})

    def all_shards(self, call: Call, query: dict[str, str]) -> list[Serving]:
        """Who answers for each shard."""
        return [self.for_read(call, query, shard) for shard in self._shape.leaders]


def _session(call: Call) -> dict[str, int]:
    text = call.headers.get("themis-session")
    found: dict[str, int] = {}
    for part in text.split(",") if text is not None else ():
        shard, _, version = part.strip(" \t").partition(":")
        digits = version.isascii() and version.isdigit() and not version.startswith("0")
        if not NAME.fullmatch(shard) or not digits or int(version) > _VERSION_MAX:
            raise Refusal("invalid_header", f"{part!r} is no part of a session.", {"parameter": "Themis-Session"})
        found[shard] = max(found.get(shard, 0), int(version))
    return found
