"""What clients asked for and what they were told: the only thing that the checkers look at.

One operation is one line of JSON. Times are nanoseconds of the monotonic clock of the machine that all clients run on,
so they can be compared. Invariant: `outcome` says no more than the client knows. A write is `refused` only if it surely
did not happen; whatever may have happened, or may still, is `unknown` and has no end.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Final, Literal, Self, TypeAlias

import msgspec

Kind: TypeAlias = Literal["read", "write", "cas", "insert"]
"""What an operation does to one key.

write replaces the value; cas replaces it if the version is `expected`; insert creates the key if it is absent. A cas or
insert whose condition did not hold is `refused` with the code `precondition_failed`, and `version` is the one that it
found (None: the key was absent).
"""

Outcome: TypeAlias = Literal["ok", "refused", "unknown"]
Standing: TypeAlias = Literal["ok", "conflict", "refused", "unknown"]
"""An outcome as people read it: a condition that did not hold is an answer, and no sign of trouble."""
Consistency: TypeAlias = Literal["strong", "bounded", "eventual"]

FAILED_CONDITION: Final = "precondition_failed"
NEVER: Final = (1 << 63) - 1
"""The end of an operation that has none: it may happen at any time after it began."""


class Operation(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """One request of one client, all its attempts included.

    Attributes:
        client: Who asked; a client has one operation under way at a time.
        kind: See `Kind`.
        key: The URN's uuid, or whatever names the register.
        invoked: When it began, in ns.
        completed: When the answer was there, in ns; `NEVER` if the outcome is unknown.
        outcome: See the module.
        argument: What a write, cas or insert stores; unique in the history.
        value: What a read found; None if there was no such key.
        expected: The version a cas asks for.
        version: Of an ok write: the one it made. Of a read: the one it found, None if absent.
        consistency: What a read asked for.
        max_lag_ms: How old a bounded read may be.
        lag_ms: How old the answer said it may be; None if it did not say.
        session: Whether this operation carried the client's session.
        node: Which node answered.
        role: As what it answered.
        shard: Which shard owns the key.
        attempts: How many requests were sent.
        code: Why it was refused, or what made it unknown.
        round: Which part of the run it belongs to.
    """

    client: int
    kind: Kind
    key: str
    invoked: int
    completed: int
    outcome: Outcome
    argument: str | None = None
    value: str | None = None
    expected: int | None = None
    version: int | None = None
    consistency: Consistency = "strong"
    max_lag_ms: int | None = None
    lag_ms: float | None = None
    session: bool = False
    node: str = ""
    role: str = ""
    shard: str = ""
    attempts: int = 1
    code: str = ""
    round: str = ""

    @property
    def ok(self) -> bool:
        """Whether it surely happened."""
        return self.outcome == "ok"

    @property
    def strong_read(self) -> bool:
        """Whether it is a read that must see everything acknowledged before it began."""
        return self.kind == "read" and self.consistency == "strong"

    @property
    def failed_condition(self) -> bool:
        """Whether it was carried out, found its condition false, and changed nothing."""
        return self.outcome == "refused" and self.code == FAILED_CONDITION

    @property
    def standing(self) -> Standing:
        """Its outcome, with conflicts told from refusals."""
        return "conflict" if self.failed_condition else self.outcome


def now() -> int:
    """Return the time that histories are written in: ns of the monotonic clock."""
    return time.monotonic_ns()


class Recorder:
    """Takes operations as they end, keeps them, and appends them to a file at once: a crash of ours loses none."""

    def __init__(self, file: Path | None = None) -> None:
        self.operations: list[Operation] = []
        self.round = ""
        """Put into every operation that is added from now on."""
        self._stream = file.open("ab") if file is not None else None

    def add(self, operation: Operation) -> None:
        """Note an operation that has ended."""
        if self.round and not operation.round:
            operation = msgspec.structs.replace(operation, round=self.round)
        self.operations.append(operation)
        if self._stream is not None:
            self._stream.write(msgspec.json.encode(operation) + b"\n")

    def of_round(self, name: str) -> list[Operation]:
        """Return the operations of one part of the run."""
        return [operation for operation in self.operations if operation.round == name]

    def close(self) -> None:
        """Write what is buffered and close the file."""
        if self._stream is not None:
            self._stream.close()
            self._stream = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def write(file: Path, operations: Iterable[Operation]) -> None:
    """Write a history, replacing the file."""
    with file.open("wb") as stream:
        stream.writelines(msgspec.json.encode(operation) + b"\n" for operation in operations)


def read(file: Path) -> Iterator[Operation]:
    """Read a history; raises `msgspec.DecodeError` on a line that is none, except for a torn last one."""
    decoder = msgspec.json.Decoder(Operation)
    with file.open("rb") as stream:
        for line in stream:
            if not line.endswith(b"\n"):
                return
            yield decoder.decode(line)


def by_key(operations: Iterable[Operation]) -> dict[str, list[Operation]]:
    """Sort operations into keys, each in the order in which they began."""
    keys: dict[str, list[Operation]] = {}
    for operation in sorted(operations, key=lambda operation: operation.invoked):
        keys.setdefault(operation.key, []).append(operation)
    return keys
