"""The release before this one, made runnable: upgrades are tested with real nodes of it.

Its sources are in the tree as an archive (`robustness/upgrade/`), so a checkout without history has them too. Once for
each archive, `.cache/previous/` gets them with an environment of their own: packages by the locks of that release, its
Raft core, and a `themis-server` that runs both.

    python -m tools.previous              prepare it and say where its themis-server is
    python -m tools.previous --pack REV   make REV the release before: done once for each release, at its tag
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import hashlib
import io
import lzma
import os
import shutil
import subprocess
import sys
import tarfile
import tomllib
from dataclasses import dataclass
from pathlib import Path

from tools import bootstrap, tree

_FOLDER = tree.ROOT / "robustness" / "upgrade"
_MANIFEST = _FOLDER / "previous.toml"
_ARCHIVE_BYTES_MAX = 600_000
_PACKED = (
    "clients/python/src",
    "requirements/build.lock",
    "requirements/runtime.lock",
    "server/raft/Cargo.lock",
    "server/raft/Cargo.toml",
    "server/raft/README.md",
    "server/raft/pyproject.toml",
    "server/raft/src",
    "server/raft/themis_raft.pyi",
    "server/src",
)
"""What a node is made of, without its tests."""
_RAFT = "server/raft"
_RUN = "import sys; from themis_server.cli import main; sys.argv[0] = 'themis-server'; sys.exit(main())"


class PreviousError(Exception):
    """The release before cannot be made runnable; the text says why."""


@dataclass(frozen=True, slots=True)
class Previous:
    """Which release it is, and the archive of its sources."""

    version: str
    commit: str
    archive: Path
    sha256: str

    @property
    def home(self) -> Path:
        """Where it is made runnable."""
        return tree.CACHE / "previous" / self.sha256[:16]

    @property
    def program(self) -> Path:
        """Its `themis-server`, once `prepare` has returned."""
        return self.home / "themis-server"


def known() -> Previous:
    """Return which release the manifest names."""
    said = tomllib.loads(_MANIFEST.read_text(encoding="utf-8"))
    return Previous(said["version"], said["commit"], _FOLDER / said["archive"], said["sha256"])


def prepare() -> Previous:
    """Make the release before runnable, if it is not yet; takes up to two minutes the first time.

    Raises:
        PreviousError: The archive is not what the manifest says, or a step failed.
    """
    previous = known()
    if previous.program.exists():
        return previous
    previous.home.mkdir(parents=True, exist_ok=True)
    with (previous.home.parent / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # another test run may be at it
        if not previous.program.exists():
            _make(previous)
    return previous


def _make(previous: Previous) -> None:
    packed = previous.archive.read_bytes()
    if hashlib.sha256(packed).hexdigest() != previous.sha256:
        raise PreviousError(f"{previous.archive} is not the archive that {_MANIFEST.name} names: its digest differs")
    home = previous.home
    shutil.rmtree(home)
    with tarfile.open(fileobj=io.BytesIO(lzma.decompress(packed))) as archive:
        archive.extractall(home, filter="data")
    python = home / ".venv" / "bin" / "python"
    base = getattr(sys, "_base_executable", sys.executable)
    _run([base, "-m", "venv", "--without-pip", str(home / ".venv")])
    install = [str(tree.VENV / "bin" / "uv"), "pip", "install", "--quiet", "--python", str(python), "--no-deps"]
    _run([*install, "--require-hashes", "-r", str(home / "requirements" / "runtime.lock")])
    _run([*install, "--no-index", str(_raft_wheel(home, python))])
    sources = os.pathsep.join(str(home / folder) for folder in ("server/src", "clients/python/src"))
    partial = previous.program.with_suffix(".partial")
    partial.write_text(f'#!/bin/sh\nPYTHONPATH={sources} exec {python} -c "{_RUN}" "$@"\n', encoding="utf-8")
    partial.chmod(0o755)
    partial.rename(previous.program)


def _raft_wheel(home: Path, python: Path) -> Path:
    """Return a wheel of that release's Raft core: the one that was built for this tree, if their sources are equal."""
    built = tree.CACHE / "wheels"
    if all(_same(path, tree.ROOT / path.relative_to(home)) for path in _files(home / _RAFT)):
        for wheel in built.glob("themis_raft-*.whl"):
            return wheel
    wheels = home / "wheels"
    manifest = str(home / _RAFT / "Cargo.toml")
    command = [str(tree.VENV / "bin" / "maturin"), "build", "--release", "--locked", "--manifest-path", manifest]
    # What it is made of was compiled for this tree before, and is taken from there; only the binding itself is another.
    # Cargo goes by times and tells the two bindings apart by nothing else, so they must not share a directory.
    target = home / "target"
    with contextlib.suppress(FileNotFoundError):
        shutil.copytree(tree.RAFT / "target" / "release", target / "release", dirs_exist_ok=True)
    for path in _files(home / _RAFT):
        path.touch()
    _run([*command, "--interpreter", str(python), "--out", str(wheels)], CARGO_TARGET_DIR=str(target))
    shutil.rmtree(target)
    return next(wheels.glob("*.whl"))


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def _same(one: Path, other: Path) -> bool:
    return other.is_file() and one.read_bytes() == other.read_bytes()


def _run(command: list[str], **environment: str) -> None:
    done = subprocess.run(
        command, env={**bootstrap.environment(), **environment}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        said = "\n".join((done.stdout + done.stderr).splitlines()[-12:])
        raise PreviousError(f"{' '.join(command)} failed with {done.returncode}:\n{said}")


def pack(revision: str) -> Previous:
    """Make a revision of this tree's history the release before: write its archive and the manifest.

    Raises:
        PreviousError: There is no such revision, or what it would put into the tree is too large.
    """
    commit = _git("rev-parse", f"{revision}^{{commit}}").decode().strip()
    version = _git("show", f"{commit}:server/src/themis_server/__init__.py").decode()
    version = version.partition('__version__ = "')[2].partition('"')[0]
    packed = lzma.compress(_git("archive", "--format=tar", commit, *_PACKED), preset=9 | lzma.PRESET_EXTREME)
    if len(packed) > _ARCHIVE_BYTES_MAX:
        raise PreviousError(f"the archive would have {len(packed)} bytes, more than {_ARCHIVE_BYTES_MAX}")
    made = Previous(version, commit, _FOLDER / "previous.tar.xz", hashlib.sha256(packed).hexdigest())
    made.archive.write_bytes(packed)
    lines = [f"{name} = {value!r}".replace("'", '"') for name, value in _said(made)]
    text = "\n".join(["# Written by `python -m tools.previous --pack REV`.", *lines, ""])
    _MANIFEST.write_text(text, encoding="utf-8")
    return made


def _said(previous: Previous) -> list[tuple[str, str]]:
    return [
        ("version", previous.version),
        ("commit", previous.commit),
        ("archive", previous.archive.name),
        ("sha256", previous.sha256),
    ]


def _git(*arguments: str) -> bytes:
    done = subprocess.run(["git", "-C", str(tree.ROOT), *arguments], capture_output=True, check=False)
    if done.returncode:
        raise PreviousError(f"git {arguments[0]} failed: {done.stderr.decode().strip()}")
    return done.stdout


def main() -> int:
    """Prepare, or pack; returns the exit status."""
    parser = argparse.ArgumentParser(prog="tools.previous", description="The release before this one, made runnable.")
    parser.add_argument("--pack", metavar="REV", help="make REV the release before")
    arguments = parser.parse_args()
    try:
        previous = prepare() if arguments.pack is None else pack(arguments.pack)
    except PreviousError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{previous.version} ({previous.commit[:12]}): {previous.program if arguments.pack is None else 'packed'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
