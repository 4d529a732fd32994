"""Porcupine and our own checker say the same of the same histories."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from robustness.checkers import linearizability, second_opinion
from robustness.history import Operation, write
from robustness.tests.registers import CLEAN, VIOLATIONS, disturbed, simulated


@pytest.fixture(scope="module", autouse=True)
def _built() -> None:
    try:
        second_opinion.program()
    except second_opinion.NotAvailable as reason:
        pytest.skip(f"NOT TESTED: the second opinion: {reason}")


@pytest.mark.parametrize("name", [*CLEAN, *VIOLATIONS])
def test_it_agrees_on_small_histories(name: str, tmp_path: Path) -> None:
    history = {**CLEAN, **VIOLATIONS}[name]
    write(tmp_path / "history.jsonl", history)
    assert second_opinion.check(tmp_path / "history.jsonl").result == linearizability.check(history).result


def test_it_agrees_on_long_ones_key_by_key(tmp_path: Path) -> None:
    history: list[Operation] = []
    for seed in range(60):
        chance = random.Random(seed)
        made = simulated(chance, 5, 60, f"key-{seed}")
        history += made if seed % 3 == 0 else disturbed(chance, made)
    write(tmp_path / "history.jsonl", history)
    ours = linearizability.check(history)
    theirs = second_opinion.check(tmp_path / "history.jsonl")
    condemned = {problem.split(":")[0] for problem in ours.problems}
    assert {problem.split(" ")[0] for problem in theirs.problems} == condemned
    assert 5 < len(condemned) < 40


def test_nothing_is_void(tmp_path: Path) -> None:
    (tmp_path / "history.jsonl").touch()
    assert second_opinion.check(tmp_path / "history.jsonl").result == "void"
