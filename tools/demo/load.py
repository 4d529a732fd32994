"""Putting the tables into a node through themis-python, and reading some of it back.

Every entity is written with the condition "must not exist", in batches. So a load that was interrupted is completed,
one that was complete changes nothing, and neither overwrites what somebody has changed since.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from themis import AsyncThemisClient, BatchResult, WriteResult
from themis.errors import BatchError, DiskFull, NotFound, PreconditionFailed, ThemisError
from tools.demo.entities import AIRPORTS, FLIGHTS, PLANES, WEATHER, Document, Ends, Table, entities
from tools.progress import Bar

BATCH_ITEMS = 1_000
# While the server writes some batches, the next are read and encoded; more in flight would only wait.
_IN_FLIGHT_MAX = 4
MUST_NOT_EXIST = 0

_Batch = list[tuple[str, Document, int | None]]


class LoadError(Exception):
    """The data could not be loaded; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """What loading one table came to: of `count` entities the server now holds, `new` are from this run."""

    table: Table
    count: int
    new: int
    took_s: float


async def load(db: AsyncThemisClient, table: Table, ends: Ends, *, source: Path | None = None) -> Loaded:
    """Bring one table into the database, unless all of it is there already.

    Args:
        db: The client, on the demo's namespace.
        table: Which table.
        ends: Where edges lead; counts those that lead to no airport.
        source: Where the CSV files are; by default where the package is installed.

    Raises:
        LoadError: The disk is full, or the collection then holds another number of entities than the table.
        ThemisError: The server failed.
    """
    begun = time.monotonic()
    new = 0
    if await count(db, table) != table.count:
        new = await _write(db, table, ends, source)
        held = await count(db, table)
        if held != table.count:
            raise LoadError(
                f"The collection {table.collection} holds {held:,} entities where the demo has {table.count:,}: "
                "somebody else writes into this data. Choose another directory: ./themis demo --data DIR"
            )
    return Loaded(table, table.count, new, time.monotonic() - begun)


async def count(db: AsyncThemisClient, table: Table) -> int:
    """Ask the server how many entities a collection holds; none if it does not exist."""
    try:
        return (await db.count_collection(table.collection)).count
    except NotFound:
        return 0


async def read_back(db: AsyncThemisClient, *, source: Path | None = None) -> list[tuple[str, Document]]:
    """Read an entity of each kind, and a flight with its two ends, and make sure that they are what the files say.

    Returns:
        URN and document of each, for showing.

    Raises:
        LoadError: The database answers something else.
    """
    shown: list[tuple[str, Document]] = []
    for table in (PLANES, WEATHER, FLIGHTS):
        uuid, written = next(iter(entities(table, Ends(frozenset()), data=source)))
        found = await db.get(table.model, table.collection, uuid)
        if found != written:
            raise LoadError(f"{table.collection} {uuid}: written {written}, read {found}")
        shown.append((table.urn(table.key(written)), found))
    flight = shown[-1][1]
    for end in await db.batch_get_by_urn([flight["_from"], flight["_to"]]):
        if end is None:
            raise LoadError(f"the airports of the flight {flight} are not there")
        shown.append((AIRPORTS.urn(AIRPORTS.key(end)), end))
    return shown


async def _write(db: AsyncThemisClient, table: Table, ends: Ends, source: Path | None) -> int:
    """Write every row, with several batches under way; returns how many did not exist before."""
    bar = Bar(table.collection, table.count, unit="entities")
    under_way: set[asyncio.Task[BatchResult[WriteResult]]] = set()
    new = 0

    async def settle(most: int) -> int:
        created = 0
        while len(under_way) > most:
            done, _ = await asyncio.wait(under_way, return_when=asyncio.FIRST_COMPLETED)
            under_way.difference_update(done)
            for task in done:
                result = task.result()
                created += _created(result)
                bar.advance(result.asked)
        return created

    try:
        for batch in _batches(table, ends, source):
            under_way.add(asyncio.create_task(db.batch_put(table.model, table.collection, batch)))
            await asyncio.sleep(0)  # the batch goes out before the next is read
            new += await settle(_IN_FLIGHT_MAX - 1)
        new += await settle(0)
    finally:
        for task in under_way:
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)
        bar.finish()
    return new


def _batches(table: Table, ends: Ends, source: Path | None) -> Iterator[_Batch]:
    rows = ((uuid, document, MUST_NOT_EXIST) for uuid, document in entities(table, ends, data=source))
    while batch := list[tuple[str, Document, int | None]](islice(rows, BATCH_ITEMS)):
        yield batch


def _created(result: BatchResult[WriteResult]) -> int:
    """Count what a batch created; raises the first failure that is not "it exists already"."""
    failures = [failure for failure in result.failed if not isinstance(failure.error, PreconditionFailed)]
    if failures:
        raise BatchError(failures, result.asked)
    return len(result.ok)


def explain(error: ThemisError, data: Path) -> str:
    """Say what a failure of the server means for the one who runs the demo."""
    causes: Sequence[ThemisError] = (
        [failure.error for failure in error.failures] if isinstance(error, BatchError) else ()
    )
    if any(isinstance(cause, DiskFull) for cause in (error, *causes)):
        return (
            f"The disk that holds {data} is full. What is loaded stays: free some space and run the demo again, and "
            "it goes on where it stopped; or choose another directory: ./themis demo --data DIR"
        )
    return f"The load failed: {error}"
