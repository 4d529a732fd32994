"""The scenario files, and the runner itself."""

from pathlib import Path

import pytest
from raft_harness.commands import Interpreter
from raft_harness.datadriven import ScriptError, parse, run

SCENARIOS = Path(__file__).parent / "scenarios"


@pytest.mark.parametrize("path", sorted(SCENARIOS.glob("*.txt")), ids=lambda path: path.stem)
def test_scenario(path: Path, request: pytest.FixtureRequest) -> None:
    mismatches = run(path, Interpreter().execute, rewrite=bool(request.config.getoption("--rewrite")))
    for mismatch in mismatches:
        assert mismatch.actual.splitlines() == mismatch.block.expected.splitlines(), (
            f"{path.name}:{mismatch.block.line}: {mismatch.block.command}"
        )


@pytest.mark.parametrize("path", sorted(SCENARIOS.glob("*.txt")), ids=lambda path: path.stem)
def test_the_runner_catches_a_planted_wrong_output(path: Path, tmp_path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    blocks, _ = parse(text)
    victim = max(blocks, key=lambda block: len(block.expected))
    wrong = victim.expected[:-1] + ("x" if victim.expected[-1] != "x" else "y")
    planted = tmp_path / path.name
    planted.write_text(text.replace(victim.expected, wrong, 1), encoding="utf-8")
    mismatches = run(planted, Interpreter().execute)
    assert [mismatch.actual for mismatch in mismatches] == [victim.expected]


def test_a_rewrite_repairs_the_output_and_keeps_the_comments(tmp_path: Path) -> None:
    script = tmp_path / "script.txt"
    script.write_text("# why\n\nadd-nodes 1\n----\nwrong\n\n# what\nnodes\n----\n\n# end\n", encoding="utf-8")
    line = "1: follower term 0 leader none commit 0 applied 0 last 0"
    assert len(run(script, Interpreter().execute)) == 2
    assert run(script, Interpreter().execute, rewrite=True) == []
    assert run(script, Interpreter().execute) == []
    expected = f"# why\n\nadd-nodes 1\n----\n{line}\n\n# what\nnodes\n----\n{line}\n\n# end\n"
    assert script.read_text(encoding="utf-8") == expected


def test_a_command_without_separator_is_an_error() -> None:
    with pytest.raises(ScriptError, match="line 2"):
        parse("# comment\nnodes\n")
