"""Which checks make up the suites of the SDKs that are not Python: what is run where, and what it reports.

The scripts and goals themselves are the SDKs' own (clients/javascript/package.json, clients/java/pom.xml).
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tools import sdks, tree

_REPORTS = tree.CACHE / "sdk-tests"


@dataclass(frozen=True, slots=True)
class Check:
    """One program that ends with 0 if all is well.

    Attributes:
        name: Unique in its suite.
        command: The program and its arguments.
        folder: Where it runs.
        reports: The JUnit reports it writes: a directory, and a pattern of names in it. None: it is one test itself.
        environment: What it gets beside this process's own.
        needs_node: Whether THEMIS_ENDPOINT has to name a real node.
        absent: Why it cannot be made on this machine; empty if it can.
    """

    name: str
    command: tuple[str, ...]
    folder: Path
    reports: tuple[tuple[Path, str], ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    needs_node: bool = False
    absent: str = ""


def _script(name: str) -> Check:
    """Make the check that runs a script of package.json."""
    return Check(name, ("npm", "run", "--silent", name), tree.JAVASCRIPT)


def _tests(part: str, *options: str, absent: str = "") -> Check:
    """Make the check that runs a part of the JavaScript tests, which its scripts/test.mjs knows."""
    report = _REPORTS / f"javascript-{part}.xml"
    command = ("npm", "test", "--silent", "--", "--no-build", "--only", part, "--junit", str(report), *options)
    return Check(part, command, tree.JAVASCRIPT, ((report.parent, report.name),), absent=absent)


def _javascript() -> list[Check]:
    return [_script("lint"), _script("types"), _script("pack-check"), _tests("unit"), _tests("package"), _tests("live")]


def _browser() -> list[Check]:
    installed = any(shutil.which(name) for name in ("chromium", "google-chrome"))
    screenshot = str(tree.REPORTS / "browser.png")
    return [_tests("browser", "--screenshot", screenshot, absent="" if installed else "Chromium is not installed")]


def _java() -> list[Check]:
    reports = ((tree.JAVA / "target" / "surefire-reports", "TEST-*.xml"),)
    return [Check("verify", (*sdks.MAVEN, "verify"), tree.JAVA, reports)]


def _samples() -> list[Check]:
    return [_tests("samples"), *_java_samples()]


def _java_samples() -> Iterator[Check]:
    """Run each sample from its source, as `java FILE` does, with the library beside it."""
    classes = os.pathsep.join(map(str, (tree.JAVA / "target" / "classes", *sdks.java_libraries())))
    for path in sorted((tree.JAVA / "samples").glob("*.java")):
        command = ("java", "--class-path", classes, str(path))
        yield Check(f"java-{path.stem}", command, tree.JAVA, needs_node=True)


SUITES: Mapping[str, Callable[[], list[Check]]] = {
    "sdk-javascript": _javascript,
    "sdk-java": _java,
    "browser": _browser,
    "samples": _samples,
}
