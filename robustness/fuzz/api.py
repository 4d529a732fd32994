"""Requests made up from the specification (schemathesis), against a live node.

No answer may be a 5xx, or one that the specification does not allow.

    python -m robustness.fuzz.api [--requests 10000] [--seed N]

The node itself counts what it was sent. Rounds with one seed after the other follow until enough was sent; the seed of
a round that fails is printed and repeats it.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import urllib.request
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from server.tests.process import Fleet, Node

_ROOT = Path(__file__).parents[2]
_CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance,"
    "response_headers_conformance,unsupported_method,allow_header_conformance"
)
_EXAMPLES_A_ROUND = 100
_REQUESTS_AN_EXAMPLE = 80
"""About how many requests a round sends for each example per operation: positive, negative and stateful."""
_COUNT = re.compile(r"^themis_http_requests_total\{(?P<labels>[^}]*)\} (?P<count>[0-9.e+]+)$", re.MULTILINE)
_STATUS = re.compile(r'status="(\d+)"')


@dataclass
class Findings:
    """What the rounds came to."""

    requests: int = 0
    by_status: Counter[str] = field(default_factory=Counter)
    failed_rounds: list[str] = field(default_factory=list)
    """The reports of rounds with a failure."""

    @property
    def server_errors(self) -> int:
        """How many answers had a 5xx status."""
        return sum(count for status, count in self.by_status.items() if status.startswith("5"))


def fuzz(node: Node, directory: Path, requests: int, seed: int) -> Findings:
    """Send about as many generated requests to a node."""
    schema = _schema(node, directory)
    findings = Findings()
    _count(node, findings)
    while findings.requests < requests:
        examples = (requests - findings.requests) // _REQUESTS_AN_EXAMPLE
        report = _round(node, schema, max(1, min(examples, _EXAMPLES_A_ROUND)), seed)
        if report:
            findings.failed_rounds.append(f"seed {seed}\n{report}")
        seed += 1
        before = findings.requests
        _count(node, findings)
        if findings.requests == before:
            raise RuntimeError(f"a round sent nothing:\n{report}")
        if findings.failed_rounds:
            break
    return findings


def _schema(node: Node, directory: Path) -> Path:
    """Write the node's own specification, with long polls cut short: a fuzzer would spend its time in them."""
    with urllib.request.urlopen(f"{node.endpoint}/openapi.json") as answer:
        document = json.load(answer)
    for parameter in document["paths"]["/topology"]["get"]["parameters"]:
        if parameter.get("name") == "wait_ms":
            parameter["schema"]["maximum"] = 20
            parameter["example"] = 20
            for example in parameter.get("examples", {}).values():
                example["value"] = 20
    file = directory / "openapi.json"
    file.write_text(json.dumps(document))
    return file


def _round(node: Node, schema: Path, examples: int, seed: int) -> str:
    # In stateful runs the generator's own negative headers are at times no text, which its HTTP client refuses to send.
    return _run(node, schema, examples, seed, ["--phases", "examples,coverage,fuzzing"]) or _run(
        node, schema, examples, seed, ["--phases", "stateful", "--mode", "positive"]
    )


def _run(node: Node, schema: Path, examples: int, seed: int, options: list[str]) -> str:
    command = [str(Path(sys.executable).parent / "schemathesis"), "run", str(schema), "--url", node.endpoint, *options]
    command += ["--max-examples", str(examples), "--seed", str(seed), "--checks", _CHECKS, "--warnings", "off"]
    command += ["--suppress-health-check", "all", "--no-shrink", "--no-color", "--continue-on-failure"]
    command += ["--generation-database", "none"]
    hooks = {"SCHEMATHESIS_HOOKS": "robustness.fuzz.hooks", "PYTHONPATH": str(_ROOT)}
    done = subprocess.run(
        command,
        cwd=schema.parent,
        capture_output=True,
        text=True,
        check=False,
        timeout=1800,
        env={**os.environ, **hooks},
    )
    return "" if done.returncode == 0 else done.stdout + done.stderr


def _count(node: Node, findings: Findings) -> None:
    with urllib.request.urlopen(f"{node.endpoint}/metrics") as answer:
        text = answer.read().decode()
    findings.by_status.clear()
    for match in _COUNT.finditer(text):
        status = _STATUS.search(match["labels"])
        findings.by_status[status[1] if status else "?"] += int(float(match["count"]))
    findings.requests = sum(findings.by_status.values())


def main(argv: Sequence[str] | None = None) -> int:
    """Run the fuzzer from the command line; 1 if it found something."""
    parser = argparse.ArgumentParser(description="Fuzz the HTTP API of a node of its own.")
    parser.add_argument("--requests", type=int, default=10_000, help="how many requests to send, about (10000)")
    parser.add_argument("--seed", type=int, default=20261123, help="the first round's seed")
    arguments = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as directory, Fleet(Path(directory)) as fleet:
        node = fleet.start()
        findings = fuzz(node, Path(directory), arguments.requests, arguments.seed)
        print("\n".join(findings.failed_rounds))
        statuses = ", ".join(f"{count} x {status}" for status, count in sorted(findings.by_status.items()))
        print(f"{findings.requests} requests: {statuses}; {node.rss_mib():.0f} MiB resident at the end")
        errors = node.errors()
        print("\n".join(json.dumps(error) for error in errors[:5]))
        return 1 if findings.failed_rounds or findings.server_errors or errors else 0


if __name__ == "__main__":
    sys.exit(main())
