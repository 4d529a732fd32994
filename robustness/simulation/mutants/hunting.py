"""Hunts a planted fault: seed after seed, until an invariant breaks."""

from __future__ import annotations

from dataclasses import dataclass

from robustness.simulation.mutants.planting import Mutant, planted
from robustness.simulation.run import Outcome, run


@dataclass(frozen=True)
class Catch:
    """What came of a hunt."""

    mutant: Mutant
    seeds: int
    """How many seeds were run, the last one included."""
    outcome: Outcome | None
    """The run that caught it; None if none did."""


def hunt(mutant: Mutant, first_seed: int = 1) -> Catch:
    """Run seeds with the fault planted until one fails, as many as the mutant allows."""
    with planted(mutant):
        for count in range(mutant.seeds):
            outcome = run(first_seed + count)
            if outcome.broken:
                return Catch(mutant, count + 1, outcome)
    return Catch(mutant, mutant.seeds, None)
