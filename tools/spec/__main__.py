"""`python -m tools.spec [--server URL]`: lint the specification, or judge a server by it; exit 1 on a finding."""

from __future__ import annotations

import argparse
import sys

from tools.codegen.source import SpecError
from tools.codegen.targets import Spec, load_spec
from tools.spec.examples import example_faults
from tools.spec.live import ask_everything
from tools.spec.openapi import openapi_faults
from tools.spec.redocly import RedoclyError, node_is_missing, redocly_faults


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns the exit status: 0 all is well, 1 there are findings, 2 a judge could not judge."""
    parser = argparse.ArgumentParser(prog="python -m tools.spec", description="Lint the specification.")
    parser.add_argument("--server", metavar="URL", help="ask this server every operation, and judge its answers")
    options = parser.parse_args(arguments)
    try:
        spec = load_spec()
        return _judge_server(spec, options.server) if options.server else _lint(spec)
    except SpecError as error:
        print(f"spec: {error}", file=sys.stderr)
        return 1
    except (RedoclyError, OSError) as error:
        print(f"spec: {error}", file=sys.stderr)
        return 2


def _lint(spec: Spec) -> int:
    findings = _report("our rules", example_faults(spec.document))
    findings += _report("openapi-spec-validator", openapi_faults(spec.document))
    missing = node_is_missing()
    if missing:
        print(f"SKIPPED    redocly: {missing}; half of the lint did not run")
    else:
        findings += _report("redocly", redocly_faults(spec.document))
    return 1 if findings else 0


def _judge_server(spec: Spec, url: str) -> int:
    faults: list[str] = []
    asked = 0
    for verdict in ask_everything(spec, url):
        asked += 1
        faults += [f"{fault} ({verdict.target})" for fault in verdict.faults]
    return 1 if _report(f"{asked} answers of {url}", faults) else 0


def _report(judge: str, faults: list[str]) -> int:
    for fault in faults:
        print(f"{judge}: {fault}")
    print(f"{'FAILED' if faults else 'ok':<11}{judge}: {len(faults)} findings")
    return len(faults)


if __name__ == "__main__":
    raise SystemExit(main())
