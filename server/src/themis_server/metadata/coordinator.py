"""The coordinator: the one node that runs the placer, chosen by a leased key, alike in both stores.

    /coordinator   the name of the node, under its lease

Two that both believe to be it do no harm: the topology changes by compare-and-swap, and the second plans anew from what
the first one made of it.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Final

from themis_server.clock import Clock
from themis_server.errors import ThemisServerError
from themis_server.metadata import placer, transitions
from themis_server.metadata.keeper import TopologyKeeper
from themis_server.metadata.nodes import NodesView
from themis_server.metadata.placer import Observed, Settings
from themis_server.metadata.placer.leaders import Transfer
from themis_server.metadata.store import MetadataStore, Put
from themis_server.metadata.topology import Topology, TopologyView
from themis_server.observability.log import get_logger

KEY: Final = "/coordinator"

_STEP_S: Final = 1.0
_IDLE_PLANS_EVERY_S: Final = 10.0
_REASONS_LOGGED_MAX: Final = 20

_log = get_logger(__name__)
_warnings = _log.limited(burst=3, interval_s=60.0)


class Coordinator:
    """Tries to be the coordinator, and while it is, plans and carries out. Belongs to the event loop.

    Args:
        store: Where the key is.
        view: The topology as this node knows it.
        keeper: Changes the topology.
        nodes: Who lives; its `changed` should call `wake`.
        node_id: This node.
        settings: The placer's.
        clock: Measures.
        lease_s: After how long another node takes over from one that is silent.
        transfer: Asks the leader of a group to hand over; what goes wrong is no loss, it is asked again.
    """

    def __init__(
        self,
        store: MetadataStore,
        view: TopologyView,
        keeper: TopologyKeeper,
        nodes: NodesView,
        node_id: str,
        settings: Settings,
        clock: Clock,
        lease_s: float,
        transfer: Callable[[Transfer], Awaitable[None]],
    ) -> None:
        self._store = store
        self._view = view
        self._keeper = keeper
        self._nodes = nodes
        self._node_id = node_id
        self._settings = settings
        self._clock = clock
        self._lease_s = lease_s
        self._transfer = transfer
        self._lease = 0
        self._renew_at_s = 0.0
        self._asked: dict[int, tuple[float, str]] = {}
        self._transfers: set[asyncio.Task[None]] = set()
        self._wanted = asyncio.Event()
        self._plan_at_s = 0.0
        self._planned_epoch = 0

    @property
    def active(self) -> bool:
        """Whether this node is the coordinator, as far as it knows."""
        return self._lease != 0

    def wake(self) -> None:
        """Plan soon: something has changed."""
        self._plan_at_s = 0.0
        self._wanted.set()

    async def run(self) -> None:
        """Do a step a second, or sooner when woken, without end."""
        while True:
            await self.step()
            # Before Python 3.12 wait_for swallows a cancellation that comes together with the wake-up.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_STEP_S):
                    await self._wanted.wait()
            await asyncio.sleep(_STEP_S / 10)  # what changes together is planned together
            self._wanted.clear()

    async def step(self) -> None:
        """Become or stay the coordinator, and plan if it is due."""
        try:
            await (self._renew() if self._lease else self._acquire())
            if self._lease and self._nodes.loaded and self._due():
                await self._plan()
        except ThemisServerError as error:
            _warnings.warning("coordinator.failed", why=str(error))

    async def end(self) -> None:
        """Give the office up: the node stops."""
        lease, self._lease = self._lease, 0
        for task in self._transfers:
            task.cancel()
        if lease:
            with contextlib.suppress(ThemisServerError):
                await self._store.end_lease(lease)

    # The office

    async def _acquire(self) -> None:
        if await self._store.get(KEY, stale=True) is not None:
            return
        asked_s = self._clock.monotonic_s()
        lease = await self._store.grant_lease(self._lease_s)
        if await self._store.transaction({KEY: 0}, [Put(KEY, self._node_id.encode(), lease)]) is None:
            await self._store.end_lease(lease)
            return
        self._lease = lease
        self._renew_at_s = asked_s + self._lease_s / 3
        self.wake()
        _log.info("coordinator.elected", node=self._node_id)

    async def _renew(self) -> None:
        if self._clock.monotonic_s() < self._renew_at_s:
            return
        asked_s = self._clock.monotonic_s()
        if await self._store.keep_lease(self._lease, self._lease_s):
            self._renew_at_s = asked_s + self._lease_s / 3
        else:
            self._lease = 0
            _log.info("coordinator.lost", node=self._node_id)

    # The work

    def _due(self) -> bool:
        """Tell whether to plan: always while there is something on the way, now and then while there is not."""
        return (
            self._clock.monotonic_s() >= self._plan_at_s
            or self._view.epoch != self._planned_epoch
            or bool(self._nodes.absent_since_s(self._view.current))
        )

    async def _plan(self) -> None:
        now_s = self._clock.monotonic_s()
        if transitions.raise_release(self._view.current) is not self._view.current:
            reached = await self._keeper.change(transitions.raise_release)
            _log.info("cluster.release.reached", release=reached.release, epoch=reached.epoch)
        made = self._made(self._view.current, now_s)
        self._planned_epoch = self._view.epoch
        if made.topology is not None:
            topology = await self._keeper.change(lambda known: self._made(known, now_s).topology or known)
            for reason in made.reasons[:_REASONS_LOGGED_MAX]:
                _log.info("placement.changed", epoch=topology.epoch, why=reason)
            if len(made.reasons) > _REASONS_LOGGED_MAX:
                _log.info("placement.changed", epoch=topology.epoch, more=len(made.reasons) - _REASONS_LOGGED_MAX)
        for transfer in made.transfers:
            self._asked[transfer.group] = (now_s, transfer.target)
            task = asyncio.create_task(self._move_leader(transfer), name=f"transfer-{transfer.group}")
            self._transfers.add(task)
            task.add_done_callback(self._transfers.discard)
        idle = made.topology is None and not made.transfers
        self._plan_at_s = now_s + (_IDLE_PLANS_EVERY_S if idle else 0.0)

    def _made(self, topology: Topology, now_s: float) -> placer.Plan:
        observed = Observed(self._nodes.reports, self._nodes.absent_since_s(topology), self._asked)
        return placer.plan(topology, observed, now_s, self._settings)

    async def _move_leader(self, transfer: Transfer) -> None:
        try:
            await self._transfer(transfer)
        except ThemisServerError as error:
            _warnings.warning("transfer.failed", group=transfer.group, target=transfer.target, why=str(error))
