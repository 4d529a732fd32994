"""Whether this node belongs to the cluster that it thinks it does: what the other nodes' refusals say of it."""

from __future__ import annotations

from collections.abc import Sequence

from themis_server.errors import ThemisServerError
from themis_server.metadata.keeper import TopologyKeeper
from themis_server.metadata.topology import TopologyView
from themis_server.peer import Counters


class Belonging:
    """Looks at what peers refused, and were refused for. Cheap: a few look-ups.

    Args:
        node_id: This node.
        view: The topology as it knows it.
        keeper: Learns of being left out of it.
        counters: What its peer port counts; empty without one.
    """

    def __init__(self, node_id: str, view: TopologyView, keeper: TopologyKeeper, counters: Sequence[Counters]) -> None:
        self._node_id = node_id
        self._view = view
        self._keeper = keeper
        self._counters = counters

    def dismissed(self) -> str | None:
        """Return why the cluster does not have this node any more; None if it has."""
        if any(counter.refused_by_peers.get("removed_node") for counter in self._counters):
            return (
                f"node {self._node_id!r} was removed from the cluster, and its data directory never comes back: "
                "to use the machine again, start a node of another name on an empty directory, with a join token"
            )
        excluded: ThemisServerError | None = self._keeper.excluded
        return None if excluded is None else excluded.detail

    def estranged(self) -> str | None:
        """Return why this node, which is a cluster by itself, is taken for a member of another one; None if it is not.

        A node that comes back with an empty directory and without `cluster.join` founds a cluster of its own, while the
        others go on dialling it as the one they know. What it acknowledged would be lost to them.
        """
        if len(self._view.current.nodes) > 1:
            return None
        if not any(counter.refused.get("wrong_cluster") for counter in self._counters):
            return None
        return (
            f"node {self._node_id!r} has founded a cluster of its own on an empty directory, and the nodes of another "
            "cluster of the same name take it for one of theirs: its data directory was lost or moved. Restore it; or "
            "remove the node there (themis-admin remove-node --force), and let one of another name join"
        )
