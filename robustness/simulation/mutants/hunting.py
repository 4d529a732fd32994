"""Hunts planted faults: seed after seed, until an invariant breaks; several faults at once, each in a process."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

from robustness.simulation.mutants.planting import Mutant, planted
from robustness.simulation.plan import draw
from robustness.simulation.run import Outcome, run


@dataclass(frozen=True)
class Catch:
    """What came of a hunt."""

    mutant: Mutant
    seeds: int
    """How many seeds were run, the last one included."""
    outcome: Outcome | None
    """The run that caught it; None if none did."""
    unharmed: Outcome | None
    """The same seed without the fault; None if nothing was caught."""


def hunt(mutant: Mutant, first_seed: int = 1) -> Catch:
    """Run seeds with the fault planted until one fails, as many as the mutant allows, and that one without the fault.

    Passed over are the seeds in which nothing happens that the fault needs.
    """
    seed, outcome = first_seed - 1, None
    for count in range(1, mutant.seeds + 1):
        seed += 1
        while mutant.needs and not set(mutant.needs) & set(draw(seed).faults):
            seed += 1
        with planted(mutant):
            outcome = run(seed)
        if outcome.broken:
            return Catch(mutant, count, outcome, run(seed))
    return Catch(mutant, mutant.seeds, None, None)


@contextmanager
def hunted(mutants: Iterable[Mutant], first_seed: int = 1) -> Iterator[dict[str, Future[Catch]]]:
    """Hunt many mutants on all cores; yield what comes of each, by its name. Those that take longest begin first."""
    with ProcessPoolExecutor(os.cpu_count() or 1) as pool:
        hardest_first = sorted(mutants, key=lambda mutant: -mutant.seeds)
        try:
            yield {mutant.name: pool.submit(hunt, mutant, first_seed) for mutant in hardest_first}
        finally:
            pool.shutdown(cancel_futures=True)
