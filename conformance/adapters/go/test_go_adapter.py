"""The fourth client is built, and judged by the suite: vectors, and scenarios of the features it has."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
# The first build on a machine compiles Go's own library, too.
pytestmark = pytest.mark.timeout(600)
SCENARIOS = (
    "scenarios/entities/*",
    "scenarios/retries/*",
    "scenarios/retry-limits/*",
    "scenarios/unsafe-writes/*",
    "scenarios/routing/*",
    "scenarios/endpoints/*",
)


@pytest.fixture(scope="module")
def adapter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program, built in a directory of its own."""
    if shutil.which("go") is None:
        pytest.skip("there is no Go on this machine: the fourth client is NOT judged")
    program = tmp_path_factory.mktemp("go") / "adapter"
    done = subprocess.run(
        ["go", "build", "-o", str(program), "."], cwd=HERE, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    return program


def judge(adapter: Path, report: Path, *filters: str) -> dict[str, str]:
    """Run cases; returns what became of each."""
    command = [sys.executable, "-m", "themis_conformance", "run", "--adapter", f"go={adapter}", "--json", str(report)]
    for part in filters:
        command += ["--filter", part]
    done = subprocess.run([*command, "--quiet"], capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    results = json.loads(report.read_text())["results"]
    return {result["case"]: result["status"] for result in results}


def test_it_needs_nothing_but_the_standard_library() -> None:
    """No dependency, whatever the tool chain would find in its cache."""
    assert "require" not in (HERE / "go.mod").read_text()


def test_it_passes_the_vectors_it_has_functions_for(adapter: Path, tmp_path: Path) -> None:
    """URNs, the hash, the ring, entity tags."""
    found = judge(adapter, tmp_path / "report.json", "vectors/*")
    passed = {case for case, status in found.items() if status == "passed"}
    assert len(passed) > 400
    assert all(any(rule in case for case in passed) for rule in ("urn", "hash", "ring", "etag"))


def test_it_passes_the_scenarios_of_the_features_it_has(adapter: Path, tmp_path: Path) -> None:
    """Each of the suites has cases for it, and it fails none."""
    found = judge(adapter, tmp_path / "report.json", *SCENARIOS)
    passed = [case for case, status in found.items() if status == "passed"]
    for suite in SCENARIOS:
        assert any(case.startswith(suite.removesuffix("*")) for case in passed), suite
