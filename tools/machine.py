"""What this machine has to have before anything can be built, and the command that installs what it lacks.

Everything is looked at before anything is reported, so that a newcomer hears of all that is missing at once and not
half-way through an installation.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from tools import tree

PYTHON_MIN = (3, 11)
RUST_FALLBACK_MIN = (1, 80)
DISK_FREE_MIN_GIB = 4.0
_PROBE_TIMEOUT_S = 20.0

Installer = Literal["apt", "dnf", "brew"]
# What stands in the way without it: everything, all tests, the tests of one SDK, or a comfort.
Need = Literal["required", "for tests", "for tests of JavaScript", "for tests of Java", "optional"]
NEEDS: tuple[Need, ...] = get_args(Need)

_RUSTUP = "curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh -s -- -y && . \"$HOME/.cargo/env\""
_PACKAGES: dict[str, dict[Installer, str]] = {
    "venv": {
        "apt": "apt-get install -y python3-venv",
        "dnf": "dnf install -y python3-pip",
        "brew": "brew install python@3.12",
    },
    "compiler": {
        "apt": "apt-get install -y gcc libc6-dev",
        "dnf": "dnf install -y gcc",
        "brew": "xcode-select --install",
    },
    "libpython": {
        "apt": "apt-get install -y python3-dev",
        "dnf": "dnf install -y python3-devel",
        "brew": "brew install python@3.12",
    },
    "git": {"apt": "apt-get install -y git", "dnf": "dnf install -y git", "brew": "brew install git"},
    "node": {"apt": "apt-get install -y nodejs npm", "dnf": "dnf install -y nodejs npm", "brew": "brew install node"},
    "jdk": {
        "apt": "apt-get install -y openjdk-17-jdk-headless",
        "dnf": "dnf install -y java-17-openjdk-devel",
        "brew": "brew install openjdk@17",
    },
    "maven": {"apt": "apt-get install -y maven", "dnf": "dnf install -y maven", "brew": "brew install maven"},
    "go": {"apt": "apt-get install -y golang-go", "dnf": "dnf install -y golang", "brew": "brew install go"},
    "chromium": {
        "apt": "apt-get install -y chromium",
        "dnf": "dnf install -y chromium-headless",
        "brew": "brew install --cask chromium",
    },
    "wrk": {"apt": "apt-get install -y wrk", "dnf": "dnf install -y wrk", "brew": "brew install wrk"},
}


@dataclass(frozen=True, slots=True)
class _Tool:
    """A program that has a version: where it may be, how it is asked, and which versions will do (`()`: any)."""

    name: str
    programs: tuple[str, ...]
    flag: str
    oldest: tuple[int, ...]
    purpose: str
    package: str


_TOOLS: tuple[tuple[Need, _Tool], ...] = (
    ("for tests of JavaScript", _Tool("Node", ("node",), "--version", (20,), "themis-js", "node")),
    ("for tests of JavaScript", _Tool("npm", ("npm",), "--version", (9,), "themis-js", "node")),
    ("for tests of Java", _Tool("JDK", ("javac",), "--version", (17,), "themis-java", "jdk")),
    ("for tests of Java", _Tool("Maven", ("mvn",), "--version", (3, 8), "themis-java", "maven")),
    ("optional", _Tool("Go", ("go",), "version", (1, 19), "a fourth language's adapter", "go")),
    (
        "optional",
        _Tool("Chromium", ("chromium", "google-chrome"), "--version", (), "browser test", "chromium"),
    ),
    ("optional", _Tool("wrk", ("wrk",), "-v", (), "./themis bench", "wrk")),
)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked for: `found` says what is there, `ok` whether it will do, `remedy` what to run if not."""

    name: str
    needed: str
    found: str
    ok: bool
    need: Need
    remedy: str = ""


def installer() -> Installer | None:
    """Name the package manager of this machine that we know commands for, or none."""
    known: tuple[tuple[str, Installer], ...] = (("apt-get", "apt"), ("dnf", "dnf"), ("brew", "brew"))
    return next((name for program, name in known if shutil.which(program)), None)


def examine(needs: Collection[Need] = NEEDS) -> list[Finding]:
    """Look for what building, running, testing and measuring this tree may need.

    Args:
        needs: Which kinds of things to look for; the others are not even searched.
    """
    probes: list[tuple[Need, Callable[[], Finding]]] = [
        ("required", _python),
        ("required", _venv_module),
        ("required", _rust),
        ("required", _compiler),
        ("required", _disk),
        ("for tests", _git),
        ("for tests", _python_library),
        ("for tests", lambda: _cargo_component("rustfmt", "cargo fmt")),
        ("for tests", lambda: _cargo_component("clippy", "cargo clippy")),
    ]
    found = [probe() for need, probe in probes if need in needs]
    return found + [_versioned(tool, need) for need, tool in _TOOLS if need in needs]


def missing(findings: Iterable[Finding], needs: Collection[Need] = NEEDS) -> list[Finding]:
    """Pick what stands in the way of what `needs` says; what is optional never does."""
    return [finding for finding in findings if not finding.ok and finding.need in needs and finding.need != "optional"]


def table(findings: Iterable[Finding]) -> str:
    """Draw the findings as a table, one a line."""
    rows = [
        (f.name, f.needed, f.found, "ok" if f.ok else "MISSING" if f.need != "optional" else "-", f.need)
        for f in findings
    ]
    head = ("what", "needed", "found", "", "")
    widths = [max(len(row[i]) for row in (head, *rows)) for i in range(5)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in (head, *rows)
    )


def remedies(findings: Iterable[Finding]) -> str:
    """Write what to run, one line for each thing that is missing."""
    return "\n".join(
        f"  {finding.name}: {finding.found}\n      {finding.remedy}" for finding in findings if not finding.ok
    )


def rust_min() -> tuple[int, ...]:
    """Read the oldest Rust that builds themis-raft from its Cargo.toml."""
    manifest = tree.RAFT / "Cargo.toml"
    if manifest.is_file():
        stated = re.search(r'^rust-version\s*=\s*"([0-9.]+)"', manifest.read_text(encoding="utf-8"), re.MULTILINE)
        if stated:
            return tuple(int(part) for part in stated[1].split("."))
    return RUST_FALLBACK_MIN


def _python() -> Finding:
    wanted = ".".join(map(str, PYTHON_MIN))
    # The script `themis` has refused an older one already; the line is for `doctor`'s reader.
    found = ".".join(map(str, sys.version_info[:3]))
    return Finding("Python", f">= {wanted}", found, sys.version_info[:2] >= PYTHON_MIN, "required")


def _venv_module() -> Finding:
    ok = all(importlib.util.find_spec(name) is not None for name in ("venv", "ensurepip"))
    return Finding(
        "venv", "venv, ensurepip", "present" if ok else "not in this Python", ok, "required", _install("venv")
    )


def _rust() -> Finding:
    needed = rust_min()
    wanted = f">= {'.'.join(map(str, needed))}"
    for program in ("cargo", "rustc"):
        if shutil.which(program) is None:
            return Finding("Rust", wanted, f"no {program} on the PATH", False, "required", _rust_remedy())
    answer = _ask(("rustc", "--version"))
    version = re.search(r"rustc (\d+)\.(\d+)\.(\d+)", answer)
    if version is None:
        return Finding("Rust", wanted, f"rustc does not answer: {answer[:60]}", False, "required", _rust_remedy())
    ok = tuple(int(part) for part in version.groups()) >= needed
    remedy = "rustup update stable" if shutil.which("rustup") else _rust_remedy()
    return Finding("Rust", wanted, version[0].removeprefix("rustc "), ok, "required", remedy)


def _rust_remedy() -> str:
    # Debian's and Fedora's own Rust is often older than what PyO3 wants; rustup's is always new enough.
    return "brew install rust" if installer() == "brew" else _RUSTUP


def _compiler() -> Finding:
    found = next((path for name in ("cc", "gcc", "clang") if (path := shutil.which(name))), None)
    return Finding(
        "C compiler",
        "cc, to link Rust",
        found or "none on the PATH",
        found is not None,
        "required",
        _install("compiler"),
    )


def _disk() -> Finding:
    free_gib = shutil.disk_usage(tree.ROOT).free / 2**30
    return Finding(
        "disk space",
        f">= {DISK_FREE_MIN_GIB:.0f} GiB free",
        f"{free_gib:.1f} GiB free",
        free_gib >= DISK_FREE_MIN_GIB,
        "required",
        f"free some space on the disk that holds {tree.ROOT}",
    )


def _git() -> Finding:
    found = shutil.which("git")
    return Finding(
        "git", "to list the tree", found or "none on the PATH", found is not None, "for tests", _install("git")
    )


def _python_library() -> Finding:
    """Look for what a Rust test program that embeds Python is linked with; the built extension does not need it."""
    names = [str(sysconfig.get_config_var(key)) for key in ("LDLIBRARY", "LIBRARY")]
    folders = [str(sysconfig.get_config_var(key)) for key in ("LIBDIR", "LIBPL")]
    framework = bool(sysconfig.get_config_var("PYTHONFRAMEWORK"))
    found = next((name for folder in folders for name in names if Path(folder, name).is_file()), None)
    ok = found is not None or framework
    return Finding(
        "libpython", "to link Rust's tests", found or "not found", ok, "for tests", "" if ok else _install("libpython")
    )


def _cargo_component(component: str, command: str) -> Finding:
    answer = _ask((*command.split(), "--version")) if shutil.which("cargo") else ""
    version = re.match(rf"(?:{component}|clippy) (\S+)", answer)
    return Finding(
        component,
        command,
        version[1] if version else "not installed",
        version is not None,
        "for tests",
        f"rustup component add {component}",
    )


def _versioned(tool: _Tool, need: Need) -> Finding:
    oldest = ".".join(map(str, tool.oldest))
    needed = f">= {oldest}, {tool.purpose}" if oldest else tool.purpose
    path = next((path for name in tool.programs if (path := shutil.which(name))), None)
    if path is None:
        return Finding(tool.name, needed, "none on the PATH", False, need, _install(tool.package))
    answer = _ask((path, tool.flag))
    version = re.search(r"\d+(?:\.\d+)+", answer)
    if version is None:
        unfit = bool(tool.oldest)  # of the others it is enough that they are there
        return Finding(tool.name, needed, "no version" if unfit else "present", not unfit, need, _install(tool.package))
    ok = tuple(int(part) for part in version[0].split(".")) >= tool.oldest
    return Finding(tool.name, needed, version[0], ok, need, _install(tool.package))


def _ask(command: tuple[str, ...]) -> str:
    """Run a program for its version; what it says when it fails is an answer too."""
    try:
        answer = subprocess.run(
            command, capture_output=True, text=True, timeout=_PROBE_TIMEOUT_S, check=False, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    return (answer.stdout + answer.stderr).strip()


def _install(thing: str) -> str:
    manager = installer()
    commands = _PACKAGES[thing]
    if manager is None:
        return "with your system's package manager; on Debian: " + commands["apt"]
    command = commands[manager]
    needs_root = manager != "brew" and os.geteuid() != 0
    return f"sudo {command}" if needs_root else command
