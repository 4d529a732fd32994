"""Versions of a key rise strictly, in time and for every reader; one version is one value."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from robustness.checkers import Verdict, verdict
from robustness.history import Operation, by_key

NAME = "versions"


def check(operations: Iterable[Operation]) -> Verdict:
    """Judge all keys.

    Rules: a version stands for one value, at any consistency; a version of no known write and no open one is of nobody;
    a write's version lies above every version that was told before the write began; a strong read's is not below one.
    """
    problems: list[str] = []
    checked = 0
    for key, history in by_key(operations).items():
        told = [each for each in history if each.ok and each.version is not None]
        checked += len(told)
        problems += _one_value_each(key, told)
        problems += _values_of_writes(key, history)
        problems += _rising(key, told)
    return verdict(NAME, problems, checked)


def _one_value_each(key: str, told: Sequence[Operation]) -> list[str]:
    problems = []
    values: dict[int, str | None] = {}
    for each in told:
        value = each.value if each.kind == "read" else each.argument
        assert each.version is not None
        if values.setdefault(each.version, value) != value:
            problems.append(f"{key}: version {each.version} is {values[each.version]} and {value}")
    return problems


def _values_of_writes(key: str, history: Sequence[Operation]) -> list[str]:
    """A value that was read was written: by a write that was acknowledged, with that version, or by an open one."""
    acknowledged = {each.argument: each.version for each in history if each.ok and each.kind != "read"}
    open_ones = {each.argument for each in history if each.outcome == "unknown" and each.kind != "read"}
    problems = []
    for each in history:
        if each.kind != "read" or not each.ok or each.value is None:
            continue
        if each.value in acknowledged:
            if acknowledged[each.value] != each.version:
                problems.append(
                    f"{key}: {each.value} was acknowledged at version {acknowledged[each.value]} and read at "
                    f"{each.version} by client {each.client} on {each.node or '?'}: it happened twice"
                )
        elif each.value not in open_ones:
            problems.append(
                f"{key}: {each.value} was read by client {each.client}, and nobody wrote it, or it was refused"
            )
    return problems


def _rising(key: str, told: Sequence[Operation]) -> list[str]:
    """Versions in real time: what ended before something else began has not the greater version."""
    problems = []
    events = sorted(
        [(each.invoked, 1, each) for each in told if each.kind != "read" or each.strong_read]
        + [(each.completed, 0, each) for each in told],
        key=lambda event: event[:2],
    )
    greatest = 0
    floor: dict[int, int] = {}
    for _, is_start, each in events:
        assert each.version is not None
        if not is_start:
            greatest = max(greatest, each.version)
            continue
        floor[id(each)] = greatest
    for each in told:
        lowest = floor.get(id(each))
        if lowest is None or each.version is None:
            continue
        if each.kind == "read" and each.version < lowest:
            problems.append(f"{key}: client {each.client} read version {each.version} after {lowest} had been told")
        elif each.kind != "read" and each.version <= lowest:
            problems.append(f"{key}: client {each.client} wrote version {each.version} after {lowest} had been told")
    return problems
