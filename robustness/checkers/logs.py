"""What nodes say of themselves: an error in a log that the fault does not explain is a finding, whatever is told."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping

from robustness.checkers import Verdict, verdict

NAME = "logs"
_LINE_MAX = 400


def check(said: Mapping[str, str], expected: Collection[str]) -> Verdict:
    """Judge what each node logged during a round.

    Args:
        said: By node id, the lines: JSON objects, and what was written past the logger.
        expected: Events of level error that the fault brings about.

    Returns:
        fail if there is an error that is not expected, or a traceback that no logger wrote. `checked` counts nodes.
    """
    problems = []
    for node_id, text in said.items():
        for line in text.splitlines():
            event = _event(line)
            if event is None:
                if line.startswith("Traceback"):
                    problems.append(f"{node_id} wrote a traceback past its logger")
            elif event.get("level") in ("error", "critical") and event.get("event") not in expected:
                problems.append(f"{node_id}: {line[:_LINE_MAX]}")
    return verdict(NAME, problems, len(said))


def _event(line: str) -> dict[str, object] | None:
    try:
        found = json.loads(line)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None
