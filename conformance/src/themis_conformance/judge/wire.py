"""What a wire log must say."""

from __future__ import annotations

from collections import Counter
from typing import Any

from themis_conformance.matching import is_matcher, mismatches, subset_mismatches
from themis_conformance.matching.match import any_order_mismatches
from themis_conformance.model import WireCheck
from themis_conformance.scripted import ScriptedCluster, Seen
from themis_conformance.variables import Variables

__all__ = ["request_mismatches", "wire_mismatches"]


def wire_mismatches(check: WireCheck, cluster: ScriptedCluster, variables: Variables) -> list[str]:
    """Say how the log is not what is expected; empty when it is."""
    log = cluster.log
    seen = log.requests()
    path = check.path
    found: list[str] = []
    if check.requests is not None:
        found += _requests(variables.resolve(check.requests), seen, f"{path}.requests")
    if check.last is not None:
        last = variables.resolve(check.last)
        here = f"{path}.last"
        found += request_mismatches(last, seen[-1].to_wire(), here) if seen else [f"{here}: there was no request"]
    if check.count is not None:
        found += _count(variables.resolve(check.count), seen, f"{path}.count")
    if check.nodes is not None:
        found += mismatches(variables.resolve(check.nodes), [one.node for one in seen], f"{path}.nodes")
    if check.topology_fetches is not None:
        wanted = variables.resolve(check.topology_fetches)
        found += mismatches(wanted, log.topology_fetches(), f"{path}.topology_fetches")
    if check.connections is not None:
        found += mismatches(variables.resolve(check.connections), log.connections, f"{path}.connections")
    for header in check.same_header:
        found += _same(header, seen, path)
    for header in check.distinct_header:
        found += _distinct(header, seen, path)
    for what, times in (variables.resolve(check.committed) if check.committed else {}).items():
        found += mismatches(times, cluster.committed.get(what, 0), f"{path}.committed.{what}")
    return found


def request_mismatches(expected: Any, actual: dict[str, Any], path: str) -> list[str]:
    """Compare a request: what is said about it must be so, headers and query may have more."""
    if is_matcher(expected) or not isinstance(expected, dict):
        return mismatches(expected, actual, path)
    found: list[str] = []
    for name, wanted in expected.items():
        if name in ("headers", "query"):
            wanted = {key: {"$$exists": False} if value is None else value for key, value in wanted.items()}
            found += subset_mismatches(wanted, actual[name], f"{path}.{name}")
        else:
            found += mismatches(wanted, actual[name], f"{path}.{name}")
    return found


def _requests(expected: Any, seen: list[Seen], path: str) -> list[str]:
    actual = [one.to_wire() for one in seen]
    if isinstance(expected, dict):
        if set(expected) == {"$$any_order"}:
            return any_order_mismatches(expected["$$any_order"], actual, path, request_mismatches)
        return mismatches(expected, actual, path)
    found: list[str] = []
    if len(expected) != len(actual):
        found.append(f"{path}: there were {len(actual)} requests; expected {len(expected)}")
    for index, (wanted, one) in enumerate(zip(expected, actual, strict=False)):
        found += request_mismatches(wanted, one, f"{path}[{index}]")
    return found


def _count(expected: Any, seen: list[Seen], path: str) -> list[str]:
    if not isinstance(expected, dict) or is_matcher(expected):
        return mismatches(expected, len(seen), path)
    counts = Counter(one.operation for one in seen)
    return [
        complaint
        for operation, times in expected.items()
        for complaint in mismatches(times, counts[operation], f"{path}.{operation}")
    ]


def _same(header: str, seen: list[Seen], path: str) -> list[str]:
    values = {one.headers.get(header) for one in seen}
    if not seen:
        return [f"{path}.same_header: there was no request with {header}"]
    if None in values:
        return [f"{path}.same_header: a request has no {header}"]
    return [f"{path}.same_header: {header} differs: {sorted(map(str, values))}"] if len(values) > 1 else []


def _distinct(header: str, seen: list[Seen], path: str) -> list[str]:
    counts = Counter(one.headers.get(header) for one in seen)
    if not seen or None in counts:
        return [f"{path}.distinct_header: a request has no {header}"]
    return [f"{path}.distinct_header: {header} is {value!r} {n} times" for value, n in counts.items() if n > 1]
