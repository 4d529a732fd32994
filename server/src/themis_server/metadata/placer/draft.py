"""The next topology in the making: which shards change, and how many more may."""

from __future__ import annotations

from collections.abc import Sequence

from themis_server.metadata import transitions
from themis_server.metadata.placer.survey import Survey, voters_of
from themis_server.metadata.topology import ReplicaPlace, Shard, Topology


class Draft:
    """Collects changes, each checked for the majority that it needs; a shard is changed once.

    `moves` and `growth` are how many more shards may be changed for the one and the other purpose, counting those
    whose last change is still under way.
    """

    def __init__(self, survey: Survey) -> None:
        self.survey = survey
        self.reasons: list[str] = []
        self.metadata: tuple[ReplicaPlace, ...] | None = None
        self._changed: dict[int, tuple[ReplicaPlace, ...]] = {}
        self._replacing: dict[int, str] = {}
        shards = survey.topology.shards
        self.settled = [shard for shard in shards if survey.settled(shard)]
        self.moving = [
            shard
            for shard in shards
            if shard.since and not survey.settled(shard) and survey.can_elect(survey.voters[shard.group])
        ]
        self.moves = survey.settings.moves_max - len(self.moving)
        self.growth = survey.settings.grow_max - len(self.moving)

    def open(self, shard: Shard) -> bool:
        """Tell whether nothing is decided for a shard yet."""
        return shard.group not in self._changed

    def change(
        self,
        shard: Shard,
        replicas: Sequence[ReplicaPlace],
        why: str,
        *,
        replacing: str = "",
        grows: bool = False,
        free: bool = False,
    ) -> bool:
        """Note the new replicas of a shard, unless that would be unsafe or too much at once; tell whether it was.

        Args:
            shard: Which; nothing may be decided for it yet.
            replicas: What it shall have.
            why: For the log.
            replacing: The node whose absence is the reason.
            grows: Whether it is counted as growth rather than as a move.
            free: Whether it is not counted: it ends a change or mends one.
        """
        survey = self.survey
        then = voters_of(replicas)
        if not self.open(shard) or not survey.safe(shard.voters, then):
            return False
        if not survey.settled(shard) and shard.before and not survey.safe(voters_of(shard.before), then):
            return False  # nobody knows how far the change before this one got
        if not free and (self.growth if grows else self.moves) <= 0:
            return False
        if not free:
            self.growth -= 1
            self.moves -= 0 if grows else 1
        self._changed[shard.group] = tuple(replicas)
        if replacing:
            self._replacing[shard.group] = replacing
        survey.load.subtract(place.node_id for place in shard.replicas)
        survey.load.update(place.node_id for place in replicas)
        self.reasons.append(f"{shard.shard_id}: {why}")
        return True

    def topology(self) -> Topology | None:
        """Return the next topology, None if there is nothing to change."""
        if not self._changed and self.metadata is None:
            return None
        return transitions.place(self.survey.topology, self._changed, metadata=self.metadata, replacing=self._replacing)


def moved(shard: Shard, source: str, target: str) -> tuple[ReplicaPlace, ...]:
    """Return the replicas of a shard with one of them on another node."""
    return tuple(ReplicaPlace(target, place.role) if place.node_id == source else place for place in shard.replicas)
