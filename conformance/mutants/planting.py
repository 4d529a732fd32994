"""Planting: a copy of a target's program with one fault in it, and the command that runs it.

Nothing of the SDKs' own builds is used but the libraries they are compiled with and the adapters, so that what is
judged is what the sources say. Python and the server run from a copy of their sources; JavaScript is transpiled whole,
which takes a quarter of a second; of Java everything is compiled once, and then the one harmed file in front of it.
"""

from __future__ import annotations

import atexit
import functools
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from conformance.mutants.plan import ROOT, SOURCES, Mutant, PlanError, Target

__all__ = ["adapter_command", "server_environment"]

_ADAPTERS: Final = ROOT / "conformance/adapters"
_ESBUILD: Final = ROOT / "clients/javascript/node_modules/.bin/esbuild"
_JAVA_LIBRARIES: Final = ROOT / "clients/java/target/dependencies"
_BUILD_TIMEOUT_S: Final = 180


def adapter_command(target: Target, mutant: Mutant | None, scratch: Path) -> list[str]:
    """Return the command of an SDK's adapter, with the mutant planted in the SDK (or with nothing, for None).

    Args:
        target: The SDK.
        mutant: What is planted in it.
        scratch: An empty directory for what is built; it has to live as long as the command is used.

    Raises:
        PlanError: The mutant does not build, or the target has no adapter.
    """
    if target == "python":
        path = _python_sources(target, mutant, scratch)
        return ["env", f"PYTHONPATH={path}", sys.executable, str(_ADAPTERS / "python/adapter.py")]
    if target == "javascript":
        entry = _javascript_modules(mutant, scratch) / "index.js"
        return ["env", f"THEMIS_JS={entry}", "node", str(_ADAPTERS / "javascript/adapter.mjs")]
    if target == "java":
        # The adapter's own manifest names the SDK's jar as well, but what stands in front of it counts.
        path = _joined([*_java_classes(mutant, scratch), _ADAPTERS / "java/target/adapter.jar"])
        quick = ["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"]
        return ["java", *quick, "-cp", path, "dev.themisdb.adapter.Adapter"]
    raise PlanError(f"{target} has no adapter")


def server_environment(mutant: Mutant | None, scratch: Path) -> dict[str, str]:
    """Return the environment in which `themis-server` runs with the mutant planted."""
    return {"PYTHONPATH": _python_sources("server", mutant, scratch)}


def _python_sources(target: Target, mutant: Mutant | None, scratch: Path) -> str:
    return str(SOURCES[target] if mutant is None else _harmed_copy(mutant, scratch))


def _javascript_modules(mutant: Mutant | None, scratch: Path) -> Path:
    sources = SOURCES["javascript"] if mutant is None else _harmed_copy(mutant, scratch)
    modules = scratch / "modules"
    command = [str(_ESBUILD), *map(str, sorted(sources.rglob("*.ts"))), f"--outbase={sources}", f"--outdir={modules}"]
    _build([*command, "--format=esm", "--platform=node", "--target=node20", "--log-level=warning"], mutant)
    (modules / "package.json").write_text('{"type": "module"}', encoding="utf-8")
    return modules


def _java_classes(mutant: Mutant | None, scratch: Path) -> list[Path]:
    whole = Path(_java_whole().name)
    if mutant is None:
        return [whole]
    source = scratch / mutant.file
    source.parent.mkdir(parents=True)
    _write_harmed(mutant, source)
    classes = scratch / "classes"
    _compile_java([source], [whole, *_JAVA_LIBRARIES.glob("*.jar")], classes, mutant)
    return [classes, whole]


@functools.cache
def _java_whole() -> tempfile.TemporaryDirectory[str]:
    """Compile the unharmed SDK, once in the life of this process, which also deletes it."""
    classes = tempfile.TemporaryDirectory(prefix="themis-java-")
    atexit.register(classes.cleanup)
    sources = [path for path in SOURCES["java"].rglob("*.java") if path.name != "module-info.java"]
    _compile_java(sources, sorted(_JAVA_LIBRARIES.glob("*.jar")), Path(classes.name), None)
    return classes


def _compile_java(sources: Sequence[Path], path: Sequence[Path], to: Path, mutant: Mutant | None) -> None:
    flags = ["-J-XX:TieredStopAtLevel=1", "-nowarn", "-proc:none", "-implicit:none", "--release", "17"]
    _build(["javac", *flags, "-cp", _joined(path), "-d", str(to), *map(str, sources)], mutant)


def _harmed_copy(mutant: Mutant, scratch: Path) -> Path:
    copy = scratch / "src"
    shutil.copytree(SOURCES[mutant.target], copy, ignore=shutil.ignore_patterns("__pycache__"))
    _write_harmed(mutant, copy / mutant.file)
    return copy


def _write_harmed(mutant: Mutant, to: Path) -> None:
    to.write_text(mutant.apply(mutant.path.read_text(encoding="utf-8")), encoding="utf-8")


def _joined(paths: Sequence[Path]) -> str:
    return os.pathsep.join(map(str, paths))


def _build(command: list[str], mutant: Mutant | None) -> None:
    ended = subprocess.run(command, capture_output=True, text=True, timeout=_BUILD_TIMEOUT_S, check=False)
    if ended.returncode:
        what = "the unharmed source" if mutant is None else f"{mutant.target}/{mutant.name}"
        raise PlanError(f"{what} does not build:\n{ended.stdout}{ended.stderr}")
