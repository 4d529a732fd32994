"""The table of planted faults: `python -m robustness.simulation.mutants [--from K] [NAME...]`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from robustness.simulation.mutants.hunting import hunted
from robustness.simulation.mutants.planting import load


def main(argv: Sequence[str] | None = None) -> int:
    """Hunt every mutant, or those named; 1 if one gets away."""
    parser = argparse.ArgumentParser(prog="python -m robustness.simulation.mutants", description="Hunt planted faults.")
    parser.add_argument("names", nargs="*", help="which ones (all)")
    parser.add_argument("--from", dest="first", type=int, default=1, help="the first seed (1)")
    arguments = parser.parse_args(argv)
    escaped = 0
    mutants = [mutant for mutant in load() if not arguments.names or mutant.name in arguments.names]
    with hunted(mutants, arguments.first) as catches:
        for mutant in mutants:
            catch = catches[mutant.name].result()
            if catch.outcome is None:
                escaped += 1
                print(f"{mutant.name:40} ESCAPED {catch.seeds} seeds", flush=True)
                continue
            broken = catch.outcome.broken
            expected = "" if broken in mutant.caught_by else "   (another one than the catalog says)"
            print(f"{mutant.name:40} seed {catch.outcome.seed:4} ({catch.seeds:3}): {broken}{expected}", flush=True)
    return 1 if escaped else 0


if __name__ == "__main__":
    sys.exit(main())
