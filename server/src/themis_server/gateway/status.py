"""What a node says of itself, to operators and to other nodes, and the moving of a leader that it is.

The methods between nodes (MessagePack; fields may be added, with defaults):

    node.status     which groups it has and how they are, its disk and how long it runs
    node.transfer   give a group that it leads to another replica; answered when that one leads
    node.metrics    its figures for a dashboard, as JSON
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Literal, Protocol, TypeVar

import msgspec

from themis_server.clock import Clock
from themis_server.errors import ErrorCode, ThemisServerError
from themis_server.peer.identity import Identity
from themis_server.replication.outcome import NotLeader
from themis_server.replication.views import GroupStatus

STATUS: Final = "node.status"
TRANSFER: Final = "node.transfer"
METRICS: Final = "node.metrics"

TRANSFER_WAIT_S: Final = 5.0
"""How long a new leader may take to lead; Raft itself gives the attempt up after an election time-out."""
_LOOK_AGAIN_S: Final = 0.01

T = TypeVar("T")
Handler = Callable[[Identity, bytes], Awaitable[bytes]]


class StatusRequest(msgspec.Struct, frozen=True):
    """What is asked of a node; `groups` are those wanted, None all."""

    groups: tuple[int, ...] | None = None


class MetadataSeen(msgspec.Struct, frozen=True):
    """How far a node has seen a metadata store outside of the cluster; as it is, with the embedded one.

    Args:
        revision: The revision of the store.
        last_change: That of the last change that a node of this cluster made.
        catalog: Tells whether two nodes know the same catalogue (`lastknown.fingerprint`).
    """

    revision: int = 0
    last_change: int = 0
    catalog: str = ""


class NodeStatus(msgspec.Struct, frozen=True):
    """What a node says of itself.

    Args:
        node_id: Who it is.
        epoch: The topology that it goes by.
        uptime_s: How long it has been running, in seconds.
        disk_free_bytes: Free bytes on the disk of its data.
        groups: The replicas that it holds, as far as they were asked for.
        metadata_seen: How far it has seen a metadata store outside of the cluster.
    """

    node_id: str
    epoch: int
    uptime_s: float
    disk_free_bytes: int
    groups: tuple[GroupStatus, ...] = ()
    metadata_seen: MetadataSeen = MetadataSeen()

    def by_group(self) -> dict[int, GroupStatus]:
        """Return the replicas by their groups."""
        return {facts.group: facts for facts in self.groups}


class TransferRequest(msgspec.Struct, frozen=True):
    """Which group is to be led by whom: the voter among `candidates` (Raft ids) that is furthest."""

    group: int
    candidates: tuple[int, ...]


class TransferReply(msgspec.Struct, frozen=True):
    """What became of a transfer.

    moved: `leader` leads, in `term`. not_leader: the node asked does not lead; `leader` does as far as it knows (0: not
    known). refused: nothing is different; `detail` says why.
    """

    outcome: Literal["moved", "not_leader", "refused"]
    leader: int = 0
    term: int = 0
    detail: str = ""


class View(Protocol):
    """What is seen of a group without asking (see `replication.views.GroupView`)."""

    leader: int
    term: int
    is_leader: bool


_encode = msgspec.msgpack.Encoder().encode
_status_request = msgspec.msgpack.Decoder(StatusRequest)
_status = msgspec.msgpack.Decoder(NodeStatus)
_transfer_request = msgspec.msgpack.Decoder(TransferRequest)
_transfer_reply = msgspec.msgpack.Decoder(TransferReply)


def encode_status_request(groups: Sequence[int] | None) -> bytes:
    """Return the payload that asks a node about some groups, or about all."""
    return _encode(StatusRequest(None if groups is None else tuple(groups)))


def decode_status(payload: bytes) -> NodeStatus:
    """Read what a node says of itself; raises `msgspec.MsgspecError`."""
    return _status.decode(payload)


def encode_transfer_request(request: TransferRequest) -> bytes:
    """Return the payload that asks a node to give up a group."""
    return _encode(request)


def decode_transfer_reply(payload: bytes) -> TransferReply:
    """Read what became of a transfer; raises `msgspec.MsgspecError`."""
    return _transfer_reply.decode(payload)


class StatusService:
    """Answers for this node. Belongs to the main loop."""

    def __init__(
        self,
        node_id: str,
        raft_id: int,
        *,
        epoch: Callable[[], int],
        groups: Callable[[], Awaitable[Sequence[GroupStatus]]],
        view: Callable[[int], View | None],
        transfer: Callable[[int, int], Awaitable[None]],
        disk_free_bytes: Callable[[], int],
        clock: Clock,
        metadata_seen: Callable[[], MetadataSeen] = MetadataSeen,
    ) -> None:
        """Prepare.

        Args:
            node_id: this node.
            raft_id: its number in replication.
            epoch: returns the epoch of the topology that it goes by.
            groups: asks the driver how its groups are.
            view: returns what is seen of a group without asking; None for one that is not here.
            transfer: asks the driver to give a group (first) to a replica (second, a Raft id). It returns when that has
                begun; whatever it raises means that it has not.
            disk_free_bytes: returns the free bytes on the disk of the data.
            clock: for the uptime, which begins now.
            metadata_seen: returns how far it has seen a metadata store outside of the cluster.
        """
        self._node_id = node_id
        self._raft_id = raft_id
        self._epoch = epoch
        self._groups = groups
        self._view = view
        self._transfer = transfer
        self._disk_free_bytes = disk_free_bytes
        self._clock = clock
        self._metadata_seen = metadata_seen
        self._started_s = clock.monotonic_s()

    def handlers(self, metrics: Callable[[], Awaitable[bytes]]) -> dict[str, Handler]:
        """Return the methods for other nodes; `metrics` returns the figures for a dashboard as JSON."""

        async def status(_: Identity, payload: bytes) -> bytes:
            return _encode(await self.status(_decoded(_status_request, payload).groups))

        async def transfer(_: Identity, payload: bytes) -> bytes:
            return _encode(await self.transfer(_decoded(_transfer_request, payload)))

        async def figures(_: Identity, __: bytes) -> bytes:
            return await metrics()

        return {STATUS: status, TRANSFER: transfer, METRICS: figures}

    async def status(self, groups: Sequence[int] | None = None) -> NodeStatus:
        """Return what this node says of itself, and of `groups` (None: all that it has)."""
        facts: Sequence[GroupStatus] = () if groups is not None and not groups else await self._groups()
        return NodeStatus(
            node_id=self._node_id,
            epoch=self._epoch(),
            uptime_s=round(self._clock.monotonic_s() - self._started_s, 3),
            disk_free_bytes=self._disk_free_bytes(),
            groups=tuple(fact for fact in facts if groups is None or fact.group in groups),
            metadata_seen=self._metadata_seen(),
        )

    async def transfer(self, request: TransferRequest) -> TransferReply:
        """Give a group that this node leads to another replica, and wait until that one leads."""
        view = self._view(request.group)
        if view is None or not view.is_leader:
            return TransferReply("not_leader", leader=0 if view is None else view.leader)
        if request.candidates == (self._raft_id,):
            return TransferReply("moved", leader=self._raft_id, term=view.term)
        to = await self._furthest(request)
        if to is None:
            return TransferReply("refused", detail="none of the replicas that may lead it votes")
        deadline_s = self._clock.monotonic_s() + TRANSFER_WAIT_S
        try:
            await self._transfer(request.group, to)
        except NotLeader as error:
            return TransferReply("not_leader", leader=error.leader)
        except Exception as error:  # whatever it is, nothing has begun; who asked must learn why, not lose the call
            return TransferReply("refused", detail=f"the leader does not hand over: {error}")
        return await self._led_by(view, to, deadline_s)

    async def _furthest(self, request: TransferRequest) -> int | None:
        facts = next((known for known in await self._groups() if known.group == request.group), None)
        if facts is None:
            return None
        able = [raft_id for raft_id in request.candidates if raft_id in facts.voters and raft_id != self._raft_id]
        return max(able, key=lambda raft_id: (facts.match.get(raft_id, 0), raft_id), default=None)

    async def _led_by(self, view: View, to: int, deadline_s: float) -> TransferReply:
        # The lead passes through "nobody known" on its way; only time tells that it comes to nothing.
        while view.leader != to:
            if self._clock.monotonic_s() >= deadline_s:
                return TransferReply(
                    "refused", detail=f"the other replica did not take over within {TRANSFER_WAIT_S:g} s"
                )
            await asyncio.sleep(_LOOK_AGAIN_S)
        return TransferReply("moved", leader=to, term=view.term)


def _decoded(decoder: msgspec.msgpack.Decoder[T], payload: bytes) -> T:
    try:
        return decoder.decode(payload)
    except msgspec.MsgspecError as error:
        raise ThemisServerError(ErrorCode.INVALID_BODY, f"the call cannot be read: {error}") from None
