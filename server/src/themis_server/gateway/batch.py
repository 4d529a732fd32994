"""Batches: split by shard, run side by side, answered item by item in the order asked."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import NamedTuple

from themis.urn import InvalidUrn, split_urn, uuid_to_bytes
from themis_server.errors import ErrorCode, ThemisServerError, entity_not_found
from themis_server.gateway.router import Router
from themis_server.gateway.writing import Writer, outcome_error
from themis_server.metadata.catalog import Collection
from themis_server.shard.replica import Replica
from themis_server.statemachine.command import Mutated, Write, WriteOp

SLICE = 500
"""After so many items others get their turn:

a batch may take a tenth of a second, and a read should not wait for it.
"""


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


class Batches:
    """Reads and writes of many entities each."""

    def __init__(self, router: Router, writer: Writer, *, part_bytes_max: int) -> None:
        self._router = router
        self._writer = writer
        self._part_bytes_max = part_bytes_max

    async def read(self, urns: Sequence[str]) -> list[ReadResult]:
        """Read entities by batched reads of storage."""
        results: list[ReadResult] = []
        for start in range(0, len(urns), SLICE):
            if start:
                await asyncio.sleep(0)
            results += self._read_slice(urns[start : start + SLICE])
        return results

    def _read_slice(self, urns: Sequence[str]) -> list[ReadResult]:
        router = self._router
        results: list[ReadResult | None] = [None] * len(urns)
        positions: list[int] = []
        wanted: list[bytes] = []
        names: list[str] = []
        collections: dict[str, int] = {}
        engine = None
        for position, text in enumerate(urns):
            try:
                prefix, uuid = split_urn(text)
                replica = router.replica_of(uuid)
                collection = collections.get(prefix)
                if collection is None:
                    collection = collections[prefix] = router.collection(prefix).id
                engine = replica.engine
                wanted.append(replica.key_prefix(collection) + uuid_to_bytes(uuid))
                positions.append(position)
                names.append(prefix + uuid)
            except InvalidUrn as error:
                results[position] = (text, None, invalid_urn(error))
            except ThemisServerError as error:
                results[position] = (text, None, error)
        if engine is not None:
            for position, urn, stored in zip(positions, names, engine.multi_get(wanted), strict=True):
                results[position] = (urn, stored, None if stored is not None else entity_not_found(urn))
        return [result for result in results if result is not None]

    async def write(self, op: WriteOp, items: Sequence[WriteItem], key: str | None) -> tuple[list[ItemResult], bool]:
        """Write entities, each by itself; return the results and whether all of them were replayed."""
        results: list[ItemResult | None] = [None] * len(items)
        by_replica: dict[int, tuple[Replica, list[_Placed]]] = {}
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
                collection = collections[prefix] = await self._collection(op, prefix, uuid)
            if isinstance(collection, ThemisServerError):
                results[position] = ItemResult(urn, 0, collection)
                continue
            try:
                replica = self._router.replica_of(uuid)
            except ThemisServerError as error:
                results[position] = ItemResult(urn, 0, error)
                continue
            write = Write(
                op,
                collection.id,
                uuid_to_bytes(uuid),
                item.document,
                item.expect,
                collection.record.options.change_feed,
            )
            for_replica = by_replica.get(replica.group)
            if for_replica is None:
                for_replica = by_replica[replica.group] = (replica, [])
            for_replica[1].append(_Placed(position, urn, collection, write))

        parts = [(replica, part) for replica, placed in by_replica.values() for part in self._parts(placed)]
        outcomes = await asyncio.gather(
            *[self._write_part(replica, part, key, n) for n, (replica, part) in enumerate(parts)]
        )
        replayed = bool(outcomes)
        for (_, part), outcome in zip(parts, outcomes, strict=True):
            if isinstance(outcome, ThemisServerError):
                if outcome.code == ErrorCode.IDEMPOTENCY_KEY_REUSED:
                    raise outcome
                replayed = False
                for placed in part:
                    results[placed.position] = ItemResult(placed.urn, 0, outcome)
                continue
            replayed = replayed and outcome.replayed
            for placed, ended in zip(part, outcome.outcomes, strict=True):
                failure = outcome_error(ended, placed.collection, placed.urn, self._writer.limits)
                results[placed.position] = ItemResult(placed.urn, ended.version, failure)
        return [result for result in results if result is not None], replayed

    async def _collection(self, op: WriteOp, prefix: str, uuid: str) -> Collection | ThemisServerError:
        try:
            if op is WriteOp.PUT:
                return await self._router.collection_for_write(prefix)
            return self._router.collection(prefix)
        except ThemisServerError as error:
            return error

    async def _write_part(
        self, replica: Replica, part: list[_Placed], key: str | None, number: int
    ) -> Mutated | ThemisServerError:
        try:
            return await self._writer.mutate(replica, tuple([placed.write for placed in part]), key, number)
        except ThemisServerError as error:
            return error

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


def invalid_urn(error: InvalidUrn) -> ThemisServerError:
    """Return the error of a text that is no URN."""
    return ThemisServerError(ErrorCode.INVALID_URN, str(error.detail), position=error.position)
