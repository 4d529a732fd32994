"""`python -m conformance.mutants`: the table of mutants, in README.md; `--check` only compares."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from conformance.mutants.plan import HERE, TARGETS, Mutant, load

_OPENING = """\
# Mutants

What the conformance suite has to notice: faults that are planted on purpose, one at a time, in a copy of an SDK or of
the server. `tests/` plants each, runs the cases named beside it, and demands that all of them fail, after the unharmed
source has passed them. `./themis test mutants` runs it.

To add one, write it with `cases: []`, let `python -m conformance.mutants.discover TARGET NAME` say which cases notice
it (`--filter scenarios/tokens` for fewer), and name those whose rule it breaks. If none does, a case is missing.

Made by `python -m conformance.mutants` from the `*.yaml` beside it; do not edit.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the table, or compare it; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m conformance.mutants", description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; fail if something would change")
    options = parser.parse_args(arguments)
    page, path = table(), HERE / "README.md"
    if options.check:
        if not path.exists() or path.read_text(encoding="utf-8") != page:
            print(f"{path} is not what the lists say: python -m conformance.mutants", file=sys.stderr)
            return 1
        return 0
    path.write_text(page, encoding="utf-8")
    return 0


def table() -> str:
    """Return the page: a table for each target."""
    parts = [_OPENING.rstrip("\n"), ""]
    for target in TARGETS:
        mutants = load(target)
        parts.append(f"## {target}: {len(mutants)}\n\n| mutant | the fault | in | caught by |\n|---|---|---|---|\n")
        parts += [_row(mutant) for mutant in mutants]
        parts.append("")
    return "\n".join(part.rstrip("\n") for part in parts) + "\n"


def _row(mutant: Mutant) -> str:
    cases = "<br>".join(f"`{case}`" for case in mutant.cases)
    file = mutant.file.rsplit("/", 1)[-1]
    return f"| {mutant.name} | {mutant.about.replace('|', '&#124;')} | {file} | {cases} |"


if __name__ == "__main__":
    sys.exit(main())
