"""Session guarantees: a client that carries its session reads what it wrote, and never goes back.

Terry et al., "Session Guarantees for Weakly Consistent Replicated Data", 1994: read your writes, and monotonic reads.
Both are said with versions, which rise: a read in a session finds no version below one that the session has seen of
that key.
"""

from __future__ import annotations

from collections.abc import Iterable

from robustness.checkers import Verdict, verdict
from robustness.history import Operation

NAME = "sessions"


def check(operations: Iterable[Operation]) -> Verdict:
    """Judge the operations that carried a session; a client is a session. `checked` counts its reads."""
    problems: list[str] = []
    written: dict[tuple[int, str], int] = {}
    read: dict[tuple[int, str], int] = {}
    checked = 0
    for each in sorted((each for each in operations if each.session), key=lambda each: each.invoked):
        place = (each.client, each.key)
        if not each.ok:
            continue
        if each.kind != "read":
            written[place] = max(written.get(place, 0), each.version or 0)
            continue
        checked += 1
        found = each.version or 0
        where = (
            f"{each.key}: client {each.client} read version {each.version} on {each.node or '?'} ({each.role or '?'})"
        )
        if found < written.get(place, 0):
            problems.append(f"{where} after it wrote {written[place]}: it does not read its own write")
        if found < read.get(place, 0):
            problems.append(f"{where} after it read {read[place]}: its reads are not monotonic")
        read[place] = max(read.get(place, 0), found)
    return verdict(NAME, problems, checked)
