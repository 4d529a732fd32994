"""Batches: split by shard, run side by side, answered item by item in the order asked."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import suppress
from typing import Final, NamedTuple

from themis.urn import InvalidUrn, split_urn, uuid_to_bytes
from themis_server.clock import Clock
from themis_server.errors import ErrorCode, ThemisServerError, entity_not_found
from themis_server.gateway.router import Router
from themis_server.gateway.served import Served, Sources
from themis_server.gateway.shards import Shards, is_strong
from themis_server.gateway.writing import Writer, key_reused, outcome_error
from themis_server.metadata.catalog import Collection
from themis_server.shard.proof import settled
from themis_server.shard.reading import Consistency, Need, Serve
from themis_server.shard.refusal import Refused
from themis_server.shard.replica import Replica
from themis_server.statemachine.command import KeyReused, Mutate, Mutated, Status, Write, WriteOp

SLICE: Final = 500
"""After so many items others get their turn:

a batch may take a tenth of a second, and a read should not wait for it.
"""


_UUID_CHARACTERS: Final = 36
_STRONG: Final = Need()


class WriteItem(NamedTuple):
    """One write of a batch; `error` if the edge has refused it already."""

    urn: str
    document: bytes = b""
    expect: tuple[int, ...] | None = None
    error: ThemisServerError | None = None


class ItemResult(NamedTuple):
    """The end of one item: the URN (normalised, or as sent if it is none), and a version or an error."""

    urn: str
    version: int
    error: ThemisServerError | None


ReadResult = tuple[str, bytes | None, ThemisServerError | None]
"""The end of one item of a batch read: its URN, its stored form (see storage.values), or why there is none.

A plain tuple: at 5 us an item, naming its parts would cost a twentieth of a batch.
"""


class _Placed(NamedTuple):
    position: int
    urn: str
    collection: Collection
    write: Write


class _Part(NamedTuple):
    """Writes of one shard that go into one command; `number` tells them from the other parts of the batch."""

    shard_id: str
    placed: list[_Placed]
    number: int


class _Far:
    """The items of a batch read that one shard has, and that this node cannot answer at once."""

    __slots__ = ("names", "places", "positions")

    def __init__(self) -> None:
        self.positions: list[int] = []
        self.names: list[str] = []
        self.places: list[bytes] = []


class _Near:
    """The items of a batch read that this node's replicas answer, as columns."""

    __slots__ = ("collections", "keys", "names", "positions", "replicas", "shard_ids")

    def __init__(self, replicas: dict[str, Replica]) -> None:
        self.replicas = replicas
        self.positions: list[int] = []
        self.names: list[str] = []
        self.keys: list[bytes] = []
        self.shard_ids: list[str] = []
        self.collections: dict[str, int] = {}


class Batches:
    """Reads and writes of many entities each."""

    def __init__(
        self,
        router: Router,
        shards: Shards,
        writer: Writer,
        clock: Clock,
        *,
        part_bytes_max: int,
        response_bytes_max: int,
    ) -> None:
        """Prepare.

        Args:
            router: finds collections and shards.
            shards: reads and writes them.
            writer: makes commands.
            clock: tells whether a lease holds.
            part_bytes_max: largest part of a batch that goes into one command.
            response_bytes_max: when the entities read have so many bytes, no more are fetched from other nodes.
        """
        self._router = router
        self._shards = shards
        self._writer = writer
        self._now_s = clock.monotonic_s
        self._me = shards.routing.me
        self._part_bytes_max = part_bytes_max
        self._response_bytes_max = response_bytes_max

    # Reading

    async def read(self, urns: Sequence[str], consistency: Consistency) -> tuple[list[ReadResult], Sources]:
        """Read entities: those of this node by batched reads of storage, the others with one request to each node."""
        results: list[ReadResult | None] = [None] * len(urns)
        sources = Sources(self._me)
        near = _Near(self._answering(is_strong(consistency)))
        far: dict[str, _Far] = {}
        unknown: list[int] = []
        for start in range(0, len(urns), SLICE):
            if start:
                await asyncio.sleep(0)
            self._sort(urns, start, results, near, far, unknown)
        if unknown:
            await self._find_collections(urns, unknown, results, far)
        if near.positions:
            await self._read_near(near, results, far, sources)
        if far:
            await self._read_far(far, consistency, results, sources)
        return [result for result in results if result is not None], sources

    def _sort(
        self,
        urns: Sequence[str],
        start: int,
        results: list[ReadResult | None],
        near: _Near,
        far: dict[str, _Far],
        unknown: list[int],
    ) -> None:
        """Tell what this node's leaders answer, whatever the level, from what others have."""
        known, shard_of = self._router.known, self._router.table.shard_for_uuid
        collections: dict[str, int | None] = {}
        for position in range(start, min(start + SLICE, len(urns))):
            text = urns[position]
            try:
                prefix, uuid = split_urn(text)
            except InvalidUrn as error:
                results[position] = (text, None, invalid_urn(error))
                continue
            try:
                collection = collections[prefix]
            except KeyError:
                found = known(prefix)
                collection = collections[prefix] = None if found is None else found.id
            if collection is None:
                unknown.append(position)
                continue
            shard_id = shard_of(uuid)
            replica = near.replicas.get(shard_id)
            if replica is None:
                _put_far(far, shard_id, position, prefix + uuid, collection, uuid)
                continue
            near.keys.append(replica.key_prefix(collection) + uuid_to_bytes(uuid))
            near.positions.append(position)
            near.names.append(prefix + uuid)
            near.shard_ids.append(shard_id)
            near.collections[prefix] = collection

    async def _read_near(
        self, near: _Near, results: list[ReadResult | None], far: dict[str, _Far], sources: Sources
    ) -> None:
        """Read what is here, after one wait for what its shards have to prove; what cannot be proven becomes far."""
        used = {shard_id: near.replicas[shard_id] for shard_id in set(near.shard_ids)}
        now_s = self._now_s()
        proofs = {}
        for shard_id, replica in used.items():
            if replica.view.lease_until_s <= now_s:
                with suppress(Refused):  # deposed since the items were sorted: others are asked
                    proofs[shard_id] = replica.begin_proof(_STRONG)
        if proofs:
            await settled(list(proofs.values()), None)
        proven = {shard_id for shard_id, proof in proofs.items() if not proof.cancelled() and not proof.exception()}
        for start in range(0, len(near.positions), SLICE):
            if start:
                await asyncio.sleep(0)
            self._read_slice(near, start, used, proven, results, far, sources)

    def _read_slice(
        self,
        near: _Near,
        start: int,
        used: Mapping[str, Replica],
        proven: AbstractSet[str],
        results: list[ReadResult | None],
        far: dict[str, _Far],
        sources: Sources,
    ) -> None:
        end = start + SLICE
        before = {shard_id: replica.before(proven=shard_id in proven) for shard_id, replica in used.items()}
        values = next(iter(used.values())).engine.multi_get(near.keys[start:end])
        # After the read, as in shard.reading: who has lost its lease meanwhile has to prove what it answers.
        unsure: set[str] = set()
        for shard_id, replica in used.items():
            verdict = replica.judge(_STRONG, before[shard_id])
            if isinstance(verdict, Serve):
                sources.add(Served(self._me, shard_id, verdict.role, verdict.lag_ms, verdict.version))
            else:
                unsure.add(shard_id)
        sure, current = not unsure, self._router.is_current
        places = zip(near.positions[start:end], near.names[start:end], near.shard_ids[start:end], values, strict=True)
        for position, urn, shard_id, stored in places:
            if (sure or shard_id not in unsure) and (stored is not None or current):
                results[position] = (urn, stored, None if stored is not None else entity_not_found(urn))
            else:
                prefix, uuid = urn[:-_UUID_CHARACTERS], urn[-_UUID_CHARACTERS:]
                _put_far(far, shard_id, position, urn, near.collections[prefix], uuid)

    def _answering(self, strong: bool) -> dict[str, Replica]:
        """Return the replicas of this node that answer: those that hold a lease, and for a strong read all leaders."""
        now_s = self._now_s()
        return {
            shard_id: replica
            for shard_id, replica in self._shards.routing.replicas.by_shard.items()
            if (strong and replica.view.is_leader) or replica.view.lease_until_s > now_s
        }

    async def _find_collections(
        self,
        urns: Sequence[str],
        unknown: Sequence[int],
        results: list[ReadResult | None],
        far: dict[str, _Far],
    ) -> None:
        """Look up what this node has not heard of: it may be new, and it may be nothing."""
        texts = {position: split_urn(urns[position]) for position in unknown}
        prefixes = list({prefix for prefix, _ in texts.values()})
        looked_up = await asyncio.gather(*[self._collection_of(prefix) for prefix in prefixes])
        found = dict(zip(prefixes, looked_up, strict=True))
        for position, (prefix, uuid) in texts.items():
            collection = found[prefix]
            if isinstance(collection, ThemisServerError):
                results[position] = (urns[position], None, collection)
            else:
                _put_far(far, self._router.shard_of(uuid), position, prefix + uuid, collection.id, uuid)

    async def _collection_of(self, prefix: str) -> Collection | ThemisServerError:
        try:
            return await self._router.collection(prefix)
        except ThemisServerError as error:
            return error

    async def _read_far(
        self,
        far: dict[str, _Far],
        consistency: Consistency,
        results: list[ReadResult | None],
        sources: Sources,
        *,
        again: bool = True,
    ) -> None:
        fetched = await self._shards.read_many(
            {shard_id: b"".join(items.places) for shard_id, items in far.items()},
            consistency,
            self._response_bytes_max,
        )
        misnamed: list[tuple[str, int, str, str]] = []
        for shard_id, items in far.items():
            got = fetched[shard_id]
            if got.served is not None:
                sources.add(got.served)
            values = got.values
            for at, (position, urn) in enumerate(zip(items.positions, items.names, strict=True)):
                if at >= len(values):
                    assert got.error is not None
                    results[position] = (urn, None, got.error)
                    continue
                stored = values[at]
                results[position] = (urn, stored, None if stored is not None else entity_not_found(urn))
                if stored is None and got.dropped and int.from_bytes(items.places[at][:4]) in got.dropped:
                    misnamed.append((shard_id, position, urn[:-_UUID_CHARACTERS], urn[-_UUID_CHARACTERS:]))
        if misnamed and again:
            await self._read_renamed(misnamed, consistency, results, sources)

    async def _read_renamed(
        self,
        misnamed: list[tuple[str, int, str, str]],
        consistency: Consistency,
        results: list[ReadResult | None],
        sources: Sources,
    ) -> None:
        """Read again what was looked for in collections that were dropped: others may have their names by now."""
        ids: dict[str, int] = {}
        for prefix in {prefix for _, _, prefix, _ in misnamed}:
            old = self._router.known(prefix)
            if old is not None and await self._router.renewed(old):
                new = self._router.known(prefix)
                if new is not None:
                    ids[prefix] = new.id
        far: dict[str, _Far] = {}
        for shard_id, position, prefix, uuid in misnamed:
            if prefix in ids:
                _put_far(far, shard_id, position, prefix + uuid, ids[prefix], uuid)
        if far:
            await self._read_far(far, consistency, results, sources, again=False)

    # Writing

    async def write(
        self, op: WriteOp, items: Sequence[WriteItem], key: str | None
    ) -> tuple[list[ItemResult], bool, Sources]:
        """Write entities, each by itself; return the results, whether all of them were replayed, and who answered."""
        sources = Sources(self._me)
        results, replayed, dropped = await self._write(op, items, key, sources)
        if dropped and key is None and await self._renewed(dropped):
            # Nothing came of these, because this node had not heard of the drop. (See Entities.write on keys.)
            repeated, _, _ = await self._write(op, [items[position] for position in dropped], key, sources)
            for position, result in zip(dropped, repeated, strict=True):
                results[position] = result
        return results, replayed, sources

    async def _renewed(self, dropped: dict[int, Collection]) -> bool:
        """Whether one of the collections that a shard says were dropped is another one by now."""
        collections = {collection.id: collection for collection in dropped.values()}
        return any([await self._router.renewed(collection) for collection in collections.values()])

    async def _write(
        self, op: WriteOp, items: Sequence[WriteItem], key: str | None, sources: Sources
    ) -> tuple[list[ItemResult], bool, dict[int, Collection]]:
        """Write once; return the results, whether all were replayed, and the items whose collections were dropped."""
        results: list[ItemResult | None] = [None] * len(items)
        by_shard: dict[str, list[_Placed]] = {}
        collections: dict[str, Collection | ThemisServerError] = {}
        for position, item in enumerate(items):
            if position % SLICE == SLICE - 1:
                await asyncio.sleep(0)
            try:
                prefix, uuid = split_urn(item.urn)
            except InvalidUrn as error:
                results[position] = ItemResult(item.urn, 0, invalid_urn(error))
                continue
            urn = prefix + uuid
            if item.error is not None:  # before its collection is looked up: a refused write creates none
                results[position] = ItemResult(urn, 0, item.error)
                continue
            collection = collections.get(prefix)
            if collection is None:
                collection = collections[prefix] = await self._collection(op, prefix)
            if isinstance(collection, ThemisServerError):
                results[position] = ItemResult(urn, 0, collection)
                continue
            write = Write(
                op,
                collection.id,
                uuid_to_bytes(uuid),
                item.document,
                item.expect,
                collection.record.options.change_feed,
            )
            by_shard.setdefault(self._router.shard_of(uuid), []).append(_Placed(position, urn, collection, write))

        outcomes = await self._write_shards(by_shard, key)
        replayed = bool(outcomes)
        dropped: dict[int, Collection] = {}
        for part, outcome in outcomes:
            if isinstance(outcome, ThemisServerError):
                if outcome.code == ErrorCode.IDEMPOTENCY_KEY_REUSED:
                    raise outcome
                replayed = False
                for placed in part.placed:
                    results[placed.position] = ItemResult(placed.urn, 0, outcome)
                continue
            mutated, node_id = outcome
            replayed = replayed and mutated.replayed
            greatest = 0
            for placed, ended in zip(part.placed, mutated.outcomes, strict=True):
                failure = outcome_error(ended, placed.collection, placed.urn, self._writer.limits)
                results[placed.position] = ItemResult(placed.urn, ended.version, failure)
                greatest = max(greatest, ended.version)
                if ended.status == Status.COLLECTION_DROPPED:
                    dropped[placed.position] = placed.collection
            sources.wrote(node_id, part.shard_id, greatest)
        return [result for result in results if result is not None], replayed, dropped

    async def _collection(self, op: WriteOp, prefix: str) -> Collection | ThemisServerError:
        try:
            if op is WriteOp.PUT:
                return await self._router.collection_for_write(prefix)
            return await self._router.collection(prefix)
        except ThemisServerError as error:
            return error

    async def _write_shards(
        self, by_shard: dict[str, list[_Placed]], key: str | None
    ) -> list[tuple[_Part, tuple[Mutated, str] | ThemisServerError]]:
        """Write to every shard side by side.

        What is too much for one command goes to a shard in several, one after the other where the shard is led
        elsewhere: two that are on their way at once could arrive in the wrong order. Here they are proposed in theirs.
        """
        number = 0
        local: list[_Part] = []
        waves: list[list[_Part]] = []
        replicas = self._shards.routing.replicas.by_shard
        for shard_id, placed in by_shard.items():
            replica = replicas.get(shard_id)
            leads = replica is not None and replica.view.is_leader
            for at, some in enumerate(self._parts(placed)):
                part = _Part(shard_id, some, number)
                number += 1
                if leads:
                    local.append(part)
                else:
                    if at == len(waves):
                        waves.append([])
                    waves[at].append(part)
        here, elsewhere = await asyncio.gather(
            asyncio.gather(*[self._write_part(part, self._command(part, key)) for part in local]),
            self._write_waves(waves, key),
        )
        return [*elsewhere, *zip(local, here, strict=True)]

    def _command(self, part: _Part, key: str | None) -> Mutate:
        return self._writer.command(tuple([placed.write for placed in part.placed]), key, part.number)

    async def _write_part(self, part: _Part, command: Mutate) -> tuple[Mutated, str] | ThemisServerError:
        try:
            return _checked(await self._shards.mutate(part.shard_id, command))
        except ThemisServerError as error:
            return error

    async def _write_waves(
        self, waves: list[list[_Part]], key: str | None
    ) -> list[tuple[_Part, tuple[Mutated, str] | ThemisServerError]]:
        ended: list[tuple[_Part, tuple[Mutated, str] | ThemisServerError]] = []
        for wave in waves:
            outcomes = await self._shards.mutate_many([(part.shard_id, self._command(part, key)) for part in wave])
            for part, outcome in zip(wave, outcomes, strict=True):
                ended.append((part, outcome if isinstance(outcome, ThemisServerError) else _checked(outcome)))
        return ended

    def _parts(self, placed: list[_Placed]) -> list[list[_Placed]]:
        """Split what goes to one shard so that no log entry becomes too large."""
        parts: list[list[_Placed]] = [[]]
        size = 0
        for item in placed:
            size += len(item.write.document) + 64
            if size > self._part_bytes_max and parts[-1]:
                parts.append([])
                size = len(item.write.document) + 64
            parts[-1].append(item)
        return parts


def _put_far(far: dict[str, _Far], shard_id: str, position: int, urn: str, collection: int, uuid: str) -> None:
    items = far.get(shard_id)
    if items is None:
        items = far[shard_id] = _Far()
    items.positions.append(position)
    items.names.append(urn)
    items.places.append(collection.to_bytes(4) + uuid_to_bytes(uuid))


def _checked(outcome: tuple[Mutated | KeyReused, str]) -> tuple[Mutated, str] | ThemisServerError:
    result, node_id = outcome
    return key_reused() if isinstance(result, KeyReused) else (result, node_id)


def invalid_urn(error: InvalidUrn) -> ThemisServerError:
    """Return the error of a text that is no URN."""
    return ThemisServerError(ErrorCode.INVALID_URN, str(error.detail), position=error.position)
