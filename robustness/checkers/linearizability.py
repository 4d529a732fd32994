"""Is there an order in which everything could have happened one at a time, that agrees with every answer?

Wing and Gong's search ("Testing and Verifying Concurrent Objects", 1993) with Lowe's memory of configurations ("Testing
for linearizability", 2017): walk the calls and returns in the order of time; take any pending call that the state
allows; on a return of a call not yet taken, go back. A configuration (what was taken, and the state) is tried once.
Keys are independent, so each is searched alone (Herlihy and Wing's locality).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from robustness.checkers import Verdict
from robustness.checkers.register import EMPTY, State, Step, prepare, step
from robustness.history import NEVER, Operation, by_key

NAME = "linearizability"
CONFIGURATIONS_MAX = 2_000_000
"""How many configurations are tried for a key before the verdict is `unknown`."""


@dataclass(slots=True)
class _Event:
    """A call or a return in the doubly linked list of what is not placed yet."""

    number: int
    is_call: bool
    before: _Event | None = None
    after: _Event | None = None
    other: _Event | None = None
    """Of a call, its return."""


@dataclass(frozen=True)
class Search:
    """How the search of one key ended; `stuck` is an operation that could not be placed."""

    result: Literal["pass", "fail", "unknown"]
    configurations: int
    stuck: Step | None = None


def _linked(steps: Sequence[Step]) -> _Event:
    """Return the head of the list of calls and returns in time; a call comes before a return of the same instant."""
    calls = [_Event(number, True) for number in range(len(steps))]
    events: list[tuple[int, int, _Event]] = []
    for number, (each, call) in enumerate(zip(steps, calls, strict=True)):
        call.other = _Event(number, False)
        events.append((each.invoked, 0, call))
        events.append((each.completed if each.must else NEVER, 1, call.other))
    events.sort(key=lambda entry: entry[:2])
    head = _Event(-1, False)
    last = head
    for _, _, event in events:
        last.after, event.before = event, last
        last = event
    return head


def _take_out(event: _Event) -> None:
    for each in (event, event.other):
        assert each is not None
        assert each.before is not None
        each.before.after = each.after
        if each.after is not None:
            each.after.before = each.before


def _put_back(event: _Event) -> None:
    for each in (event.other, event):
        assert each is not None
        assert each.before is not None
        each.before.after = each
        if each.after is not None:
            each.after.before = each


def search(
    steps: Sequence[Step],
    apply: Callable[[State, Step], State | None] = step,
    configurations_max: int = CONFIGURATIONS_MAX,
) -> Search:
    """Look for a linearization of the steps of one key.

    Args:
        steps: The operations; one that need not happen may be left out.
        apply: The sequential object.
        configurations_max: Where to give up.

    Returns:
        pass, fail, or unknown when it gave up.
    """
    head = _linked(steps)
    state = EMPTY
    taken = 0
    tried: set[tuple[int, State]] = set()
    stack: list[tuple[_Event, State]] = []
    farthest, stuck = -1, None
    event = head.after
    while event is not None:
        if event.is_call:
            after = apply(state, steps[event.number])
            if after is not None:
                configuration = (taken | 1 << event.number, after)
                if configuration not in tried:
                    if len(tried) >= configurations_max:
                        return Search("unknown", len(tried))
                    tried.add(configuration)
                    stack.append((event, state))
                    taken, state = configuration
                    _take_out(event)
                    event = head.after
                    continue
            event = event.after
            continue
        if not steps[event.number].must:
            break  # Only open ends are left: nothing that must happen is missing.
        if len(stack) > farthest:
            farthest, stuck = len(stack), steps[event.number]
        if not stack:
            return Search("fail", len(tried), stuck)
        back, state = stack.pop()
        taken &= ~(1 << back.number)
        _put_back(back)
        event = back.after
    return Search("pass", len(tried))


def check(operations: Iterable[Operation], configurations_max: int = CONFIGURATIONS_MAX) -> Verdict:
    """Judge all keys: strong reads, writes, cas and inserts, with the versions that they were told."""
    problems: list[str] = []
    undecided: list[str] = []
    checked = 0
    for key, history in by_key(operations).items():
        prepared = prepare(history)
        problems += prepared.problems
        checked += len(prepared.steps)
        found = search(prepared.steps, configurations_max=configurations_max)
        if found.result == "fail" and found.stuck is not None:
            problems.append(f"{key}: no order explains all answers; it ends at {describe(found.stuck)}")
        elif found.result == "unknown":
            undecided.append(f"{key}: not decided after {found.configurations} configurations")
    if problems:
        return Verdict(NAME, "fail", tuple(problems), checked)
    if undecided:
        return Verdict(NAME, "unknown", tuple(undecided), checked)
    return Verdict(NAME, "pass" if checked else "void", (), checked)


def describe(move: Step) -> str:
    """Write an operation in a line."""
    operation = move.operation
    what = {
        "read": f"read {operation.value}",
        "write": f"write {operation.argument}",
        "cas": f"cas {operation.expected} to {operation.argument}",
        "insert": f"insert {operation.argument}",
    }[operation.kind]
    end = "open" if move.completed == NEVER else f"{move.completed / 1e9:.6f}"
    return (
        f"{what} at version {move.version} ({operation.outcome}{' ' + operation.code if operation.code else ''}) "
        f"by client {operation.client} on {operation.node or '?'}, {move.invoked / 1e9:.6f} to {end} s"
    )
