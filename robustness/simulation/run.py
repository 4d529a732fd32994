"""One seed, or many on several processes."""

from __future__ import annotations

import logging
import time
import traceback
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

from robustness.simulation.invariants import Violation
from robustness.simulation.plan import draw
from robustness.simulation.world import World

_server_log = logging.getLogger("themis_server")
_server_log.addHandler(logging.NullHandler())
_server_log.propagate = False

_SHARE = 20
"""How many seeds a process is given at a time."""


@dataclass(frozen=True)
class Outcome:
    """How the run of one seed ended."""

    seed: int
    broken: str
    """The invariant that did not hold; empty when all did."""
    detail: str
    trace: tuple[str, ...]
    """The trace: its last lines of a failed run, everything when asked for, else nothing."""
    digest: str
    """The hash of the trace, when it was asked for or the run failed."""
    events: int
    acknowledged: int
    reads: int
    faults: int
    changes: int
    """Of the topology."""
    installs: int
    """Snapshots that were installed."""


@dataclass
class Tally:
    """What many runs came to."""

    seeds: int = 0
    events: int = 0
    acknowledged: int = 0
    reads: int = 0
    faults: int = 0
    changes: int = 0
    installs: int = 0

    def add(self, outcome: Outcome) -> None:
        """Count a run."""
        self.seeds += 1
        self.events += outcome.events
        self.acknowledged += outcome.acknowledged
        self.reads += outcome.reads
        self.faults += outcome.faults
        self.changes += outcome.changes
        self.installs += outcome.installs


def run(seed: int, *, whole_trace: bool = False, last_lines: int = 60) -> Outcome:
    """Run one seed.

    Args:
        seed: decides everything.
        whole_trace: return every line of the trace, and its hash, also of a run in which everything held.
        last_lines: how much of the trace of a failed run to return.
    """
    world = World(draw(seed))
    broken = detail = ""
    try:
        world.run()
    except Violation as violation:
        broken, detail = violation.invariant, violation.detail
    except Exception:
        # Whatever the code under test raises is a finding, with this seed as its proof.
        broken, detail = "no step fails", traceback.format_exc()
    finally:
        world.close()
    if broken:
        world.note(0, "BROKEN", broken, detail)
    lines: tuple[str, ...] = ()
    if whole_trace or broken:
        lines = tuple(world.trace.lines(None if whole_trace else last_lines))
    return Outcome(
        seed,
        broken,
        detail,
        lines,
        world.trace.digest() if whole_trace or broken else "",
        len(world.trace),
        world.checks.acknowledged,
        world.checks.reads,
        world.faults.count,
        world.operator.changes,
        world.checks.installs,
    )


def run_many(first: int, count: int, jobs: int) -> Iterator[Outcome]:
    """Run `count` seeds from `first` on, on `jobs` processes; yield the outcomes in the order of the seeds."""
    shares = [range(at, min(at + _SHARE, first + count)) for at in range(first, first + count, _SHARE)]
    if jobs == 1:
        for share in shares:
            yield from _share(share)[0]
        return
    with ProcessPoolExecutor(jobs) as pool:
        for outcomes, _ in pool.map(_share, shares):
            yield from outcomes


def _share(seeds: range) -> tuple[list[Outcome], float]:
    started_s = time.process_time()
    return [run(seed) for seed in seeds], time.process_time() - started_s
