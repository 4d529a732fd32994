"""The SDKs that are built before they are tested: themis-js by npm, themis-java by Maven, each when it has changed.

What is built stays in the SDK's own folder, where its authors' tools look for it, and is never committed. Nothing here
is needed to run a node, or the demo.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Literal

from tools import bootstrap, steps, tree
from tools.machine import Need
from tools.steps import Task

Sdk = Literal["python", "javascript", "java"]
SDKS: tuple[Sdk, ...] = ("python", "javascript", "java")
NEED: Mapping[Sdk, Need] = {"javascript": "for tests of JavaScript", "java": "for tests of Java"}

_OFFLINE = (
    "If the machine is not connected: {what} are fetched once, through the machine's own configuration of {tool}, and "
    "kept in {kept}; what the lock file names and is there already is not fetched again."
)


def ensure(sdks: Collection[Sdk]) -> None:
    """Build the SDKs that are named, doing only what has not been done.

    Raises:
        BootstrapError: The machine lacks a language's tools, or a step failed.
    """
    if not steps.pending(tasks(sdks), stamp()):
        return
    with steps.alone():
        due = steps.pending(tasks(sdks), stamp())
        if due:
            bootstrap.check_machine(needs(sdks))
            steps.run(due, stamp(), bootstrap.environment(), f"Building {', '.join(sorted(sdks))}")


def state() -> str:
    """Say in a few words what is built, for `doctor`."""
    due = [task.name for task in steps.pending(tasks(SDKS), stamp())]
    return f"to be built by the first part that needs it: {', '.join(due)}" if due else "built"


def needs(sdks: Iterable[Sdk]) -> set[Need]:
    """Say what a machine needs for these SDKs."""
    return {NEED[sdk] for sdk in sdks if sdk in NEED}


def stamp() -> Path:
    """Where it is written which sources the builds were made of."""
    return tree.CACHE / "sdks-stamp.json"


def tasks(sdks: Collection[Sdk]) -> list[Task]:
    """Name the steps that building these SDKs takes; Python needs none."""
    return [
        *(_javascript(tree.JAVASCRIPT) if "javascript" in sdks else ()),
        *(_java(tree.JAVA) if "java" in sdks else ()),
    ]


def formatters() -> list[list[str]]:
    """Return the commands that format the SDKs' sources, of those whose tools have been installed by a build."""
    commands = []
    prettier = tree.JAVASCRIPT / "node_modules" / ".bin" / "prettier"
    if prettier.exists():
        commands.append([str(prettier), "--log-level", "warn", "--write", str(tree.JAVASCRIPT)])
    if (tree.JAVA / _LIBRARIES).exists():
        commands.append([*MAVEN, "-f", str(tree.JAVA / "pom.xml"), "com.spotify.fmt:fmt-maven-plugin:format"])
    return commands


def _javascript(folder: Path) -> list[Task]:
    manifests = (folder / "package.json", folder / "package-lock.json")
    modules = folder / "node_modules"
    return [
        Task(
            "npm",
            "npm packages of themis-js",
            manifests,
            # No package runs a program of its own while it is installed.
            lambda: [["npm", "ci", "--prefer-offline", "--ignore-scripts", "--no-audit", "--no-fund"]],
            output=modules / ".package-lock.json",
            folder=folder,
            hint=_OFFLINE.format(what="packages", tool="npm", kept="npm's cache"),
        ),
        Task(
            "themis-js",
            "themis-js",
            (*manifests, *_sources(folder, ("src", "scripts"), (".json", ".mjs", ".js", ".ts"))),
            lambda: [["npm", "run", "--silent", "build"]],
            output=folder / "dist",
            folder=folder,
        ),
    ]


def _java(folder: Path) -> list[Task]:
    sources = _sources(folder, ("src/main",), (".xml",))
    adapter = tree.CONFORMANCE / "adapters" / "java"
    hint = _OFFLINE.format(what="plugins and libraries", tool="Maven", kept="Maven's local repository")
    return [
        Task(
            "themis-java",
            "themis-java (Maven)",
            sources,
            lambda: _java_commands(folder),
            output=folder / _LIBRARIES,
            folder=folder,
            hint=hint,
        ),
        Task(
            "themis-java-adapter",
            "themis-java's adapter (Maven)",
            (*sources, *_sources(adapter, ("src",), (".xml",))),
            lambda: [[*MAVEN, "package"]],
            output=adapter / "target" / "adapter.jar",
            folder=adapter,
            hint=hint,
        ),
    ]


def _java_commands(folder: Path) -> list[list[str]]:
    # A library in two versions would be worse than none.
    shutil.rmtree(folder / _LIBRARIES, ignore_errors=True)
    # Installed, so that the adapter finds it as any project finds a library. What is left out here is the work of the
    # part sdk-java.
    return [[*MAVEN, "-DskipTests", *_NO_CHECKS, "install", *_COPY_LIBRARIES]]


MAVEN = ("mvn", "-q", "-B", "-ntp")
_LIBRARIES = Path("target", "dependencies")
_NO_CHECKS = ("-Dfmt.skip", "-Dmaven.javadoc.skip=true", "-Dmaven.source.skip=true")
# With its version, as Maven would otherwise take the newest.
_COPY_LIBRARIES = (
    "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies",
    f"-DoutputDirectory={_LIBRARIES}",
    "-DincludeScope=compile",
)


def java_libraries() -> tuple[Path, ...]:
    """Name the libraries that themis-java is compiled with, which its build laid beside it."""
    return tuple(sorted((tree.JAVA / _LIBRARIES).glob("*.jar")))


def _sources(folder: Path, inside: Iterable[str], beside: tuple[str, ...]) -> tuple[Path, ...]:
    """Name what a build reads: all files in some folders, and the settings at the top."""
    deep = (Path(root, name) for part in inside for root, _, names in os.walk(folder / part) for name in names)
    top = (path for path in folder.iterdir() if path.suffix in beside) if folder.is_dir() else ()
    return tuple(sorted({path for path in (*deep, *top) if path.is_file()}))
