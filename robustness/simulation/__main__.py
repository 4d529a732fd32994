"""The command: `python -m robustness.simulation --seeds N [--from K] [--jobs J] [--trace]`."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Sequence

from robustness.simulation.run import Outcome, Tally, run, run_many


def main(argv: Sequence[str] | None = None) -> int:
    """Run seeds from the command line; 1 if an invariant did not hold in any of them."""
    parser = argparse.ArgumentParser(prog="python -m robustness.simulation", description="Simulate seeded clusters.")
    parser.add_argument("--seeds", type=int, default=2000, help="how many seeds to run (2000)")
    parser.add_argument("--from", dest="first", type=int, default=1, help="the first seed (1)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="how many processes (one a core)")
    parser.add_argument("--keep-going", action="store_true", help="go on after a seed that fails")
    parser.add_argument("--trace", action="store_true", help="print everything that happened in each run")
    arguments = parser.parse_args(argv)
    started_s = time.monotonic()
    tally, failed = Tally(), []
    if arguments.trace:
        outcomes = (run(arguments.first + at, whole_trace=True) for at in range(arguments.seeds))
    else:
        outcomes = run_many(arguments.first, arguments.seeds, arguments.jobs)  # type: ignore[assignment]
    for outcome in outcomes:
        tally.add(outcome)
        if outcome.broken or arguments.trace:
            _show(outcome)
        if outcome.broken:
            failed.append(outcome)
            if not arguments.keep_going:
                break
    duration_s = time.monotonic() - started_s
    print(
        f"{tally.seeds} seeds in {duration_s:.1f} s ({tally.seeds / duration_s:.1f} a second): {tally.faults} faults, "
        f"{tally.changes} changes of the topology, {tally.installs} snapshots installed, "
        f"{tally.acknowledged} acknowledged writes, {tally.reads} reads, {tally.events} events; {len(failed)} failed"
    )
    for outcome in failed:
        print(f"  seed {outcome.seed}: {outcome.broken}")
    return 1 if failed else 0


def _show(outcome: Outcome) -> None:
    print(f"seed {outcome.seed}: {outcome.broken or 'everything held'} (trace {outcome.digest})")
    for line in outcome.trace:
        print(line)
    if outcome.broken:
        print(f"seed {outcome.seed}: {outcome.broken}: {outcome.detail}")
        print(f"again: python -m robustness.simulation --from {outcome.seed} --seeds 1 --trace")


if __name__ == "__main__":
    sys.exit(main())
