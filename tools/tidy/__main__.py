"""`python -m tools.tidy`: apply every rule to this tree, print what breaks one, exit 1 if anything does."""

from __future__ import annotations

import sys

from tools import tree
from tools.tidy import addresses, dead, links, packages, sizes, text
from tools.tidy.fault import Tree

_RULES = (sizes.check, text.check, addresses.check, packages.check, links.check, dead.check)


def main() -> int:
    """Check the tree."""
    work_tree = Tree(tree.ROOT)
    faults = sorted({str(fault) for rule in _RULES for fault in rule(work_tree)})
    for fault in faults:
        print(fault)
    print(f"tidy: {len(work_tree.files)} files, {len(_RULES)} rules, {len(faults)} fault(s)", file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
