"""`python -m conformance.mutants.discover TARGET [NAME]`: which cases of the whole suite notice a mutant.

For whoever writes mutants: pick from what it prints the cases whose rule the fault breaks.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from conformance.mutants.judging import failing
from conformance.mutants.plan import TARGETS, load


def main(arguments: list[str]) -> int:
    """Print the cases that fail, mutant by mutant; returns the exit status."""
    target = next((target for target in TARGETS if arguments and target == arguments[0]), None)
    if target is None:
        print(__doc__, file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as scratch:
        always = failing(target, None, [], Path(scratch))
    for mutant in load(target):
        if arguments[1:] and mutant.name not in arguments[1:]:
            continue
        with tempfile.TemporaryDirectory() as scratch:
            caught = sorted(failing(target, mutant, [], Path(scratch)) - always)
        print(f"\n{mutant.name}: {len(caught)}", *caught[:40], sep="\n  ", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
