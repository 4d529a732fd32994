"""Writing requirements/*.lock anew from requirements/*.in: `./themis lock [--upgrade]`.

A lock names versions and hashes and no address: where the files come from is the machine's business (its pip and uv
configuration), what they contain is ours. One lock serves every platform and every Python from 3.11 on.
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from tools import bootstrap, tree

_OURS = ("themis-conformance", "themis-python", "themis-raft", "themis-server")
_HEADER = "# Written by `./themis lock` from {source}; do not edit.\n"
_ADDRESS = re.compile(r"\w+://")


class LockError(Exception):
    """A lock could not be written; the text says why."""


def relock(*, upgrade: bool) -> list[Path]:
    """Resolve every `.in` file and write its lock.

    Args:
        upgrade: Take the newest versions; else keep what the locks name wherever it still fits.

    Returns:
        The locks written.

    Raises:
        LockError: Something does not resolve, or an address found its way into a lock.
    """
    runtime = tree.REQUIREMENTS / "runtime.lock"
    without_ours = [part for name in _OURS for part in ("--no-emit-package", name)]
    return [
        _compile("build", [], upgrade=upgrade),
        _compile("runtime", without_ours, upgrade=upgrade),
        _compile("demo", ["--no-deps"], upgrade=upgrade),
        _compile("dev", [*without_ours, "--constraint", str(runtime.relative_to(tree.ROOT))], upgrade=upgrade),
    ]


def _compile(name: str, extra: list[str], *, upgrade: bool) -> Path:
    source, lock = (tree.REQUIREMENTS / f"{name}.{ending}" for ending in ("in", "lock"))
    command = [str(tree.VENV / "bin" / "uv"), "pip", "compile", "--quiet", "--universal", "--python-version", "3.11"]
    command += [
        "--generate-hashes",
        "--no-header",
        "--no-emit-index-url",
        "--no-emit-find-links",
        "--no-emit-build-options",
    ]
    command += ["--upgrade"] if upgrade else []
    command += [*extra, "--output-file", str(lock.relative_to(tree.ROOT)), str(source.relative_to(tree.ROOT))]
    answer = subprocess.run(
        command, cwd=tree.ROOT, env=bootstrap.environment(), capture_output=True, text=True, check=False
    )
    if answer.returncode != 0:
        raise LockError(f"{source.name} does not resolve:\n{answer.stderr.strip()}")
    text = lock.read_text(encoding="utf-8")
    if _ADDRESS.search(text):
        raise LockError(f"{lock.name} names a download address, which a lock of this tree must not")
    lock.write_text(_HEADER.format(source=source.name) + text, encoding="utf-8")
    return lock
