"""Which releases work in one cluster, and how far all of its nodes have come. Pure.

A release is `major.minor.patch`; patches of one minor release are alike. The topology keeps in `release` the newest
`major.minor` that all of its nodes have had at once. It is only ever raised: what a release has added to log entries,
to the state or to the metadata may be used from then on, since no node that cannot read it is taken any more.
"""

from __future__ import annotations

from collections.abc import Iterable


def compatible(ours: str, theirs: str) -> bool:
    """Tell whether two releases work in one cluster: the same major, minors next to each other."""
    one, other = _numbers(ours), _numbers(theirs)
    if one is None or other is None:
        return ours == theirs
    return one[0] == other[0] and abs(one[1] - other[1]) <= 1


def at_least(release: str, wanted: str) -> bool:
    """Tell whether a release is `wanted` or newer; what names no release is older than any that does."""
    return (_numbers(release) or (0, 0)) >= (_numbers(wanted) or (0, 0))


def common(releases: Iterable[str]) -> str:
    """Return the newest `major.minor` that all of these have reached; empty if one of them names no release."""
    numbers = [_numbers(release) for release in releases]
    known = [number for number in numbers if number is not None]
    if not known or len(known) < len(numbers):
        return ""
    major, minor = min(known)
    return f"{major}.{minor}"


def objection(reached: str, release: str) -> str:
    """Say why a node of a release cannot take part in a cluster that has reached `reached`; empty if it can."""
    if _numbers(reached) is None or _numbers(release) is None:
        return ""
    if not at_least(release, reached):
        return f"it runs release {release}, and all nodes of the cluster have had {reached} since: it cannot go back"
    if not compatible(reached, release):
        return f"it runs release {release}, and the cluster is at {reached}: one minor release is gone up at a time"
    return ""


def _numbers(release: str) -> tuple[int, int] | None:
    parts = release.split(".")
    if len(parts) < 2 or not (parts[0].isdigit() and parts[1].isdigit()):
        return None
    return int(parts[0]), int(parts[1])
