"""How a node comes into a cluster: it asks any member, shows a join token, and is in the topology from then on.

    joiner --cluster.join (token, who it is)--> seed: token? cluster? release? name free? -> topology, epoch + 1
           <-- the topology that it is in --

The seed may be any node, and the joiner asks again when it gets no answer: the same node is admitted once. It has
proved its name and the cluster's by its certificate before; the token says that an operator wants it now.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final, Literal, TypeAlias

import msgspec

from themis_server.errors import ErrorCode, ThemisServerError
from themis_server.ids import raft_id
from themis_server.metadata import topology as topologies
from themis_server.metadata import transitions
from themis_server.metadata.keeper import TopologyKeeper
from themis_server.metadata.releases import compatible
from themis_server.metadata.topology import Node, Topology
from themis_server.peer import Identity

METHOD: Final = "cluster.join"

StoreKind: TypeAlias = Literal["embedded", "etcd"]


class JoinRequest(msgspec.Struct, frozen=True):
    """What a node says that asks to join.

    Args:
        token: The join token.
        cluster: The name of the cluster that it means.
        node: Its own entry.
        metadata: Which store it is configured for.
    """

    token: str
    cluster: str
    node: Node
    metadata: StoreKind = "embedded"

    def encoded(self) -> bytes:
        """Return it as it is sent."""
        return msgspec.msgpack.encode(self)


class JoinAnswer(msgspec.Struct, frozen=True):
    """What the node needs to begin: the topology that it is in, as stored. Its fence begins with these bytes."""

    topology: bytes

    def encoded(self) -> bytes:
        """Return it as it is sent."""
        return msgspec.msgpack.encode(self)

    def decoded(self) -> Topology:
        """Return the topology."""
        return topologies.decode(self.topology)


_request_decoder = msgspec.msgpack.Decoder(JoinRequest)
_answer_decoder = msgspec.msgpack.Decoder(JoinAnswer)


class Joining:
    """Admits nodes. Belongs to the event loop; `handle` is the handler of `cluster.join`.

    Args:
        keeper: Changes the topology.
        cluster: The cluster's name.
        release: The release of this node.
        metadata: Which store the cluster uses.
        check: Returns if a join token is good, raises join_token_invalid if not.
    """

    def __init__(
        self,
        keeper: TopologyKeeper,
        cluster: str,
        release: str,
        metadata: StoreKind,
        check: Callable[[str], Awaitable[None]],
    ) -> None:
        self._keeper = keeper
        self._cluster = cluster
        self._release = release
        self._metadata = metadata
        self._check = check

    async def handle(self, caller: Identity, payload: bytes) -> bytes:
        """Admit the caller, and answer a `JoinAnswer`.

        Raises:
            ThemisServerError: bad_request, if the request does not decode or is not about the caller; wrong_cluster,
                version_unsupported, join_token_invalid, duplicate_node, node_removed; and what changing the topology
                raises.
        """
        try:
            request = _request_decoder.decode(payload)
        except msgspec.MsgspecError as error:
            raise ThemisServerError(ErrorCode.BAD_REQUEST, f"the request to join does not decode: {error}") from error
        self._examine(caller, request)
        await self._check(request.token)
        topology = await self._keeper.change(lambda known: transitions.admit(known, request.node))
        return JoinAnswer(topologies.encode(topology)).encoded()

    def _examine(self, caller: Identity, request: JoinRequest) -> None:
        node = request.node
        if request.cluster != self._cluster:
            raise ThemisServerError(
                ErrorCode.WRONG_CLUSTER, f"this is a node of cluster {self._cluster!r}, not of {request.cluster!r}"
            )
        if (caller.node_id, caller.raft_id, caller.instance) != (node.node_id, node.raft_id, node.instance):
            raise ThemisServerError(
                ErrorCode.BAD_REQUEST, f"{caller.node_id!r} asks for {node.node_id!r}; a node joins for itself only"
            )
        if node.raft_id != raft_id(node.node_id) or not node.instance or not node.peer:
            raise ThemisServerError(
                ErrorCode.BAD_REQUEST, f"the entry of {node.node_id!r} lacks its raft id, its instance or its peer port"
            )
        if not compatible(self._release, node.version):
            raise ThemisServerError(
                ErrorCode.VERSION_UNSUPPORTED,
                f"{node.node_id} runs release {node.version}, this cluster {self._release}; only releases next to "
                "each other work together",
            )
        if request.metadata != self._metadata:
            raise ThemisServerError(
                ErrorCode.WRONG_CLUSTER,
                f"this cluster keeps its metadata in {self._metadata}, {node.node_id} is set up for {request.metadata}",
            )


def decode_answer(payload: bytes) -> JoinAnswer:
    """Return what `cluster.join` answered; raises `msgspec.MsgspecError`."""
    return _answer_decoder.decode(payload)
