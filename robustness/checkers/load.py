"""Enough happened for a verdict to mean something, and how long nothing did.

A fault that stops the load also stops the proof: a run whose load fell below its minimum is void.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from robustness.checkers import Verdict
from robustness.history import Operation

NAME = "load"


@dataclass(frozen=True)
class Minimum:
    """The least that a round must contain to be judged: acknowledged writes and answered reads, per second of it."""

    writes_per_s: float = 5.0
    reads_per_s: float = 5.0
    clients: int = 2


def check(operations: Iterable[Operation], took_s: float, minimum: Minimum | None = None) -> Verdict:
    """Return void if a round of `took_s` seconds had too little load, else pass. `checked` counts what was answered."""
    minimum = minimum or Minimum()
    done = [each for each in operations if each.ok]
    counts = Counter("read" if each.kind == "read" else "write" for each in done)
    problems = [
        f"{counts[kind]} {kind}s in {took_s:.1f} s, at least {per_s * took_s:.0f} are needed"
        for kind, per_s in (("write", minimum.writes_per_s), ("read", minimum.reads_per_s))
        if counts[kind] < per_s * took_s
    ]
    clients = len({each.client for each in done})
    if clients < minimum.clients:
        problems.append(f"{clients} clients were answered, at least {minimum.clients} are needed")
    return Verdict(NAME, "void" if problems else "pass", tuple(problems), len(done))


def longest_gaps(operations: Sequence[Operation], begun: int, ended: int) -> Mapping[str, float]:
    """Return, by shard, the longest time in seconds between two acknowledged writes, from `begun` to `ended` (ns)."""
    times: dict[str, list[int]] = {}
    for each in operations:
        if each.ok and each.kind != "read" and each.shard and begun <= each.completed <= ended:
            times.setdefault(each.shard, []).append(each.completed)
    gaps = {}
    for shard, completed in sorted(times.items()):
        ordered = [begun, *sorted(completed), ended]
        gaps[shard] = max(after - before for before, after in pairwise(ordered)) / 1e9
    return gaps
