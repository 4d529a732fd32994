"""What a node that is stopped knows of the metadata, and whether a store that was restored may be given it.

A store that went back in time is refused by every node (`fencing`). What it lost since its backup is not lost: each
node keeps the last topology and catalogue that it saw. Written back, by the node that saw the most, with an epoch and
revisions above all that any node remembers, they make the store one that all nodes believe again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import msgspec

from themis_server.metadata import catalog, fencing
from themis_server.metadata.lastknown import LastKnown, copied, fingerprint
from themis_server.metadata.store import Delete, Listing, Put
from themis_server.metadata.topology import Topology

IDS_SKIPPED: Final = 1000
"""Of collections: one that was made just before the store was lost may be known to nobody, and its data is there."""
EPOCHS_SKIPPED: Final = 1000
"""When a node that may have seen more was left out."""
REVISIONS_SKIPPED: Final = 1000
"""Above the last one that a node says it has seen: it may see more before it is answered."""


class Known(NamedTuple):
    """What a node has seen last.

    Args:
        topology: The topology.
        catalog: The catalogue, by its keys.
        revision: How far it has seen the store.
        last_change: The revision of the last change of this cluster that it has seen.
    """

    topology: Topology
    catalog: Mapping[str, bytes]
    revision: int
    last_change: int

    def less_than(self, other: Other) -> bool:
        """Whether another node knows what this one does not.

        One that has seen a later change knows more only if that was one of the catalogue, as most are not.
        """
        if other.epoch is None or other.epoch > self.topology.epoch:
            return True
        return other.last_change > self.last_change and other.catalog != fingerprint(self.catalog)


class Other(NamedTuple):
    """Another node of the topology; without an answer of it, `epoch` is None."""

    node_id: str
    epoch: int | None = None
    revision: int = 0
    last_change: int = 0
    catalog: str = ""


class Stored(NamedTuple):
    """What the store has; without a topology, `topology` is None."""

    topology: Topology | None
    topology_revision: int
    catalog: Listing
    revision: int
    last_change: int


def known(local: LastKnown, seen: tuple[int, int]) -> Known | None:
    """Return what a node has kept, None if it has never seen a topology; `seen` is how far it has seen the store."""
    topology = fencing.Fence(local).seen
    if topology is None:
        return None
    listing = copied(local, catalog.ROOT)
    values = {} if listing is None else {key: value.data for key, value in listing.values.items()}
    return Known(topology, values, *seen)


@dataclass(frozen=True)
class Comparison:
    """A node's knowledge beside the store and the other nodes.

    Args:
        known: What would be written back.
        stored: What the store has.
        others: The other nodes of the topology.
        without: Those of them that the operator leaves out.
    """

    known: Known
    stored: Stored
    others: Sequence[Other]
    without: frozenset[str]

    @property
    def heard(self) -> list[Other]:
        """The others that have answered."""
        return [other for other in self.others if other.epoch is not None]

    @property
    def needed(self) -> bool:
        """Whether any node would refuse the store as it is."""
        stored, epoch = self.stored, self.known.topology.epoch
        if stored.topology is None or stored.topology.epoch < epoch:
            return True
        seen = [(other.revision, other.last_change) for other in self.heard]
        seen.append((self.known.revision, self.known.last_change))
        return any(revision > stored.revision or last > stored.last_change for revision, last in seen)

    def objection(self) -> str:
        """Say why it must not be written back; empty if it may."""
        mine, stored = self.known.topology, self.stored.topology
        if stored is not None and stored.cluster and mine.cluster and stored.cluster != mine.cluster:
            return f"the store belongs to another cluster: {stored.cluster}, this node is of {mine.cluster}"
        if stored is not None and stored.epoch > mine.epoch:
            return f"the store's topology has epoch {stored.epoch}, which is newer than this node's {mine.epoch}"
        unknown = self.without - {other.node_id for other in self.others}
        if unknown:
            return f"the topology has no other node {', '.join(sorted(unknown))}"
        for other in self.others:
            if other.node_id in self.without:
                continue
            if other.epoch is None:
                return (
                    f"{other.node_id} does not answer, and may know more: start it, or leave it out "
                    f"(--without {other.node_id}) if it is lost"
                )
            if self.known.less_than(other):
                return f"{other.node_id} has seen more than this node: start this one, stop that one, and do it there"
        return ""

    @property
    def revision(self) -> int:
        """What the store's revision is raised to before anything is written."""
        seen = max([self.known.revision, *(other.revision for other in self.heard)])
        return max(seen + REVISIONS_SKIPPED, self.stored.revision)

    def topology(self) -> Topology:
        """Return what is written: the node's own, with the next epoch."""
        mine = self.known.topology
        heard = {other.node_id for other in self.heard}
        all_heard = all(other.node_id in heard for other in self.others)
        highest = max([mine.epoch, *(other.epoch or 0 for other in self.others)])
        return msgspec.structs.replace(mine, epoch=highest + (1 if all_heard else EPOCHS_SKIPPED))

    def catalog(self) -> list[Put | Delete]:
        """Return the changes that make the stored catalogue the known one."""
        stored = self.stored.catalog.values
        wanted = dict(self.known.catalog)
        before = stored.get(catalog.NEXT_ID)
        ids = [data for data in (wanted.get(catalog.NEXT_ID), before and before.data) if data]
        wanted[catalog.NEXT_ID] = b"%d" % (max(map(int, ids), default=1) + IDS_SKIPPED)
        puts: list[Put | Delete] = [Put(key, data) for key, data in sorted(wanted.items())]
        return [*puts, *(Delete(key) for key in sorted(stored.keys() - wanted.keys()))]

    def differences(self) -> tuple[int, int, int]:
        """Return how many entries of the catalogue are missing in the store, are others there, and are too many."""
        stored = {key: value.data for key, value in self.stored.catalog.values.items() if key != catalog.NEXT_ID}
        mine = {key: data for key, data in self.known.catalog.items() if key != catalog.NEXT_ID}
        others = sum(stored[key] != mine[key] for key in stored.keys() & mine.keys())
        return len(mine.keys() - stored.keys()), others, len(stored.keys() - mine.keys())
