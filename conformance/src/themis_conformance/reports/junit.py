"""JUnit XML, as continuous integration reads it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Final
from xml.etree import ElementTree

from themis_conformance.outcome import Result, Status

__all__ = ["write_junit"]

# What XML 1.0 cannot hold, whatever a program under test may have said.
_FORBIDDEN: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def write_junit(path: Path, results: Sequence[Result]) -> None:
    """Write one <testsuite> for each subject, mode and suite.

    What an SDK has no function for is not in it: it is no test of that SDK, and one that was left out would be.
    """
    results = [result for result in results if result.status is not Status.ABSENT]
    groups: dict[str, list[Result]] = {}
    for result in results:
        name = ".".join(part for part in (result.subject, result.mode, result.layer, result.suite) if part)
        groups.setdefault(name, []).append(result)
    root = ElementTree.Element("testsuites", _totals(results) | {"name": "themis-conformance"})
    for name, members in groups.items():
        suite = ElementTree.SubElement(root, "testsuite", _totals(members) | {"name": name})
        for result in members:
            _case(suite, name, result)
    path.parent.mkdir(parents=True, exist_ok=True)
    ElementTree.indent(root)
    ElementTree.ElementTree(root).write(path, "utf-8", xml_declaration=True)


def _totals(results: Sequence[Result]) -> dict[str, str]:
    counts = Counter(result.status for result in results)
    return {
        "tests": str(len(results)),
        "failures": str(counts[Status.FAILED]),
        "skipped": str(len(results) - counts[Status.FAILED] - counts[Status.PASSED]),
        "errors": "0",
        "time": f"{sum(result.seconds for result in results):.3f}",
    }


def _case(suite: ElementTree.Element, classname: str, result: Result) -> None:
    case = ElementTree.SubElement(
        suite, "testcase", {"classname": classname, "name": result.case_id, "time": f"{result.seconds:.3f}"}
    )
    message = _clean("\n".join(result.complaints))
    if result.status is Status.FAILED:
        failure = ElementTree.SubElement(case, "failure", {"message": message[:1000]})
        failure.text = _clean("\n".join((*result.complaints, *result.context)))
    elif result.status is not Status.PASSED:
        ElementTree.SubElement(case, "skipped", {"message": f"{result.status.value}: {message}"[:1000]})


def _clean(text: str) -> str:
    return _FORBIDDEN.sub("\ufffd", text)
