"""Calls to other nodes by their name, and since when one has not answered."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Final, Literal, NamedTuple, Protocol, TypeVar

import msgspec

from themis_server.clock import Clock
from themis_server.errors import ErrorCode, ThemisServerError
from themis_server.metadata.topology import Node
from themis_server.peer.errors import PeerLost, PeerRefused, PeerUnreachable
from themis_server.peer.identity import PeerAddress

T = TypeVar("T")

ASK_TIMEOUT_S: Final = 2.0
"""How long a node has to say how it is: whoever asked for the whole cluster waits for the slowest."""


class Peers(Protocol):
    """What calls a method of another node (see `peer.PeerCalls`)."""

    async def call(
        self,
        to: PeerAddress,
        method: str,
        payload: bytes,
        *,
        timeout_s: float,
        lane: Literal["calls", "bulk"] = "calls",
    ) -> bytes:
        """Return the answer; raises PeerUnreachable, PeerLost or PeerRefused."""
        ...


class Unreachable(NamedTuple):
    """A node that was asked and did not answer."""

    node_id: str
    since_ms: int | None
    """Since when it has not, in milliseconds since 1970; None if that is not known."""


class NodeCalls:
    """Calls nodes of the topology, and remembers which of them do not answer."""

    def __init__(self, peers: Peers | None, clock: Clock) -> None:
        """Prepare; `peers` is None on a node without a peer port, which reaches nobody."""
        self._peers = peers
        self._clock = clock
        self._lost_ms: dict[str, int] = {}

    def heard(self, node_id: str) -> None:
        """Note that a node is there."""
        self._lost_ms.pop(node_id, None)

    def lost(self, node_id: str) -> None:
        """Note that a node is not reached; the first time counts until it is heard of again."""
        self._lost_ms.setdefault(node_id, self._clock.unix_ms())

    def forget(self, known: Iterable[str]) -> None:
        """Forget all nodes but those `known`."""
        keep = set(known)
        self._lost_ms = {node_id: since_ms for node_id, since_ms in self._lost_ms.items() if node_id in keep}

    def unreachable(self, node_id: str) -> Unreachable:
        """Return since when a node has not answered."""
        return Unreachable(node_id, self._lost_ms.get(node_id))

    async def call(self, node: Node, method: str, payload: bytes, *, timeout_s: float) -> bytes:
        """Call a node, and return its answer.

        Raises:
            ThemisServerError: node_unreachable (nothing happened), outcome_unknown, or what the node answered.
        """
        if self._peers is None:
            raise _unreachable(node, "this node has no peer port")
        try:
            address = PeerAddress.of(node.node_id, node.peer)
        except ValueError as error:
            raise _unreachable(node, f"its peer port is not known: {error}") from None
        try:
            answer = await self._peers.call(address, method, payload, timeout_s=timeout_s)
        except PeerUnreachable as error:
            self.lost(node.node_id)
            raise _unreachable(node, str(error)) from None
        except PeerLost as error:
            self.lost(node.node_id)
            raise ThemisServerError(
                ErrorCode.OUTCOME_UNKNOWN, f"{node.node_id} was asked and has not answered: {error}"
            ) from None
        except PeerRefused as error:
            self.heard(node.node_id)
            known = error.as_error()
            if known is None:
                raise ThemisServerError(ErrorCode.INTERNAL, f"{node.node_id} answered {error}") from None
            raise known from None
        self.heard(node.node_id)
        return answer

    async def ask(self, node: Node, method: str, payload: bytes) -> bytes:
        """Ask a node something that changes nothing, and return its answer.

        Raises:
            ThemisServerError: node_unreachable, or what the node answered.
        """
        try:
            return await self.call(node, method, payload, timeout_s=ASK_TIMEOUT_S)
        except ThemisServerError as error:
            if error.code == ErrorCode.OUTCOME_UNKNOWN:  # there is no outcome that anybody could miss
                raise _unreachable(node, error.detail) from None
            raise

    async def ask_each(
        self, nodes: Iterable[Node], method: str, payload: bytes, decode: Callable[[bytes], T]
    ) -> dict[str, T | None]:
        """Ask several nodes at once; None stands for one that did not answer, refused, or made no sense.

        Only for questions: whether a node that did not answer has heard of it is not told.
        """
        asked = list(nodes)

        async def ask(node: Node) -> T | None:
            try:
                return decode(await self.ask(node, method, payload))
            except (ThemisServerError, msgspec.MsgspecError):
                self.lost(node.node_id)
                return None

        answers = await asyncio.gather(*[ask(node) for node in asked])
        return {node.node_id: answer for node, answer in zip(asked, answers, strict=True)}


def _unreachable(node: Node, why: str) -> ThemisServerError:
    return ThemisServerError(
        ErrorCode.NODE_UNREACHABLE, f"the node {node.node_id} cannot be reached: {why}", retry_after_s=1
    )
