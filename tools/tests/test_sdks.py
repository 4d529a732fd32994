"""An SDK is built when one of its sources has changed, or when what was built is gone, and then only."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tools import bootstrap, machine, sdks, steps, tree
from tools.machine import Finding
from tools.steps import BootstrapError, Task


@pytest.fixture(autouse=True)
def small_tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tree, "ROOT", tmp_path)
    monkeypatch.setattr(tree, "CACHE", tmp_path / ".cache")
    monkeypatch.setattr(tree, "LOGS", tmp_path / ".cache" / "log")
    monkeypatch.setattr(tree, "JAVASCRIPT", tmp_path / "javascript")
    monkeypatch.setattr(tree, "JAVA", tmp_path / "java")
    monkeypatch.setattr(tree, "CONFORMANCE", tmp_path / "conformance")
    plant(
        tmp_path,
        "javascript/package.json",
        "javascript/package-lock.json",
        "javascript/tsconfig.json",
        "javascript/src/client.ts",
        "javascript/tests/client.test.ts",
        "java/pom.xml",
        "java/src/main/java/Client.java",
        "java/src/test/java/ClientTest.java",
        "conformance/adapters/java/pom.xml",
        "conformance/adapters/java/src/main/java/Adapter.java",
    )
    return tmp_path


def plant(root: Path, *names: str, text: str = "1") -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")


def due(*names: sdks.Sdk) -> list[str]:
    return [task.key for task in steps.pending(sdks.tasks(names), sdks.stamp())]


def build(root: Path, *names: sdks.Sdk) -> None:
    """Do what the steps do, without the programs: leave the results and the stamps."""
    plant(
        root,
        "javascript/node_modules/.package-lock.json",
        "javascript/dist/node.js",
        "java/target/dependencies/a.jar",
        "conformance/adapters/java/target/adapter.jar",
    )
    for task in sdks.tasks(names):
        steps._record(task, task.fingerprint(), sdks.stamp())


def test_only_what_is_asked_for_is_built() -> None:
    assert due("python") == []
    assert due("javascript") == ["npm", "themis-js"]
    assert due("java") == ["themis-java", "themis-java-adapter"]


def test_nothing_is_built_twice(small_tree: Path) -> None:
    build(small_tree, "javascript", "java")

    assert due("javascript", "java") == []


@pytest.mark.parametrize(
    ("changed", "rebuilt"),
    [
        ("javascript/src/client.ts", ["themis-js"]),
        ("javascript/src/retry.ts", ["themis-js"]),  # a new file
        ("javascript/tsconfig.json", ["themis-js"]),
        ("javascript/package-lock.json", ["npm", "themis-js"]),
        ("javascript/tests/client.test.ts", []),
        ("java/src/main/java/Client.java", ["themis-java", "themis-java-adapter"]),
        ("java/pom.xml", ["themis-java", "themis-java-adapter"]),
        ("conformance/adapters/java/src/main/java/Adapter.java", ["themis-java-adapter"]),
        ("java/src/test/java/ClientTest.java", []),
    ],
)
def test_what_has_changed_is_built_again(small_tree: Path, changed: str, rebuilt: list[str]) -> None:
    build(small_tree, "javascript", "java")
    plant(small_tree, changed, text="2")

    assert due("javascript", "java") == rebuilt


def test_a_source_that_is_deleted_counts_as_a_change(small_tree: Path) -> None:
    build(small_tree, "java")
    (small_tree / "java/src/main/java/Client.java").unlink()

    assert due("java") == ["themis-java", "themis-java-adapter"]


def test_what_was_built_and_deleted_is_built_again(small_tree: Path) -> None:
    build(small_tree, "javascript")
    (small_tree / "javascript/node_modules/.package-lock.json").unlink()

    assert due("javascript") == ["npm"]


def test_what_is_not_built_is_named_for_doctor(small_tree: Path) -> None:
    assert "themis-java (Maven)" in sdks.state()

    build(small_tree, "javascript", "java")
    assert sdks.state() == "built"


def test_a_machine_without_maven_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[set[machine.Need]] = []

    def examine(needs: set[machine.Need]) -> list[Finding]:
        asked.append(needs)
        return [Finding("Maven", ">= 3.8", "none", False, "for tests of Java", "apt-get install -y maven")]

    monkeypatch.setattr(machine, "examine", examine)

    with pytest.raises(BootstrapError, match="apt-get install -y maven"):
        sdks.ensure(["python", "java"])
    assert asked == [{"for tests of Java"}]


def test_a_step_that_fails_says_what_to_think_of(small_tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = [sys.executable, "-c", "raise SystemExit('getaddrinfo ENOTFOUND')"]
    task = Task("npm", "npm packages", (), lambda: [broken], folder=small_tree, hint="If the machine is not connected")
    monkeypatch.setattr(sdks, "tasks", lambda _names: [task])

    with pytest.raises(BootstrapError, match=r"ENOTFOUND[\s\S]*If the machine is not connected"):
        sdks.ensure(["javascript"])


def test_the_demo_builds_no_sdk() -> None:
    keys = {task.key for extent in ("build", "run") for task in bootstrap._tasks(extent)}

    assert not keys.intersection({"npm", "themis-js", "themis-java", "conformance", "dev"})
