"""`python -m tools.specdiff [OLD NEW] | --freeze NAME`: exit 1 if NEW breaks programs written against OLD."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tools.codegen.source import SpecError
from tools.specdiff.compare import breaking_changes
from tools.specdiff.snapshots import freeze, load_document, newest_snapshot

SPEC = Path(__file__).resolve().parents[2] / "spec"


def main(arguments: list[str] | None = None, spec: Path = SPEC) -> int:
    """Run the command; returns the exit status: 0 nothing breaks, 1 something does, 2 the documents cannot be read."""
    parser = argparse.ArgumentParser(prog="python -m tools.specdiff", description="Refuse breaking changes of the API.")
    parser.add_argument(
        "documents", nargs="*", type=Path, metavar="OLD NEW", help="by default newest snapshot, openapi.yaml"
    )
    parser.add_argument(
        "--freeze", metavar="VERSION", help="write spec/released/VERSION.yaml of the present openapi.yaml"
    )
    options = parser.parse_args(arguments)
    if len(options.documents) not in (0, 2) or (options.documents and options.freeze):
        parser.error("give two documents, or none")
    try:
        if options.freeze:
            print(f"written    {freeze(load_document(spec / 'openapi.yaml'), spec / 'released', options.freeze)}")
            return 0
        old, new = options.documents or (newest_snapshot(spec / "released"), spec / "openapi.yaml")
        found = breaking_changes(load_document(old), load_document(new))
    except (SpecError, OSError) as error:
        print(f"specdiff: {error}", file=sys.stderr)
        return 2
    for line in found:
        print(f"breaks     {line}")
    print(
        f"{old.name} -> {new.name}: {len(found)} breaking changes" if found else f"{old.name} -> {new.name}: compatible"
    )
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(main())
