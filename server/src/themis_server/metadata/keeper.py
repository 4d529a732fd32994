"""The topology as one node keeps it: loaded at the start, followed, and changed by compare-and-swap.

store --watch--> fence --> view (what the node routes by)
change(transition): read -> fence -> transition -> compare-and-swap -> fence -> view
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

from themis_server.errors import ErrorCode, ThemisServerError
from themis_server.metadata import topology as topologies
from themis_server.metadata import transitions
from themis_server.metadata.fencing import Fence
from themis_server.metadata.store import Compacted, MetadataStore, Put, Value
from themis_server.metadata.topology import KEY, Node, Topology, TopologyView
from themis_server.observability.log import get_logger

_REPEATS_MAX = 16
_RETRY_S = 0.5
_ENTRY_AGAIN_S = 60.0
_PATIENCE_S = 5.0
_UNREACHABLE = {
    ErrorCode.METADATA_UNAVAILABLE,
    ErrorCode.METADATA_OUTDATED,
    ErrorCode.NO_LEADER,
    ErrorCode.NOT_READY,
    ErrorCode.OUTCOME_UNKNOWN,
    ErrorCode.TOO_MANY_REQUESTS,
}
"""With which the store, rather than the topology, stands in the way."""

Transition = Callable[[Topology], Topology]

_log = get_logger(__name__).limited(burst=3, interval_s=60.0)


async def change(store: MetadataStore, fence: Fence, transition: Transition) -> Topology:
    """Change the stored topology, whoever else changes it at the same time; return the one that came of it.

    Args:
        store: Where it is.
        fence: What the store must not contradict.
        transition: Returns the next topology, or the same object when there is nothing to change; refuses with a
            `ThemisServerError`. It is called again when somebody else was faster.

    Raises:
        ThemisServerError: what the transition refuses with, metadata_outdated, topology_conflict, outcome_unknown, and
            what the store raises.
    """
    for _ in range(_REPEATS_MAX):
        stored = await store.get(KEY)
        known = _believed(fence, stored)
        assert stored is not None
        following = transition(known)
        if following is known:
            return known
        if following.epoch != known.epoch + 1:
            raise AssertionError(f"a transition from epoch {known.epoch} led to {following.epoch}")
        data = topologies.encode(following)
        if await _swapped(store, stored, data):
            fence.admit(data)
            return following
    raise ThemisServerError(
        ErrorCode.TOPOLOGY_CONFLICT, f"the topology changed {_REPEATS_MAX} times meanwhile; nothing was done"
    )


async def load_or_create(
    store: MetadataStore,
    node: Node,
    shard_count: int,
    virtual_nodes: int,
    *,
    replicas: int = 1,
    cluster: str = "",
    embedded: bool = True,
    fence: Fence | None = None,
    patience_s: float = _PATIENCE_S,
) -> Topology:
    """Return the topology, with `node`'s own entry brought up to date; on an empty store, create a cluster of one.

    A store that does not answer within `patience_s`, or is not believed, keeps no node from starting that has seen a
    topology before: it starts with that one, and `TopologyKeeper.follow` goes on trying.

    Args:
        store: Where the topology is.
        node: This node.
        shard_count: How many shards a new cluster has.
        virtual_nodes: Tokens of each shard on the ring of a new cluster.
        replicas: How many voters the shards of a new cluster shall have.
        cluster: The random id of a new cluster.
        embedded: Whether the metadata is in the cluster itself.
        fence: What this node has seen before.
        patience_s: How long to wait for the store.

    Raises:
        ThemisServerError: node_not_found, node_removed or duplicate_node, if the cluster exists and this is none of
            its nodes; what the store raises, if this node has never seen a topology.
    """
    fence = Fence() if fence is None else fence

    def first() -> Topology:
        return topologies.initial(
            node, shard_count, virtual_nodes, replicas=replicas, cluster=cluster, embedded=embedded
        )

    try:
        async with asyncio.timeout(patience_s):
            if fence.seen is None:
                await _create(store, fence, first)
            known = await change(store, fence, lambda known: transitions.enter(known, node))
            if len(known.nodes) > 1:
                return known
            return await change(
                store, fence, lambda known: transitions.complete(known, node, cluster=cluster, embedded=embedded)
            )
    except (ThemisServerError, TimeoutError) as error:
        if isinstance(error, ThemisServerError) and error.code not in _UNREACHABLE:
            raise
        last = await _known(store, fence)
        if last is None:
            raise
        _log.warning("topology.store.unreachable", why=str(error) or "it does not answer", epoch=last.epoch)
        return last


class TopologyKeeper:
    """Keeps a node's view of the topology current, and changes the stored one. Belongs to the event loop.

    Args:
        store: Where it is.
        view: What the node routes by.
        fence: What this node has seen before.
        me: Returns this node's own entry as it should be.
    """

    def __init__(self, store: MetadataStore, view: TopologyView, fence: Fence, me: Callable[[], Node]) -> None:
        self._store = store
        self._view = view
        self._me = me
        self.fence = fence
        self.excluded: ThemisServerError | None = None
        """Why the cluster does not have this node any more: it was removed while it was away."""

    async def change(self, transition: Transition) -> Topology:
        """Change the stored topology as `keeper.change` does, and take it up at once."""
        topology = await change(self._store, self.fence, transition)
        self._view.update(topology)
        return topology

    async def follow(self) -> None:
        """Follow the stored topology, without end; what the fence refuses does not reach the view."""
        # Beside it, not before it: a node whose entry cannot be changed just now must follow what others change, or it
        # may never learn where those are without whom nothing can be changed.
        entering = asyncio.create_task(self._keep_entered(), name="topology-entry")
        try:
            await self._follow()
        finally:
            entering.cancel()

    async def _keep_entered(self) -> None:
        while True:
            try:
                await self._enter()
            except ThemisServerError as error:
                _log.warning("topology.entry.failed", why=str(error))
                await asyncio.sleep(_RETRY_S)
                continue
            with suppress(TimeoutError):
                async with asyncio.timeout(_ENTRY_AGAIN_S):
                    await self._view.newer(self._view.epoch)

    async def _follow(self) -> None:
        while True:
            try:
                listing = await self._store.list(KEY, stale=True)
                self._take(listing.values.get(KEY))
                async for event in self._store.watch(KEY, listing.revision):
                    if event.key == KEY:
                        self._take(None if event.data is None else Value(event.data, event.revision))
            except Compacted:
                continue
            except ThemisServerError as error:
                if error.code == ErrorCode.METADATA_OUTDATED:
                    self.fence.outdated(error.detail)
                _log.warning("topology.follow.failed", why=str(error))
            await asyncio.sleep(_RETRY_S)

    async def _enter(self) -> None:
        """Bring this node's own entry up to date, if it is not."""
        me = self._me()
        known = self._view.current.node(me.node_id)
        if known is not None and transitions.enter(self._view.current, me) is self._view.current:
            return
        try:
            self._view.update(await change(self._store, self.fence, lambda topology: transitions.enter(topology, me)))
            self.excluded = None
        except ThemisServerError as error:
            if error.code not in _UNREACHABLE:
                self.excluded = error
            raise

    def _take(self, stored: Value | None) -> None:
        if stored is None:
            self.fence.missing()
            return
        shown = self.fence.admit(stored.data)
        if shown is None:
            _log.error("topology.refused", why=self.fence.refused)
            return
        self._view.update(shown)
        me = shown.node(self._me().node_id)
        if me is None or (me.instance and me.instance != self._me().instance):
            self.excluded = transitions.node_removed(self._me().node_id)


async def _create(store: MetadataStore, fence: Fence, first: Callable[[], Topology]) -> None:
    if await store.get(KEY) is not None:
        return
    data = topologies.encode(first())
    if await store.transaction({KEY: 0}, [Put(KEY, data)]) is not None:
        fence.admit(data)


async def _known(store: MetadataStore, fence: Fence) -> Topology | None:
    """Return what this node knows of the topology without anybody's help."""
    try:
        stored = await store.get(KEY, stale=True)
    except ThemisServerError:
        stored = None
    if stored is not None:
        fence.admit(stored.data)
    return fence.seen


def _believed(fence: Fence, stored: Value | None) -> Topology:
    """Return the stored topology, or raise metadata_outdated."""
    if stored is None:
        fence.missing()
        fence.check()
        raise ThemisServerError(ErrorCode.NOT_READY, "the metadata store has no topology yet")
    known = fence.admit(stored.data)
    fence.check()
    assert known is not None
    return known


async def _swapped(store: MetadataStore, stored: Value, data: bytes) -> bool:
    """Put a topology in the place of the stored one; False if somebody else was faster."""
    try:
        return await store.transaction({KEY: stored.revision}, [Put(KEY, data)]) is not None
    except ThemisServerError as error:
        if error.code != ErrorCode.OUTCOME_UNKNOWN:
            raise
        now = await store.get(KEY)
        if now is not None and now.data == data:
            return True
        if now is not None and now.revision == stored.revision:
            return False  # not yet, and never after the next attempt: both compare with the same revision
        raise
