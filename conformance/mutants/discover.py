"""`python -m conformance.mutants.discover TARGET [NAME ...]`: which cases of the suite notice a mutant.

For whoever writes mutants, which need not name cases yet: pick from what it prints those whose rule the fault breaks.
Narrow the run: `--filter scenarios/retries --mode sync`.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from conformance.mutants.judging import Breadth, failing
from conformance.mutants.plan import TARGETS, Mutant, Target, load

_SHOWN = 60


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the cases that fail, mutant by mutant; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m conformance.mutants.discover", description=__doc__)
    parser.add_argument("target", choices=TARGETS)
    parser.add_argument("names", nargs="*", metavar="NAME", help="only these mutants")
    parser.add_argument("--filter", action="append", default=[], metavar="X", help="only cases named so")
    parser.add_argument("--mode", choices=("sync", "async"), help="only this kind of client")
    parser.add_argument("--jobs", type=int, default=0, metavar="N", help="cases side by side")
    options = parser.parse_args(arguments)
    breadth = Breadth(mode=options.mode, jobs=options.jobs)
    always = _caught(options.target, None, options.filter, breadth)
    if always:
        print("failing without a fault:", *sorted(always), sep="\n  ", flush=True)
    for mutant in load(options.target, finished=False):
        if not options.names or mutant.name in options.names:
            caught = sorted(_caught(options.target, mutant, options.filter, breadth) - always)
            more = [f"... and {len(caught) - _SHOWN} more"] if len(caught) > _SHOWN else []
            print(f"\n{mutant.name}: {len(caught)}", *caught[:_SHOWN], *more, sep="\n  ", flush=True)
    return 0


def _caught(target: Target, mutant: Mutant | None, filters: Sequence[str], breadth: Breadth) -> set[str]:
    with tempfile.TemporaryDirectory() as scratch:
        return failing(target, mutant, filters, Path(scratch), breadth)


if __name__ == "__main__":
    sys.exit(main())
