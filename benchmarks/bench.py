"""What a scenario is handed: how hard to try, where to put files, and how to say what goes on."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.figures import Figure
from benchmarks.rounds import Effort


@dataclass(frozen=True, slots=True)
class Bench:
    """A scenario's surroundings."""

    effort: Effort
    scratch: Path
    """A directory of its own, on the disk that is measured; removed afterwards."""
    programs: Path
    """Where peers are installed; kept from run to run."""
    stored: int
    """How many entities are in the store where a scenario needs a full one."""

    def say(self, text: str) -> None:
        """Tell the one who waits what is being done."""
        print(f"    {text}", file=sys.stderr, flush=True)


Scenario = Callable[[Bench], list[Figure]]
