"""What a key may do: a register with a version, as a sequential object.

Versions make it a strict judge: they rise with every write, a cas names the one it replaces, and a failed condition
says which one it found. A write whose outcome is unknown has a version that nobody was told, so a state may know only
that its version lies above another.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from robustness.history import NEVER, Operation

_ABSENT = 0


class State(NamedTuple):
    """A register: its value (None: absent) and its version, or, if not `exact`, one that its version lies above."""

    value: str | None
    version: int
    exact: bool


EMPTY = State(None, _ABSENT, True)


@dataclass(frozen=True)
class Step:
    """An operation as the search sees it: `must` happen, or may; between `invoked` and `completed`."""

    operation: Operation
    must: bool
    invoked: int
    completed: int
    version: int | None


def step(state: State, move: Step) -> State | None:
    """Return the state after an operation, or None if it cannot happen in this state with what it was told."""
    operation = move.operation
    if operation.kind == "read":
        return _found(state, operation.value, move.version or _ABSENT)
    if operation.failed_condition:
        return _condition_failed(state, operation, move.version or _ABSENT)
    return _written(state, operation, move.version)


def _found(state: State, value: str | None, version: int) -> State | None:
    if state.value != value:
        return None
    return _pinned(state, version)


def _pinned(state: State, version: int) -> State | None:
    """Return the state with its version known to be this one; None if it is not."""
    if state.exact:
        return state if state.version == version else None
    return State(state.value, version, True) if version > state.version else None


def _condition_failed(state: State, operation: Operation, found: int) -> State | None:
    if operation.kind == "insert" and found == _ABSENT:
        return None
    if operation.kind == "cas" and found == operation.expected:
        return None
    return _pinned(state, found)


def _written(state: State, operation: Operation, version: int | None) -> State | None:
    if operation.kind == "insert" and state.value is not None:
        return None
    below = state
    if operation.kind == "cas":
        if operation.expected is None or state.value is None:
            return None
        matched = _pinned(state, operation.expected)
        if matched is None:
            return None
        below = matched
    if version is None:
        return State(operation.argument, below.version, False)
    return State(operation.argument, version, True) if version > below.version else None


@dataclass(frozen=True)
class Prepared:
    """The steps of one key, and what is wrong with them in any order."""

    steps: tuple[Step, ...]
    problems: tuple[str, ...]


def plain(operations: Sequence[Operation]) -> list[Step]:
    """Return what of a key's history takes part: what happened or may have, and strong reads that were answered."""
    steps = []
    for operation in operations:
        if operation.kind == "read":
            if operation.ok and operation.strong_read:
                steps.append(Step(operation, True, operation.invoked, operation.completed, operation.version))
        elif operation.ok or operation.failed_condition:
            steps.append(Step(operation, True, operation.invoked, operation.completed, operation.version))
        elif operation.outcome == "unknown":
            steps.append(Step(operation, False, operation.invoked, NEVER, None))
    return steps


def prepare(operations: Sequence[Operation]) -> Prepared:
    """Return a key's steps with as few open ends as can be.

    A write of unknown outcome whose value was read did happen, at the version that was read, and before the first
    answer that showed it. One that left no trace can be left out: whatever order explains the rest with it explains the
    rest without it. Values are unique, so a value names its write.
    """
    steps = plain(operations)
    problems: list[str] = []
    seen: dict[str, tuple[int, int]] = {}
    for each in steps:
        key, value = each.operation.key, each.operation.value
        if each.operation.kind == "read" and value is not None and each.version is not None:
            version, first = seen.get(value, (each.version, NEVER))
            if version != each.version:
                problems.append(f"{key}: {value} was read at version {version} and at {each.version}: written twice")
            seen[value] = (version, min(first, each.completed))
    steps = [_settled(each, seen) for each in steps]
    if not _traces(steps):
        steps = [each for each in steps if each.must]
    return Prepared(tuple(steps), tuple(problems))


def _settled(each: Step, seen: dict[str, tuple[int, int]]) -> Step:
    found = seen.get(each.operation.argument or "")
    if each.must or found is None:
        return each
    version, first = found
    return replace(each, must=True, version=version, completed=max(first, each.invoked))


def _traces(steps: Sequence[Step]) -> bool:
    """Whether somebody met a version that no write and no read accounts for: it may be an unknown write's."""
    known = {_ABSENT}
    met: set[int] = set()
    for each in steps:
        operation = each.operation
        if operation.failed_condition:
            met.add(each.version or _ABSENT)
            continue
        if each.version is not None:
            known.add(each.version)
        if operation.kind == "cas" and each.must and operation.expected is not None:
            met.add(operation.expected)
    return bool(met - known)
