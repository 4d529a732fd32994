"""Which checks make up the suites of the SDKs that are not Python: what is run where, and what it reports.

The scripts and goals themselves are the SDKs' own (clients/javascript/package.json, clients/java/pom.xml).
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tools import sdks, tree

_REPORTS = tree.CACHE / "sdk-tests"
JAVA_SAMPLES = "clients/java/tests/test_package.py::test_samples_run_from_the_class_path"


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
    tests = tree.JAVA / "target" / "surefire-reports"
    package = _REPORTS / "java-package.xml"
    # What runs the samples is a test of the part that is called so.
    pytest = (str(tree.PYTHON), "-m", "pytest", "--quiet", f"--junitxml={package}", "clients/java/tests")
    return [
        Check("verify", (*sdks.MAVEN, "verify"), tree.JAVA, ((tests, "TEST-*.xml"),)),
        Check("package", (*pytest, "--deselect", JAVA_SAMPLES), tree.ROOT, ((package.parent, package.name),)),
    ]


def _samples() -> list[Check]:
    """Those of JavaScript; Python's and Java's are tests for pytest, which tox.ini names."""
    return [_tests("samples")]


SUITES: Mapping[str, Callable[[], list[Check]]] = {
    "sdk-javascript": _javascript,
    "sdk-java": _java,
    "browser": _browser,
    "samples": _samples,
}
