"""`python -m tools.rust_tests REPORT`: run themis-raft's own tests, and say in JUnit's XML how many there were."""

from __future__ import annotations

import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

from tools import tree

_RESULT = re.compile(r"^test result: .*?(\d+) passed; (\d+) failed; (\d+) ignored", re.MULTILINE)


def report(output: str) -> ET.Element:
    """Make a JUnit report of the counts in cargo's output, one suite for each test program."""
    suites = ET.Element("testsuites")
    for passed, failed, ignored in (map(int, found.groups()) for found in _RESULT.finditer(output)):
        counts = {"tests": passed + failed + ignored, "failures": failed, "errors": 0, "skipped": ignored}
        ET.SubElement(suites, "testsuite", {"name": "cargo", **{key: str(value) for key, value in counts.items()}})
    return suites


def main(arguments: list[str]) -> int:
    """Run cargo, show what it says, write the report; returns cargo's exit status."""
    # Of all kinds of test only those in documentation are left out: ours show Python, not Rust.
    command = [
        "cargo",
        "test",
        "--quiet",
        "--locked",
        "--all-targets",
        "--manifest-path",
        str(tree.RAFT / "Cargo.toml"),
    ]
    answer = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    print(answer.stdout, end="", flush=True)
    ET.ElementTree(report(answer.stdout)).write(Path(arguments[0]), encoding="unicode")
    return answer.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
