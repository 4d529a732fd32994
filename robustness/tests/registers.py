"""Histories of a register: small ones that are right or wrong by name, and long ones of a simulated register."""

from __future__ import annotations

import random

from robustness.history import FAILED_CONDITION, NEVER, Operation
from robustness.tests.histories import (
    cas,
    failed_cas,
    failed_insert,
    insert,
    lost_cas,
    lost_write,
    read,
    refused_write,
    write,
)

CLEAN: dict[str, list[Operation]] = {
    "one after another": [write(0, 0, 1, "a", 1), read(1, 2, 3, "a", 1), write(0, 4, 5, "b", 2), read(1, 6, 7, "b", 2)],
    "an absent key": [read(0, 0, 1, None, None), write(0, 2, 3, "a", 1)],
    "a read beside a write may see it": [write(0, 0, 1, "a", 1), write(0, 2, 9, "b", 2), read(1, 3, 4, "b", 2)],
    "a read beside a write may not see it": [write(0, 0, 1, "a", 1), write(0, 2, 9, "b", 2), read(1, 3, 4, "a", 1)],
    "an open write may never happen": [write(0, 0, 1, "a", 1), lost_write(1, 2, "b"), read(0, 8, 9, "a", 1)],
    "an open write may happen late": [
        write(0, 0, 1, "a", 1),
        lost_write(1, 2, "b"),
        read(0, 3, 4, "a", 1),
        read(0, 8, 9, "b", 5),
    ],
    "a cas that held": [write(0, 0, 1, "a", 1), cas(1, 2, 3, 1, "b", 2), read(0, 4, 5, "b", 2)],
    "a cas that did not hold": [write(0, 0, 1, "a", 2), failed_cas(1, 2, 3, 1, "b", 2), read(0, 4, 5, "a", 2)],
    "two cas on one version, one holds": [
        write(0, 0, 1, "a", 1),
        cas(1, 2, 5, 1, "b", 2),
        failed_cas(2, 2, 5, 1, "c", 2),
    ],
    "a failed cas on an open write": [write(0, 0, 1, "a", 1), lost_write(1, 2, "b"), failed_cas(2, 3, 4, 1, "c", 7)],
    "a cas on the version of an open write": [
        write(0, 0, 1, "a", 1),
        lost_write(1, 2, "b"),
        cas(2, 3, 4, 2, "c", 3),
        read(0, 5, 6, "c", 3),
    ],
    "what begins as another ends is beside it": [write(0, 0, 5, "a", 1), read(1, 5, 6, None, None)],
    "an insert once": [insert(0, 0, 5, "a", 1), failed_insert(1, 0, 5, "b", 1), read(0, 6, 7, "a", 1)],
    "a refused write": [write(0, 0, 1, "a", 1), refused_write(1, 2, 3, "b"), read(0, 4, 5, "a", 1)],
    "an eventual read is not judged here": [
        write(0, 0, 1, "a", 1),
        write(0, 2, 3, "b", 2),
        read(1, 4, 5, "a", 1, consistency="eventual"),
    ],
}

VIOLATIONS: dict[str, list[Operation]] = {
    "a stale read": [write(0, 0, 1, "a", 1), write(0, 2, 3, "b", 2), read(1, 4, 5, "a", 1)],
    "a lost write": [write(0, 0, 1, "a", 1), read(1, 2, 3, None, None)],
    "a read of nothing that was written": [write(0, 0, 1, "a", 1), read(1, 2, 3, "z", 1)],
    "a refused write that happened": [write(0, 0, 1, "a", 1), refused_write(1, 2, 3, "b"), read(0, 4, 5, "b", 2)],
    "back in time": [
        write(0, 0, 1, "a", 1),
        write(0, 2, 20, "b", 2),
        read(1, 3, 4, "b", 2),
        read(2, 5, 6, "a", 1),
    ],
    "an open write that happens twice": [
        write(0, 0, 1, "a", 1),
        lost_write(1, 2, "b"),
        read(0, 3, 4, "b", 2),
        write(0, 5, 6, "c", 3),
        read(0, 7, 8, "b", 4),
    ],
    "an acknowledged write that happens twice": [
        write(1, 0, 9, "b", 4),
        write(0, 1, 2, "c", 3),
        read(0, 3, 4, "b", 2),
        read(0, 5, 6, "c", 3),
    ],
    "two cas hold on one version": [write(0, 0, 1, "a", 1), cas(1, 2, 5, 1, "b", 2), cas(2, 2, 5, 1, "c", 3)],
    "a cas holds on a version that is gone": [
        write(0, 0, 1, "a", 1),
        write(0, 2, 3, "b", 2),
        cas(1, 4, 5, 1, "c", 3),
    ],
    "a cas fails although its version is there": [write(0, 0, 1, "a", 1), failed_cas(1, 2, 3, 1, "b", 1)],
    "a cas fails on a version that never was": [write(0, 0, 1, "a", 1), failed_cas(1, 2, 3, 7, "b", 9)],
    "a failed cas met a version below the last": [
        write(0, 0, 1, "a", 5),
        lost_write(1, 2, "b"),
        failed_cas(2, 3, 4, 1, "c", 3),
    ],
    "a failed cas happened": [write(0, 0, 1, "a", 2), failed_cas(1, 2, 3, 1, "b", 2), read(0, 4, 5, "b", 3)],
    "two inserts of one key": [insert(0, 0, 5, "a", 1), insert(1, 0, 5, "b", 2)],
    "an insert over a key": [write(0, 0, 1, "a", 1), insert(1, 2, 3, "b", 2)],
    "an insert fails on an absent key": [failed_insert(1, 2, 3, "b", 0)],
    "a version that falls": [write(0, 0, 1, "a", 5), write(0, 2, 3, "b", 4)],
    "a version that two writes share": [write(0, 0, 5, "a", 5), write(1, 0, 5, "b", 5)],
    "an open cas on a version that never was": [
        write(0, 0, 1, "a", 1),
        lost_cas(1, 2, 9, "b"),
        read(0, 3, 4, "b", 10),
    ],
}


def simulated(chance: random.Random, clients: int, count: int, key: str) -> list[Operation]:
    """Return what clients of a right register would record: each operation takes effect at a moment within its time."""
    moments = []
    for client in range(clients):
        at = chance.randrange(10)
        for number in range(count // clients):
            start, length = at, chance.randrange(1, 30)
            moments.append((start + chance.randrange(length + 1), client, number, start, start + length))
            at = start + length + chance.randrange(1, 5)
    history = []
    value: str | None = None
    version = 0
    known = dict.fromkeys(range(clients), 0)
    for _, client, number, start, end in sorted(moments):
        kind = chance.choice(["read", "read", "write", "cas", "cas", "insert"])
        new = f"{key}-{client}-{number}"
        lost = kind != "read" and chance.random() < 0.06
        if kind == "read":
            history.append(read(client, start, end, value, version or None, key=key))
            known[client] = version
            continue
        expected = (known[client] if chance.random() < 0.8 else version) or 1_000_000
        holds = {"write": True, "cas": value is not None and expected == version, "insert": value is None}[kind]
        happens = holds and not (lost and chance.random() < 0.5)
        found = version
        if happens:
            value, version = new, version + chance.randrange(1, 4)
        told: dict[str, object] = {"outcome": "ok", "version": version}
        if lost:
            told = {"outcome": "unknown"}
        elif not holds:
            told = {"outcome": "refused", "code": FAILED_CONDITION, "version": found or None}
        history.append(
            Operation(
                client=client,
                kind=kind,  # type: ignore[arg-type]  # one of the three
                key=key,
                invoked=start,
                completed=NEVER if lost else end,
                argument=new,
                expected=expected if kind == "cas" else None,
                **told,  # type: ignore[arg-type]  # the members above
            )
        )
    return history


def disturbed(chance: random.Random, history: list[Operation]) -> list[Operation]:
    """Return the history with one answer replaced by another one, which may be wrong."""
    answers = [number for number, each in enumerate(history) if each.version is not None]
    if len(answers) < 2:
        return history
    here, there = chance.sample(answers, 2)
    fields = {name: getattr(history[here], name) for name in history[here].__struct_fields__}
    fields["version"] = history[there].version
    if history[here].kind == "read":
        fields["value"] = history[there].value if history[there].kind == "read" else history[there].argument
    return [Operation(**fields) if number == here else each for number, each in enumerate(history)]
