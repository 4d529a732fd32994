"""`./themis conformance` tells the runner whom to judge and where to report, and ends with what the runner found."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools import conformance, scratch_node, tree
from tools.demo.node import NodeError

RUNNER = """#!{python}
import json, pathlib, sys
given = dict(zip(sys.argv[1:], sys.argv[2:]))
pathlib.Path({log!r}).write_text(json.dumps(sys.argv[1:]))
pathlib.Path(given["--matrix"]).write_text("| the matrix |")
print("python: 3 passed, {failed} failed")
sys.exit({failed} > 0)
"""


@pytest.fixture(autouse=True)
def small_tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    @contextlib.contextmanager
    def running(_purpose: str) -> Iterator[str]:
        yield "http://127.0.0.1:1"

    monkeypatch.setattr(tree, "CACHE", tmp_path / "cache")
    monkeypatch.setattr(tree, "REPORTS", tmp_path / "reports")
    monkeypatch.setattr(scratch_node, "running", running)
    monkeypatch.setattr(conformance, "adapter", lambda name: [name, "an adapter"])
    monkeypatch.setattr(conformance, "_RUNNER", str(tmp_path / "runner"))
    install(tmp_path)


def install(root: Path, failed: int = 0) -> None:
    """Put a runner of a few lines in the place of the real one."""
    program = root / "runner"
    program.write_text(RUNNER.format(python=sys.executable, log=str(root / "log"), failed=failed), encoding="utf-8")
    program.chmod(0o755)


def told(root: Path) -> list[str]:
    """What the runner was told."""
    words: list[str] = json.loads((root / "log").read_text(encoding="utf-8"))
    return words


def test_all_sdks_and_the_server_are_judged(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert conformance.main([]) == 0

    words = told(tmp_path)
    assert [word for word in words if "an adapter" in word] == [
        "python=python 'an adapter'",
        "javascript=javascript 'an adapter'",
        "java=java 'an adapter'",
    ]
    assert words[words.index("--server") + 1] == "http://127.0.0.1:1"
    assert words[words.index("--junit") + 1] == str(tmp_path / "reports" / "conformance-all.xml")
    assert "--adapters-only" not in words
    assert capfd.readouterr().out == "| the matrix |\npython: 3 passed, 0 failed\n"


def test_the_server_alone_needs_no_adapter(tmp_path: Path) -> None:
    conformance.main(["--sdk", "server"])

    words = told(tmp_path)
    assert not {"--adapter", "--adapters-only"}.intersection(words)
    assert words[words.index("--json") + 1] == str(tmp_path / "reports" / "conformance-server.json")


def test_of_an_sdk_alone_nothing_is_said_of_the_server(tmp_path: Path) -> None:
    conformance.main(["--sdk", "python"])

    assert "--adapters-only" in told(tmp_path)
    assert "--server" in told(tmp_path)


@pytest.mark.parametrize("partial", [["--quick"], ["--filter", "retries"]])
def test_a_run_of_a_part_leaves_the_whole_runs_report_alone(tmp_path: Path, partial: list[str]) -> None:
    conformance.main(["--sdk", "java", "--jobs", "3", *partial])

    words = told(tmp_path)
    assert words[words.index("--json") + 1] == str(tmp_path / "cache" / "conformance" / "conformance-java.json")
    assert words[words.index("--jobs") + 1] == "3"
    assert ("--server" in words) == (partial != ["--quick"])


def test_a_failed_case_fails_the_command(tmp_path: Path) -> None:
    install(tmp_path, failed=2)

    assert conformance.main([]) == 1


def test_a_node_that_does_not_start_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(_purpose: str) -> contextlib.AbstractContextManager[str]:
        raise NodeError("the disk is full")

    monkeypatch.setattr(scratch_node, "running", refuse)

    assert conformance.main([]) == 1
    assert "the disk is full" in capsys.readouterr().err
