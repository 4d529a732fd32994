"""Unique inserts: none lost, none twice, none of nobody.

Clients insert keys that must not exist yet; some keys are fought over. At the end everything is listed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from robustness.checkers import Verdict, verdict
from robustness.history import Operation, by_key

NAME = "inserts"


class Listed(NamedTuple):
    """A key as the final listing has it."""

    key: str
    version: int
    value: str


def check(operations: Iterable[Operation], listed: Sequence[Listed]) -> Verdict:
    """Judge the inserts against what is listed at the end. `checked` counts acknowledged inserts.

    Rules: an acknowledged insert is there, with its value, at its version; a key is inserted by one client only, and
    listed once; what is listed was inserted by somebody who was not refused.
    """
    problems: list[str] = []
    times = Counter(entry.key for entry in listed)
    problems += [f"{key} is listed {count} times" for key, count in times.items() if count > 1]
    there = {entry.key: entry for entry in listed}
    inserts = by_key(each for each in operations if each.kind == "insert")
    checked = 0
    for key, history in inserts.items():
        winners = [each for each in history if each.ok]
        checked += len(winners)
        if len(winners) > 1:
            clients = ", ".join(str(each.client) for each in winners)
            problems.append(f"{key} was inserted by clients {clients}: more than one was told so")
        problems += _of_key(key, history, winners, there.get(key))
    problems += [f"{key} is listed, and nobody inserted it" for key in there if key not in inserts]
    return verdict(NAME, problems, checked)


def _of_key(key: str, history: Sequence[Operation], winners: Sequence[Operation], entry: Listed | None) -> list[str]:
    if entry is None:
        return [
            f"{key} was inserted by client {each.client} at version {each.version}, and is lost" for each in winners
        ]
    if winners:
        if any((each.version, each.argument) == (entry.version, entry.value) for each in winners):
            return []
        first = winners[0]
        return [
            f"{key} was inserted as {first.argument} at version {first.version}, and is {entry.value} at "
            f"{entry.version}: inserted again"
        ]
    if any(each.outcome == "unknown" and each.argument == entry.value for each in history):
        return []
    return [f"{key} is listed as {entry.value}, and every insert of that was refused"]
