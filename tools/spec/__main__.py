"""`python -m tools.spec`: lint the specification; exit 1 if there is a finding."""

from __future__ import annotations

import sys

from tools.codegen.source import SpecError
from tools.codegen.targets import load_spec
from tools.spec.examples import example_faults
from tools.spec.openapi import openapi_faults
from tools.spec.redocly import RedoclyError, node_is_missing, redocly_faults


def main() -> int:
    """Run all judges; returns the exit status."""
    try:
        document = load_spec().document
    except SpecError as error:
        print(f"spec: {error}", file=sys.stderr)
        return 1
    findings = _report("our rules", example_faults(document))
    findings += _report("openapi-spec-validator", openapi_faults(document))
    missing = node_is_missing()
    if missing:
        print(f"SKIPPED    redocly: {missing}; half of the lint did not run")
    else:
        try:
            findings += _report("redocly", redocly_faults(document))
        except RedoclyError as error:
            print(f"spec: {error}", file=sys.stderr)
            return 2
    return 1 if findings else 0


def _report(judge: str, faults: list[str]) -> int:
    for fault in faults:
        print(f"{judge}: {fault}")
    print(f"{'FAILED' if faults else 'ok':<11}{judge}: {len(faults)} findings")
    return len(faults)


if __name__ == "__main__":
    raise SystemExit(main())
