"""Every shard of the cluster, as if it were here: read, write, page, count and drop, wherever the replicas are.

What this node can answer by itself takes the short way: no message, no task. Everything else goes through `Reach`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple, Protocol, TypeVar

import msgspec

from themis_server.errors import ErrorCode, ThemisServerError
from themis_server.gateway.reach import Errand, Job, Reach
from themis_server.gateway.routing import Place, Routing
from themis_server.gateway.served import Served
from themis_server.shard.host import ShardHost
from themis_server.shard.reading import ROLES, Consistency, Level, Need, Serve
from themis_server.shard.refusal import Refused
from themis_server.shard.replica import Replica
from themis_server.shard.wire import (
    PLACE_BYTES,
    Ask,
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
from themis_server.statemachine.command import KeyReused, Mutate, Mutated, Outcome, encode_command

P = TypeVar("P")
R = TypeVar("R")

_READ_BYTES_MAX: Final = 8 << 20
"""Bytes of entities in one answer of another node; what is left out is asked for again."""
_NAMED_MAX: Final = 8


class Entity(NamedTuple):
    """A stored form (None: there is none), who answered, and whether the shard knows the collection as dropped."""

    stored: bytes | None
    served: Served
    dropped: bool


@dataclass
class Fetched:
    """What was read of one shard: values in the order asked, as many as there are before `error` (if any)."""

    values: list[bytes | None] = field(default_factory=list)
    served: Served | None = None
    dropped: set[int] = field(default_factory=set)
    error: ThemisServerError | None = None


class PageWanted(NamedTuple):
    """A piece of a collection in one shard: what follows `after`."""

    place: Place
    collection: int
    after: bytes | None
    limit: int
    bytes_max: int


class Shards:
    """Reads and writes of shards. Belongs to the event loop."""

    def __init__(self, routing: Routing, reach: Reach) -> None:
        self.routing = routing
        self._reach = reach
        self._replicas = routing.replicas

    # Reading entities

    async def read_one(self, shard_id: str, place: bytes, consistency: Consistency) -> Entity:
        """Read one entity, given by 4 bytes of collection and 16 of uuid.

        Raises:
            ThemisServerError: no replica that may answer can be reached.
        """
        need = _need(shard_id, consistency)
        replica = self._replicas.by_shard.get(shard_id)
        if replica is not None and (replica.view.is_leader or need.level != Level.STRONG):
            try:
                if need.level == Level.STRONG:
                    (stored,), served = await replica.read(lambda: replica.multi_get(place), need)
                else:
                    done = replica.read_now(lambda: replica.multi_get(place), need)
                    if done is None:
                        return await self.read_far(shard_id, place, consistency)
                    (stored,), served = done
            except Refused:
                return await self.read_far(shard_id, place, consistency)
            dropped = stored is None and replica.is_dropped(int.from_bytes(place[:4]))
            return Entity(stored, self._served(shard_id, served), dropped)
        return await self.read_far(shard_id, place, consistency)

    async def read_far(self, shard_id: str, place: bytes, consistency: Consistency) -> Entity:
        """Read one entity as `read_one` does, by asking whoever may answer, this node among others."""
        need = _need(shard_id, consistency)
        job: Job[ReadPart, Read] = self._reading(shard_id, place, need)
        await self._reach.settle([job], Errand(_read, need.level, need.max_lag_ms))
        read = _answer(job)
        dropped = int.from_bytes(place[:4]) in read.dropped
        return Entity(read.values[0], _served(job, read), dropped)

    async def read_many(
        self, wanted: Mapping[str, bytes], consistency: Consistency, bytes_max: int
    ) -> dict[str, Fetched]:
        """Read entities of several shards, side by side, with one request to each node.

        Args:
            wanted: from shard id to entities, each given by 4 bytes of collection and 16 of uuid.
            consistency: how fresh.
            bytes_max: when the values together have so many bytes, no more are fetched.
        """
        fetched = {shard_id: Fetched() for shard_id in wanted}
        by_need: dict[tuple[Level, int], list[str]] = {}
        for shard_id in wanted:
            need = _need(shard_id, consistency)
            by_need.setdefault((need.level, need.max_lag_ms), []).append(shard_id)
        room = bytes_max
        for (level, max_lag_ms), shard_ids in by_need.items():
            left = {shard_id: wanted[shard_id] for shard_id in shard_ids}
            while left:
                jobs: list[Job[ReadPart, Read]] = [
                    self._reading(shard_id, places, Need(level, max_lag_ms, consistency.session.get(shard_id, 0)))
                    for shard_id, places in left.items()
                ]
                await self._reach.settle(jobs, Errand(_read, level, max_lag_ms, max(min(room, _READ_BYTES_MAX), 1)))
                left = {}
                for job in jobs:
                    shard_id = job.place.shard_id
                    got = fetched[shard_id]
                    if job.error is not None:
                        got.error = job.error
                        continue
                    read = _answer(job)
                    got.values += read.values
                    got.dropped.update(read.dropped)
                    got.served = _later(got.served, _served(job, read))
                    room -= sum([len(value) for value in read.values if value is not None])
                    rest = job.part.places[len(read.values) * PLACE_BYTES :]
                    if rest and room <= 0:
                        got.error = ThemisServerError(
                            ErrorCode.BATCH_RESPONSE_LIMIT,
                            "the answer is full; ask for this item again in a smaller batch",
                            limit=bytes_max,
                        )
                    elif rest:
                        left[shard_id] = rest
        return fetched

    def _reading(self, shard_id: str, places: bytes, need: Need) -> Job[ReadPart, Read]:
        place = self.routing.place(shard_id)
        return Job(place, ReadPart(place.group, need.version, places))

    # Writing

    async def mutate(self, shard_id: str, command: Mutate) -> tuple[Mutated | KeyReused, str]:
        """Write to one shard; return the result and the node that led.

        Raises:
            ThemisServerError: nothing was written, or (outcome_unknown) it may have been.
        """
        replica = self._replicas.by_shard.get(shard_id)
        doubt: ThemisServerError | None = None
        if replica is not None and replica.view.is_leader:
            try:
                return await replica.mutate(command), self.routing.me
            except Refused:
                pass  # nothing happened; whoever leads now is found below
            except ThemisServerError as error:
                if error.code == ErrorCode.OUTCOME_UNKNOWN and command.digest and replica.role != ROLES[0]:
                    doubt = error  # by its key, whoever leads next knows whether it was made
                elif error.code != ErrorCode.DISK_FULL:  # then nothing was written, and another may lead soon
                    raise
        (result,) = await self.mutate_many([(shard_id, command)])
        if isinstance(result, ThemisServerError):
            raise result if doubt is None else doubt
        return result

    async def mutate_many(
        self, commands: Sequence[tuple[str, Mutate]]
    ) -> list[tuple[Mutated | KeyReused, str] | ThemisServerError]:
        """Write to several shards, side by side, with one request to each node; what each came to, in order.

        No shard may occur twice: which of two writes comes first would be anybody's guess.
        """
        jobs: list[Job[MutatePart, Wrote]] = []
        for shard_id, command in commands:
            place = self.routing.place(shard_id)
            jobs.append(Job(place, MutatePart(place.group, encode_command(command))))
        keyed = [job for job, (_, command) in zip(jobs, commands, strict=True) if command.digest]
        others = [job for job, (_, command) in zip(jobs, commands, strict=True) if not command.digest]
        for some, repeatable in ((keyed, True), (others, False)):
            if some:
                await self._reach.settle(some, Errand(_mutate, read=False, repeatable=repeatable))
        return [_written(job) for job in jobs]

    async def drop_collections(self, collections: Sequence[int]) -> None:
        """Remove collections from every shard.

        Raises:
            ThemisServerError: not every shard has confirmed it; it may be asked for again.
        """
        jobs: list[Job[DropPart, Dropped]] = [
            Job(place, DropPart(place.group, tuple(collections))) for place in self.routing.places()
        ]
        await self._reach.settle(jobs, Errand(_drop, read=False))
        _complete(jobs)

    # Reading across all shards

    async def count(self, collections: Sequence[int], consistency: Consistency) -> list[Job[CountPart, Counted]]:
        """Count entities of collections in every shard; each job has its answer or its error."""
        jobs: list[Job[CountPart, Counted]] = [
            Job(place, CountPart(place.group, consistency.session.get(place.shard_id, 0), tuple(collections)))
            for place in self.routing.places()
        ]
        level = _need("", consistency)
        await self._reach.settle(jobs, Errand(_count, level.level, level.max_lag_ms))
        return jobs

    @staticmethod
    def answered(jobs: Sequence[Job[P, R]]) -> list[tuple[Job[P, R], R]]:
        """Return jobs with their answers; raises an error that names the shards of those that have none."""
        _complete(jobs)
        return [(job, _answer(job)) for job in jobs]

    async def pages(self, wanted: Sequence[PageWanted], consistency: Consistency) -> list[tuple[Paged, Served]]:
        """Read pieces of a collection in several shards, in the order asked.

        Raises:
            ThemisServerError: some shards cannot be read; it names them.
        """
        need = _need("", consistency)
        pages: list[tuple[Paged, Served] | None] = [None] * len(wanted)
        far: list[tuple[int, Job[PagePart, Paged]]] = []
        for at, (place, collection, after, limit, bytes_max) in enumerate(wanted):
            version = consistency.session.get(place.shard_id, 0)
            part = PagePart(place.group, version, collection, after, limit, bytes_max)
            replica = self._replicas.by_shard.get(place.shard_id)
            done = None if replica is None else _page_here(replica, part, need)
            if done is None:
                far.append((at, Job(place, part)))
            else:
                (pairs, more), served = done
                paged = Paged(served.role, served.lag_ms, served.version, pairs, more)
                pages[at] = (paged, self._served(place.shard_id, served))
        if far:
            jobs = [job for _, job in far]
            await self._reach.settle(jobs, Errand(_page, need.level, need.max_lag_ms))
            _complete(jobs)
            for at, job in far:
                answer = _answer(job)
                pages[at] = (answer, _served(job, answer))
        return [page for page in pages if page is not None]

    def _served(self, shard_id: str, served: Serve) -> Served:
        return Served(self.routing.me, shard_id, served.role, served.lag_ms, served.version)


class _Seen(Protocol):
    """What every answer to a read says of itself."""

    @property
    def role(self) -> str: ...

    @property
    def lag_ms(self) -> int | None: ...

    @property
    def version(self) -> int: ...


async def _read(host: ShardHost, ask: Ask[ReadPart]) -> list[Read | Failure]:
    return await host.read(ask)


async def _page(host: ShardHost, ask: Ask[PagePart]) -> list[Paged | Failure]:
    return await host.page(ask)


async def _count(host: ShardHost, ask: Ask[CountPart]) -> list[Counted | Failure]:
    return await host.count(ask)


async def _mutate(host: ShardHost, ask: Ask[MutatePart]) -> list[Wrote | Failure]:
    return await host.mutate(ask)


async def _drop(host: ShardHost, ask: Ask[DropPart]) -> list[Dropped | Failure]:
    return await host.drop(ask)


def is_strong(consistency: Consistency) -> bool:
    """Whether a read is a strong one: not to be behind at all is what that means."""
    level, max_lag_ms, _ = consistency
    return level == Level.STRONG or (level == Level.BOUNDED and max_lag_ms == 0)


def _need(shard_id: str, consistency: Consistency) -> Need:
    """Return what a read needs of one shard."""
    level = Level.STRONG if is_strong(consistency) else consistency.level
    return Need(level, consistency.max_lag_ms, consistency.session.get(shard_id, 0))


def _page_here(
    replica: Replica, part: PagePart, need: Need
) -> tuple[tuple[list[tuple[bytes, bytes]], bool], Serve] | None:
    """Read a piece from the replica of this node if it may answer at once; None if somebody has to be asked."""
    try:
        return replica.read_now(
            lambda: replica.page(part.collection, part.after, part.limit, part.bytes_max),
            need._replace(version=part.version),
        )
    except Refused:
        return None


def _served(job: Job[P, R], seen: _Seen) -> Served:
    return Served(job.node_id, job.place.shard_id, seen.role, seen.lag_ms, seen.version)


def _later(old: Served | None, new: Served) -> Served:
    """Put two answers for one shard together: the weaker says how fresh, the later what was seen."""
    if old is None:
        return new
    lag_ms = None if old.lag_ms is None or new.lag_ms is None else max(old.lag_ms, new.lag_ms)
    return msgspec.structs.replace(new, lag_ms=lag_ms, version=max(old.version, new.version))


def _answer(job: Job[P, R]) -> R:
    if job.error is not None:
        raise job.error
    assert job.answer is not None
    return job.answer


def _written(job: Job[MutatePart, Wrote]) -> tuple[Mutated | KeyReused, str] | ThemisServerError:
    if job.error is not None:
        return job.error
    wrote = job.answer
    assert wrote is not None
    if wrote.reused:
        return KeyReused(), job.node_id
    return Mutated(tuple([Outcome(*outcome) for outcome in wrote.outcomes]), wrote.replayed), job.node_id


def _complete(jobs: Sequence[Job[P, R]]) -> None:
    """Raise an error that names the shards without an answer, if there are any."""
    failed = [job for job in jobs if job.error is not None]
    if not failed:
        return
    first = failed[0].error
    assert first is not None
    names = ", ".join(job.place.shard_id for job in failed[:_NAMED_MAX])
    more = f" and {len(failed) - _NAMED_MAX} more" if len(failed) > _NAMED_MAX else ""
    if first.code == ErrorCode.WRONG_SHARD:  # who asks for all shards has not asked the wrong one
        raise ThemisServerError(ErrorCode.NO_LEADER, f"{names}{more} cannot be reached", retry_after_s=1)
    raise ThemisServerError(first.code, f"{names}{more} cannot be reached: {first.detail}", **first.fields)
