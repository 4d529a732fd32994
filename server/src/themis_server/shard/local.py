"""This node as a host of shards: carries out what is asked on its own replicas, for itself and for its peers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, Final, Protocol, TypeVar

import msgspec

from themis_server.errors import ErrorCode, ThemisServerError, outcome_unknown
from themis_server.metadata.topology import Topology, TopologyView
from themis_server.shard.proof import settled
from themis_server.shard.reading import Level, Need, Serve
from themis_server.shard.refusal import Reason, Refused
from themis_server.shard.replica import Replica, wait_for_proof_s
from themis_server.shard.replicas import Replicas
from themis_server.shard.wire import (
    PLACE_BYTES,
    Ask,
    Changed,
    ChangePart,
    Counted,
    CountPart,
    DropPart,
    Dropped,
    Failure,
    MutatePart,
    Paged,
    PagePart,
    Read,
    ReadPart,
    Wrote,
)
from themis_server.statemachine.command import (
    KeyReused,
    LeaseEnd,
    LeaseGrant,
    MetadataTransaction,
    Mutate,
    Mutated,
    WriteOp,
)

T = TypeVar("T")
A = TypeVar("A")


class _Part(Protocol):
    @property
    def group(self) -> int: ...


class _ReadingPart(_Part, Protocol):
    @property
    def version(self) -> int: ...


PartT = TypeVar("PartT", bound=_Part)
ReadingT = TypeVar("ReadingT", bound=_ReadingPart)

_COLLECTION_BYTES: Final = 4
_UUID_BYTES: Final = 16
_COLLECTION_MAX: Final = 0xFFFF_FFFF
_SIGNED_64_MAX: Final = (1 << 63) - 1
_KEYS_AT_ONCE: Final = 500
_PARTS_AT_ONCE: Final = 2
"""After so many parts of a request others get their turn."""
_OPS: Final = {int(op) for op in WriteOp}

_decode_mutate = msgspec.msgpack.Decoder(Mutate).decode
_decode_json = msgspec.json.Decoder(msgspec.Raw).decode
_decode_change = msgspec.msgpack.Decoder(MetadataTransaction | LeaseGrant | LeaseEnd).decode


class LocalHost:
    """Carries out requests here. It never forwards: what this node cannot do it refuses, and the origin goes on."""

    def __init__(self, replicas: Replicas, topology: TopologyView, *, command_bytes_max: int) -> None:
        """Serve `replicas`.

        Args:
            replicas: the replicas of this node.
            topology: as this node knows it.
            command_bytes_max: largest command taken from a peer.
        """
        self._replicas = replicas
        self._topology = topology
        self._command_bytes_max = command_bytes_max
        self._known: Topology = topology.current
        self._table_since = 0

    # Reads

    async def read(self, ask: Ask[ReadPart]) -> list[Read | Failure]:
        """Read entities."""
        room = max(ask.bytes_max // max(len(ask.parts), 1), 1)

        def taking(replica: Replica, part: ReadPart) -> Callable[[], tuple[list[bytes | None], tuple[int, ...]]]:
            return lambda: _within(replica, part.places, room)

        return await self._each_read(
            ask, taking, lambda taken, served: Read(served.role, served.lag_ms, served.version, *taken)
        )

    async def page(self, ask: Ask[PagePart]) -> list[Paged | Failure]:
        """Read pieces of collections in key order."""

        def taking(replica: Replica, part: PagePart) -> Callable[[], tuple[list[tuple[bytes, bytes]], bool]]:
            return lambda: replica.page(part.collection, part.after, part.limit, part.bytes_max)

        return await self._each_read(
            ask, taking, lambda page, served: Paged(served.role, served.lag_ms, served.version, *page)
        )

    async def count(self, ask: Ask[CountPart]) -> list[Counted | Failure]:
        """Count entities of collections."""

        def taking(replica: Replica, part: CountPart) -> Callable[[], list[int]]:
            return lambda: [replica.count(collection) for collection in part.collections]

        return await self._each_read(
            ask, taking, lambda counts, served: Counted(served.role, served.lag_ms, served.version, counts)
        )

    async def _each_read(
        self,
        ask: Ask[ReadingT],
        taking: Callable[[Replica, ReadingT], Callable[[], T]],
        answer: Callable[[T, Serve], A],
    ) -> list[A | Failure]:
        """Answer each part at once if that needs no proof, and the others when all of theirs have come."""
        level, max_lag_ms, timeout_s = Level(ask.level), ask.max_lag_ms, ask.budget_ms / 1000
        answers: list[A | Failure | None] = [None] * len(ask.parts)
        waiting: list[tuple[int, Replica, Callable[[], T], Need, asyncio.Future[float]]] = []
        for at, part in enumerate(ask.parts):
            try:
                replica = self._replica(part.group, ask.epoch)
                take, need = taking(replica, part), Need(level, max_lag_ms, part.version)
                done = replica.read_now(take, need)
                if done is None:
                    waiting.append((at, replica, take, need, replica.begin_proof(need)))
                    continue
            except ThemisServerError as error:
                answers[at] = Failure.of(error)
                continue
            answers[at] = answer(*done)
            if at % _PARTS_AT_ONCE == _PARTS_AT_ONCE - 1:
                await asyncio.sleep(0)
        if waiting:
            await settled([proof for *_, proof in waiting], wait_for_proof_s(level, timeout_s))
        for turn, (at, replica, take, need, proof) in enumerate(waiting, 1):
            try:
                answers[at] = answer(*replica.read_after(proof, take, need))
            except ThemisServerError as error:
                answers[at] = Failure.of(error)
            if turn % _PARTS_AT_ONCE == 0 and turn < len(waiting):
                await asyncio.sleep(0)
        return [done for done in answers if done is not None]

    # Writes

    async def mutate(self, ask: Ask[MutatePart]) -> list[Wrote | Failure]:
        """Write entities."""

        async def write(replica: Replica, part: MutatePart) -> Wrote:
            _check_mutate(part.command, self._command_bytes_max)
            result = await replica.propose(part.command)
            if isinstance(result, KeyReused):
                return Wrote([], reused=True)
            assert isinstance(result, Mutated)
            return Wrote([(int(status), version) for status, version in result.outcomes], result.replayed)

        return await self._each_write(ask, write)

    async def drop(self, ask: Ask[DropPart]) -> list[Dropped | Failure]:
        """Remove collections from shards."""

        async def drop(replica: Replica, part: DropPart) -> Dropped:
            await _all([replica.drop_collection(collection) for collection in part.collections])
            return Dropped()

        return await self._each_write(ask, drop)

    async def change(self, ask: Ask[ChangePart]) -> list[Changed | Failure]:
        """Change the metadata."""

        async def change(replica: Replica, part: ChangePart) -> Changed:
            _check_change(part.command, self._command_bytes_max)
            return Changed(*await replica.change(part.command))

        return await self._each_write(ask, change)

    async def _each_write(self, ask: Ask[PartT], write: Callable[[Replica, PartT], Awaitable[A]]) -> list[A | Failure]:
        answers: list[A | Failure | None] = [None] * len(ask.parts)

        async def one(at: int, part: PartT) -> None:
            try:
                async with asyncio.timeout(ask.budget_ms / 1000):
                    answers[at] = await write(self._replica(part.group, ask.epoch), part)
            except ThemisServerError as error:
                answers[at] = Failure.of(error)
            except TimeoutError:
                answers[at] = Failure.of(outcome_unknown("the write was not committed in time; it may take effect yet"))

        await _all([one(at, part) for at, part in enumerate(ask.parts)])
        return [done for done in answers if done is not None]

    # Whether this node may do it at all

    def _replica(self, group: int, epoch: int) -> Replica:
        replica = self._replicas.by_group.get(group)
        if replica is None:
            raise Refused(
                Reason.NOT_HOSTED,
                f"this node has no replica of group {group}",
                epoch=self._topology.epoch,
                owner=None,
            )
        if epoch < self._table_epoch():
            raise Refused(
                Reason.STALE_EPOCH,
                f"the keys were placed by the topology of epoch {epoch}, and the token table has changed since",
                epoch=self._topology.epoch,
            )
        return replica

    def _table_epoch(self) -> int:
        """Return the epoch of the first topology with today's token table, as far as this node has seen it change."""
        current = self._topology.current
        if current is not self._known:
            if current.tokens != self._known.tokens:
                self._table_since = current.epoch
            self._known = current
        return self._table_since


def _within(replica: Replica, places: bytes, room: int) -> tuple[list[bytes | None], tuple[int, ...]]:
    """Read entities until they have `room` bytes, at least one; return them, and the dropped of their collections."""
    values: list[bytes | None] = []
    missed: set[bytes] = set()
    step = _KEYS_AT_ONCE * PLACE_BYTES
    for start in range(0, len(places), step):
        for stored in replica.multi_get(places[start : start + step]):
            if stored is None:
                at = len(values) * PLACE_BYTES
                missed.add(places[at : at + _COLLECTION_BYTES])
            else:
                room -= len(stored)
            values.append(stored)
            if room <= 0:
                break
        if room <= 0:
            break
    return values, tuple([number for number in map(int.from_bytes, missed) if replica.is_dropped(number)])


def _check_mutate(command: bytes, bytes_max: int) -> None:
    """Refuse what no replica could apply: it would be proposed, committed, and stop every one of them."""
    if len(command) > bytes_max:
        raise _unfit(f"a command of {len(command)} bytes, which may have {bytes_max}")
    try:
        mutate = _decode_mutate(command)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise _unfit(str(error)) from error
    if len(mutate.digest) not in (0, _UUID_BYTES) or not 0 <= mutate.expires_ms <= _SIGNED_64_MAX:
        raise _unfit("a digest or an expiry that cannot be stored")
    for write in mutate.writes:
        if write.op not in _OPS or len(write.uuid) != _UUID_BYTES or not 0 <= write.collection <= _COLLECTION_MAX:
            raise _unfit("a write that is none")
        if write.op == WriteOp.PATCH:  # it is parsed where it is applied
            try:
                _decode_json(write.document)
            except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
                raise _unfit("a patch that is not JSON") from error


def _check_change(command: bytes, bytes_max: int) -> None:
    if len(command) > bytes_max:
        raise _unfit(f"a command of {len(command)} bytes, which may have {bytes_max}")
    try:
        _decode_change(command)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise _unfit(str(error)) from error


def _unfit(what: str) -> ThemisServerError:
    return ThemisServerError(ErrorCode.INTERNAL, f"another node has sent {what}")


async def _all(coroutines: Sequence[Coroutine[Any, Any, None]]) -> None:
    if len(coroutines) == 1:
        await coroutines[0]
    elif coroutines:
        await asyncio.gather(*coroutines)
