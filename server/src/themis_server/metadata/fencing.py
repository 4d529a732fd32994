"""The fence: a metadata store that shows less than this node has seen before is not believed.

A store goes back in time when it is restored from a backup, or when the wrong one is configured. Acting on what it
says would give a shard to nodes that left it long ago. So the last topology seen is kept on the node's own disk, and
an older epoch, the same epoch with other contents, another cluster or none at all is refused by name. The node is
degraded then, changes of the topology are refused, and the data path goes on as before.
"""

from __future__ import annotations

from typing import Final

import msgspec
from msgspec.structs import replace

from themis_server.errors import ErrorCode, ThemisServerError
from themis_server.metadata import releases
from themis_server.metadata import topology as topologies
from themis_server.metadata.lastknown import InMemory, LastKnown
from themis_server.metadata.topology import Topology

NAME: Final = "topology"
OLDER: Final = "metadata store is older than this node has seen"


class Fence:
    """The last topology seen, and whether the store still agrees with it.

    Args:
        local: Where the topology is kept over restarts, as the bytes that the store had; without it, in memory.

    `refused` is empty, or says for a person why the store is not believed.
    """

    def __init__(self, local: LastKnown | None = None) -> None:
        self._local: LastKnown = InMemory() if local is None else local
        kept = self._local.load(NAME)
        self.seen: Topology | None = None if kept is None else topologies.decode(kept)
        self.refused = ""

    def admit(self, data: bytes) -> Topology | None:
        """Take a topology that the store shows and return it; None, and `refused` says why, if it must not be believed.

        Raises:
            ThemisServerError: metadata_outdated never; internal, if the store shows something that is no topology.
        """
        try:
            shown = topologies.decode(data)
        except msgspec.MsgspecError as error:
            raise ThemisServerError(
                ErrorCode.INTERNAL, f"the metadata store has a topology that does not decode: {error}"
            ) from error
        if self.seen is not None and not releases.at_least(shown.release, self.seen.release):
            # It is never lowered: who wrote this was of a release that does not know it, and left it out.
            shown = replace(shown, release=self.seen.release)
        why = self._objection(shown)
        if why:
            self.refused = why
            return None
        self.refused = ""
        if shown != self.seen:
            self._local.save(NAME, topologies.encode(shown))
            self.seen = shown
        return shown

    def missing(self) -> None:
        """Note that the store has no topology: wrong if this node has seen one."""
        if self.seen is not None:
            self.refused = f"{OLDER}: it has no topology, this node has seen epoch {self.seen.epoch}"

    def outdated(self, detail: str) -> None:
        """Note that the store itself was found to have gone back in time."""
        self.refused = detail if OLDER in detail else f"{OLDER}: {detail}"

    def check(self) -> None:
        """Raise metadata_outdated while the store is not believed."""
        if self.refused:
            raise outdated(self.refused)

    def _objection(self, shown: Topology) -> str:
        seen = self.seen
        if seen is None:
            return ""
        if seen.cluster and shown.cluster and shown.cluster != seen.cluster:
            return f"metadata store belongs to another cluster: {shown.cluster}, this node is of {seen.cluster}"
        if shown.epoch < seen.epoch:
            return f"{OLDER}: its topology has epoch {shown.epoch}, this node has seen {seen.epoch}"
        if shown.epoch == seen.epoch and shown != seen:
            return f"{OLDER}: its topology of epoch {shown.epoch} is another one than this node has seen"
        return ""


def outdated(detail: str) -> ThemisServerError:
    """Say that the store shows less than was seen before."""
    return ThemisServerError(ErrorCode.METADATA_OUTDATED, detail)
