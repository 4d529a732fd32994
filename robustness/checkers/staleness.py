"""Bounded reads keep their bound, and tell the truth about their lag.

All clients share one clock, so what was acknowledged before `invoked - lag` was acknowledged more than `lag` before
the answer was made: a replica that is at most `lag` behind has it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable

from robustness.checkers import Verdict, verdict
from robustness.history import Operation, by_key

NAME = "staleness"
_ROUNDING_MS = 1.0
"""The lag in an answer is in whole milliseconds."""


def check(operations: Iterable[Operation], tolerance_ms: float = _ROUNDING_MS) -> Verdict:
    """Judge the bounded reads, and what eventual reads say of their lag.

    Rules: a bounded answer claims a lag, and none above what was asked for; the version found is not below the greatest
    that was acknowledged before the claimed lag. A bounded answer that there is nothing (an error, where a proxy or an
    older node made it) may leave the claim out, and is held to what was asked for. `checked` counts what was judged.
    """
    problems: list[str] = []
    checked = 0
    for key, history in by_key(operations).items():
        times, greatest = _acknowledged(history)
        for each in history:
            if each.kind != "read" or not each.ok or each.consistency == "strong":
                continue
            where = f"{key}: {each.consistency} read of client {each.client} on {each.node or '?'} ({each.role or '?'})"
            if each.consistency == "bounded":
                if each.lag_ms is None and each.version is not None:
                    problems.append(f"{where} does not say how far behind it is")
                elif each.lag_ms is not None and each.max_lag_ms is not None and each.lag_ms > each.max_lag_ms:
                    problems.append(f"{where} is {each.lag_ms:g} ms behind, {each.max_lag_ms} were allowed")
            lag_ms = each.lag_ms if each.lag_ms is not None else each.max_lag_ms
            if lag_ms is None:
                continue
            checked += 1
            since = each.invoked - round((lag_ms + tolerance_ms) * 1e6)
            place = bisect_right(times, since)
            due = greatest[place - 1] if place else 0
            if (each.version or 0) < due:
                late_ms = (each.invoked - times[bisect_right(greatest, (each.version or 0))]) / 1e6
                problems.append(
                    f"{where} claims {lag_ms:g} ms and found version {each.version}; a newer one had been "
                    f"acknowledged {late_ms:.1f} ms before"
                )
    return verdict(NAME, problems, checked)


def _acknowledged(history: list[Operation]) -> tuple[list[int], list[int]]:
    """Return when writes were acknowledged, ascending, and the greatest version acknowledged up to each."""
    writes = sorted((each.completed, each.version or 0) for each in history if each.kind != "read" and each.ok)
    times, greatest = [], []
    highest = 0
    for completed, version in writes:
        highest = max(highest, version)
        times.append(completed)
        greatest.append(highest)
    return times, greatest
