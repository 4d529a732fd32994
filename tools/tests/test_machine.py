"""What a machine lacks is found at once, with the command that installs it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tools import machine, tree
from tools.machine import Finding


def test_this_machine_can_test_the_tree() -> None:
    assert machine.missing(machine.examine()) == []


def test_everything_that_is_missing_is_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: "/usr/bin/apt-get" if name == "apt-get" else None)
    monkeypatch.setattr("os.geteuid", lambda: 1000)

    lacking = machine.missing(machine.examine())

    assert [finding.name for finding in lacking] == [
        *("Rust", "C compiler", "git", "rustfmt", "clippy"),
        *("Node", "npm", "JDK", "Maven"),
    ]
    text = machine.remedies(lacking)
    assert "sudo apt-get install -y gcc libc6-dev" in text
    assert "sudo apt-get install -y maven" in text
    assert "sh.rustup.rs" in text


@pytest.mark.parametrize(("program", "command"), [("dnf", "dnf install -y gcc"), ("brew", "xcode-select --install")])
def test_the_remedy_is_the_machines_own_package_manager(
    monkeypatch: pytest.MonkeyPatch, program: str, command: str
) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: program if name == program else None)

    compiler = next(finding for finding in machine.examine() if finding.name == "C compiler")

    assert compiler.remedy.endswith(command)


def test_an_old_rust_is_not_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "rust_min", lambda: (999, 0))

    rust = next(finding for finding in machine.examine() if finding.name == "Rust")

    assert (rust.ok, rust.needed) == (False, ">= 999.0")


def test_what_the_demo_does_not_need_is_not_even_searched(monkeypatch: pytest.MonkeyPatch) -> None:
    searched: list[str] = []
    monkeypatch.setattr(shutil, "which", lambda name: searched.append(name))

    names = [finding.name for finding in machine.examine({"required"})]

    assert names == ["Python", "venv", "Rust", "C compiler", "disk space"]
    assert not {"node", "npm", "java", "javac", "mvn", "go", "chromium"}.intersection(searched)


@pytest.mark.parametrize(
    ("answer", "found", "ok"),
    [
        ("v20.20.2", "20.20.2", True),
        ("v18.19.0", "18.19.0", False),
        ("v20.0.0", "20.0.0", True),
        ("Segmentation fault", "no version", False),
    ],
)
def test_a_tool_must_be_new_enough(monkeypatch: pytest.MonkeyPatch, answer: str, found: str, ok: bool) -> None:
    monkeypatch.setattr(machine, "_ask", lambda command: answer if command[0].endswith("node") else "99.0")
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}")

    node = next(finding for finding in machine.examine({"for tests of JavaScript"}) if finding.name == "Node")

    assert (node.found, node.ok) == (found, ok)


def test_mavens_version_is_read_through_its_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "_ask", lambda _command: "\x1b[1mApache Maven 3.8.7\x1b[m\nJava version: 17.0.15")
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}")

    maven = next(finding for finding in machine.examine({"for tests of Java"}) if finding.name == "Maven")

    assert (maven.found, maven.ok) == ("3.8.7", True)


def test_optional_things_do_not_stand_in_the_way() -> None:
    findings = [Finding("wrk", "bench", "not installed", False, "optional", "apt-get install -y wrk")]

    assert machine.missing(findings) == []
    assert "MISSING" not in machine.table(findings)


def test_a_machine_without_a_new_python_is_told_so(tmp_path: Path) -> None:
    # A copy of the script alone, so that it finds no .venv; and a PATH on which every Python is too old.
    shutil.copy(tree.ROOT / "themis", tmp_path / "themis")
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("python3", "python3.14", "python3.13", "python3.12", "python3.11"):
        (programs / name).write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
        (programs / name).chmod(0o755)
    (programs / "dirname").symlink_to(str(shutil.which("dirname")))
    (programs / "apt-get").write_text("#!/bin/sh\n", encoding="utf-8")
    (programs / "apt-get").chmod(0o755)

    answer = subprocess.run(
        ["/bin/sh", str(tmp_path / "themis"), "demo"],
        env={"PATH": str(programs)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert answer.returncode == 1
    assert "needs Python 3.11 or newer" in answer.stderr
    assert "apt-get install python3 python3-venv" in answer.stderr


def test_the_script_runs_on_a_bare_python(tmp_path: Path) -> None:
    """Help must work before anything is installed: with the standard library alone."""
    answer = subprocess.run(
        [sys.executable, "-I", "-S", str(tree.ROOT / "tools"), "--help"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )

    for verb in ("demo", "test", "conformance", "serve", "doctor", "gen", "fmt", "bench", "docs", "lock"):
        assert f"\n    {verb} " in answer.stdout.replace(f"{verb}\n", f"{verb} ")
