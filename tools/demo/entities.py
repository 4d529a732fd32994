"""Making rows into entities: which collection and model, which URN, which document.

A URN's uuid is the UUID v5 (RFC 9562, section 5.5) of the row's natural key under a namespace of the demo's own, so
that everybody who loads the data gets the same URNs, and a second load finds the first one's entities.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal
from uuid import UUID

from tools.demo import dataset
from tools.demo.dataset import DatasetError

NAMESPACE = "flights"

# UUID v5 of "https://themisdb.dev/demo/nycflights13" under the RFC's namespace for URLs.
UUID_NAMESPACE = UUID("434cfe8e-4e53-5e85-8933-490a9a5bdbd2")

Document = dict[str, Any]
Model = Literal["relational", "document", "graph", "timeseries"]
_Value = int | float | str

# Where the natural key of a row is found: the columns, each with how it is written in the key.
_Key = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """One CSV file and the collection that it becomes.

    `columns` names every column in the file's order with its type; NA becomes null in any of them. `key` writes a
    document's natural key.
    """

    collection: str
    model: Model
    count: int
    columns: dict[str, Callable[[str], _Value]]
    key: Callable[[Document], str]
    is_edge: bool = False

    def uuid(self, natural_key: str) -> str:
        """Name the entity with this natural key within its collection."""
        return uuid5(f"{self.collection}/{natural_key}")

    def urn(self, natural_key: str) -> str:
        """Name the entity with this natural key."""
        return f"urn:themis:{self.model}:{NAMESPACE}:{self.collection}:{self.uuid(natural_key)}"


def _flight_key(flight: Document) -> str:
    # Two flights of one number on one day and route do not occur, but the schedule makes that certain.
    date = f"{flight['year']}-{flight['month']:02d}-{flight['day']:02d}"
    route = f"{flight['origin']}/{flight['dest']}"
    return f"{date}/{flight['carrier']}/{flight['flight']}/{route}/{flight['sched_dep_time']:04d}"


AIRPORTS = Table(
    collection="airports",
    model="document",
    count=1_458,
    columns={"faa": str, "name": str, "lat": float, "lon": float, "alt": int, "tz": int, "dst": str, "tzone": str},
    key=lambda airport: str(airport["faa"]),
)
AIRLINES = Table(
    collection="airlines",
    model="relational",
    count=16,
    columns={"carrier": str, "name": str},
    key=lambda airline: str(airline["carrier"]),
)
PLANES = Table(
    collection="planes",
    model="relational",
    count=3_322,
    columns={
        "tailnum": str,
        "year": int,
        "type": str,
        "manufacturer": str,
        "model": str,
        "engines": int,
        "seats": int,
        "speed": int,
        "engine": str,
    },
    key=lambda plane: str(plane["tailnum"]),
)
WEATHER = Table(
    collection="weather",
    model="timeseries",
    count=26_115,
    columns={
        "origin": str,
        "year": int,
        "month": int,
        "day": int,
        "hour": int,
        "temp": float,
        "dewp": float,
        "humid": float,
        "wind_dir": int,
        "wind_speed": float,
        "wind_gust": float,
        "precip": float,
        "pressure": float,
        "visib": float,
        "time_hour": str,
    },
    # Not year, month, day and hour: they are local time, and 01:00 of 3 November came twice.
    key=lambda hour: f"{hour['origin']}/{hour['time_hour']}",
)
FLIGHTS = Table(
    collection="flights",
    model="graph",
    count=336_776,
    columns={
        "year": int,
        "month": int,
        "day": int,
        "dep_time": int,
        "sched_dep_time": int,
        "dep_delay": int,
        "arr_time": int,
        "sched_arr_time": int,
        "arr_delay": int,
        "carrier": str,
        "flight": int,
        "tailnum": str,
        "origin": str,
        "dest": str,
        "air_time": int,
        "distance": int,
        "hour": int,
        "minute": int,
        "time_hour": str,
    },
    key=_flight_key,
    is_edge=True,
)
TABLES = (AIRPORTS, AIRLINES, PLANES, WEATHER, FLIGHTS)

_NAMESPACE_BYTES = UUID_NAMESPACE.bytes
_VARIANT = {digit: "89ab"[int(digit, 16) & 3] for digit in "0123456789abcdef"}


def uuid5(name: str) -> str:
    """Return the text of `uuid.uuid5(UUID_NAMESPACE, name)`, at a third of its cost."""
    h = hashlib.sha1(_NAMESPACE_BYTES + name.encode(), usedforsecurity=False).hexdigest()
    return f"{h[:8]}-{h[8:12]}-5{h[13:16]}-{_VARIANT[h[16]]}{h[17:20]}-{h[20:32]}"


@dataclass(slots=True)
class Ends:
    """Where the edges lead: the URN of every airport met, and the edges to places that are not among the airports."""

    airports: frozenset[str]
    unknown: Counter[str] = field(default_factory=Counter)
    _urns: dict[str, str] = field(default_factory=dict)

    def urn(self, code: str) -> str:
        """Name an airport, known or not: an edge may lead to an entity that does not exist (yet)."""
        known = self._urns.get(code)
        if known is None:
            known = self._urns[code] = AIRPORTS.urn(code)
        if code not in self.airports:
            self.unknown[code] += 1
        return known


def airport_codes(*, data: Path | None = None) -> frozenset[str]:
    """Read which airports there are."""
    return frozenset(row[0] for row in dataset.rows(AIRPORTS.collection, data=data))


def entities(table: Table, ends: Ends, *, data: Path | None = None) -> Iterator[tuple[str, Document]]:
    """Yield every row of a table as its uuid and document.

    Args:
        table: Which one.
        ends: Where edges lead; counts those that lead to no airport.
        data: Where the files are; by default where the package is installed.

    Raises:
        DatasetError: The file has other columns, another number of rows, a value of another type, or a key twice.
    """
    lines = dataset.rows(table.collection, data=data)
    header = next(lines, [])
    names = list(table.columns)
    if header != names:
        raise DatasetError(f"{table.collection}.csv has the columns {header}, expected {names}")
    readers = list(table.columns.values())
    is_edge = table.is_edge
    origin, dest = (names.index("origin"), names.index("dest")) if is_edge else (0, 0)
    members = ["_from", "_to", *names] if is_edge else names
    key, na = table.key, dataset.NA
    seen: set[str] = set()
    for number, row in enumerate(lines, start=2):
        try:
            values = [None if text == na else read(text) for read, text in zip(readers, row, strict=True)]
        except ValueError as error:
            raise DatasetError(f"{table.collection}.csv, line {number}: {error}") from error
        if is_edge:
            values = [ends.urn(row[origin]), ends.urn(row[dest]), *values]
        document: Document = dict(zip(members, values, strict=True))
        uuid = uuid5(f"{table.collection}/{key(document)}")
        seen.add(uuid)
        yield uuid, document
    if len(seen) != table.count:
        raise DatasetError(f"{table.collection}.csv has {len(seen):,} different keys, expected {table.count:,}")
