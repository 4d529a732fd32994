"""`python -m tools.vectors [--check]`: write spec/vectors/*.json, or say whether they are as they would be written."""

from __future__ import annotations

import argparse
from pathlib import Path

from tools.vectors import etags, hashes, rings, urns, versions
from tools.vectors.vector import Suite

VECTORS = Path(__file__).resolve().parents[2] / "spec" / "vectors"


def suites() -> tuple[Suite, ...]:
    """All suites, one for each file."""
    return (urns.suite(), hashes.suite(), rings.suite(), etags.suite(), versions.suite())


def main(arguments: list[str] | None = None, folder: Path = VECTORS) -> int:
    """Run the command; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tools.vectors", description="Make the vectors of spec/vectors.")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if a file would change")
    options = parser.parse_args(arguments)
    drifted = 0
    total = 0
    for suite in suites():
        path = folder / f"{suite.rule}.json"
        text = suite.to_json()
        total += len(suite.vectors)
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        drifted += 1
        if options.check:
            print(f"{path.name} is not what tools.vectors makes")
        else:
            path.write_text(text, encoding="utf-8")
            print(f"written    {path.name} ({len(suite.vectors)} vectors)")
    print(f"{total} vectors in {len(suites())} files")
    return 1 if options.check and drifted else 0


if __name__ == "__main__":
    raise SystemExit(main())
