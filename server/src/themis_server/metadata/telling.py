"""Tells nodes that are away where the members of the cluster are, so that they find back to the metadata.

A node follows the topology by its replica of the metadata, and the topology is what tells it whom to dial. One that was
away while others joined may come back when one of these leads the metadata: it hears that leader, which dials it, and
does not know where to answer, so it would learn nothing until somebody else leads. So the leader sends its topology to
every node that it has no report of. Who is told takes from it whom to dial, and nothing else: what is in force it
learns from the metadata, as ever.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from typing import Final

import msgspec

from themis_server.errors import ErrorCode, ThemisServerError
from themis_server.metadata import topology as topologies
from themis_server.metadata.topology import Node, Topology, TopologyView
from themis_server.peer import Identity

METHOD: Final = "cluster.topology"
_EVERY_S: Final = 1.0


class Telling:
    """Both ends of it. Belongs to the event loop; `handle` is the handler of `cluster.topology`.

    Args:
        view: What this node knows.
        leads: Whether it leads the metadata.
        absent: Names the nodes of a topology that are to be told.
        ask: Calls a method of a node; raises a `ThemisServerError`.
        dial: Knows the nodes of a topology from now on, to speak to them.
    """

    def __init__(
        self,
        view: TopologyView,
        leads: Callable[[], bool],
        absent: Callable[[Topology], Iterable[str]],
        ask: Callable[[Node, str, bytes], Awaitable[bytes]],
        dial: Callable[[Topology], None],
    ) -> None:
        self._view = view
        self._leads = leads
        self._absent = absent
        self._ask = ask
        self._dial = dial

    async def run(self) -> None:
        """Tell who is away, again and again, without end."""
        while True:
            await self.tell()
            await asyncio.sleep(_EVERY_S)

    async def tell(self) -> None:
        """Tell every node that is away, if this node leads the metadata; who cannot be reached is left alone."""
        if not self._leads():
            return
        topology = self._view.current
        nodes = [node for node in map(topology.node, sorted(self._absent(topology))) if node is not None]
        if nodes:
            data = topologies.encode(topology)
            await asyncio.gather(*(self._tell(node, data) for node in nodes))

    async def _tell(self, node: Node, data: bytes) -> None:
        with suppress(ThemisServerError):
            await self._ask(node, METHOD, data)

    async def handle(self, caller: Identity, payload: bytes) -> bytes:
        """Take whom to dial from a newer topology of this cluster.

        Raises:
            ThemisServerError: bad_request, if it does not decode.
        """
        try:
            told = topologies.decode(payload)
        except msgspec.MsgspecError as error:
            why = f"the topology that {caller.node_id} tells of does not decode: {error}"
            raise ThemisServerError(ErrorCode.BAD_REQUEST, why) from error
        known = self._view.current
        if told.epoch > known.epoch and told.cluster == known.cluster:
            self._dial(told)
        return b""
