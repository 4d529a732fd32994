"""A node's data directory: whose it is, in which format, and that nobody else has it open.

node.json   identity and format, written once (node.json.partial until the databases are made)
lock        held (flock) while a process has the directory
raft/       the log
data/       the state
snapshots/  snapshots on their way in; nothing in it is missed

Format 1 knew one node: no `instance`, and in raft/ no notes of snapshots and removals that a restart must finish. This
release reads it and makes it format 2 once the databases are open; the release before refuses it from then on.
"""

from __future__ import annotations

import fcntl
import os
import secrets
from pathlib import Path
from typing import Final

import msgspec

FORMAT: Final = 2
_OLDEST_FORMAT: Final = 1
_IDENTITY = "node.json"
_DATABASES = ("raft", "data")


class Identity(msgspec.Struct, frozen=True):
    """What was decided when the directory was made, and can not be changed by configuration."""

    format: int
    node_id: str
    cluster: str
    shards: int
    virtual_nodes: int
    instance: str = ""
    """32 hex digits, random: tells this directory from another one of a node with the same name."""


class DirectoryRefused(Exception):
    """The directory cannot be used; the message says why and what to do."""


class DataDirectory:
    """An opened data directory. Close it after the databases in it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._partial = path / f"{_IDENTITY}.partial"
        self._raised: Identity | None = None
        try:
            path.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._lock = os.open(path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise DirectoryRefused(f"the data directory {path} cannot be used: {error.strerror}") from error
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._lock)
            raise DirectoryRefused(f"another process has the data directory {path} open; stop it first") from error

    def identify(self, wanted: Identity) -> Identity:
        """Return the directory's identity.

        A new directory is given `wanted`, with a random `instance` if that has none. One of an older format is read
        as of this one, and written so by `confirm`. Raises `DirectoryRefused` if they contradict.
        """
        file = self.path / _IDENTITY
        databases = [name for name in _DATABASES if (self.path / name).exists()]
        if not file.exists():
            if databases and not self._partial.exists():
                raise DirectoryRefused(
                    f"{self.path} holds databases but no {_IDENTITY}: it is not, or no longer, a whole data directory"
                )
            made = _with_instance(wanted)
            self._write(self._partial, made)
            return made
        if len(databases) < len(_DATABASES):
            missing = " and ".join(name for name in _DATABASES if name not in databases)
            raise DirectoryRefused(
                f"{self.path} has lost its {missing} database: restore the whole directory, or start with an empty one"
            )
        try:
            raw = file.read_bytes()
            known_format = msgspec.json.decode(raw, type=dict[str, object]).get("format")
            if isinstance(known_format, int) and known_format > FORMAT:
                raise DirectoryRefused(
                    f"{self.path} has format {known_format}, and this release reads formats {_OLDEST_FORMAT} to "
                    f"{FORMAT}: it was written by a newer release; start that one"
                )
            identity = msgspec.json.decode(raw, type=Identity)
        except (OSError, msgspec.MsgspecError) as error:
            raise DirectoryRefused(f"{file} cannot be read: {error}") from error
        for name in ("node_id", "cluster"):
            was, asked = getattr(identity, name), getattr(wanted, name)
            if was != asked:
                raise DirectoryRefused(f"{self.path} belongs to {name} {was!r}, not {asked!r}")
        current = _with_instance(msgspec.structs.replace(identity, format=FORMAT))
        self._raised = current if current != identity else None
        return current

    def existing(self) -> Identity:
        """Return the identity of a directory that a node has used, whatever the node is called.

        Raises `DirectoryRefused` if it is none, or is not whole.
        """
        try:
            known = msgspec.json.decode((self.path / _IDENTITY).read_bytes(), type=Identity)
        except (OSError, msgspec.MsgspecError) as error:
            raise DirectoryRefused(f"{self.path} is not the data directory of a node: {error}") from error
        return self.identify(known)

    def confirm(self) -> None:
        """Note that the databases are open: those of a new directory must be there from now on.

        One of an older format has this one from now on.
        """
        if self._raised is not None:
            self._write(self._partial, self._raised)
            self._raised = None
        if self._partial.exists():
            self._partial.rename(self.path / _IDENTITY)
            self._sync_directory()

    def _write(self, file: Path, identity: Identity) -> None:
        try:
            with file.open("wb") as stream:
                stream.write(msgspec.json.format(msgspec.json.encode(identity), indent=2) + b"\n")
                stream.flush()
                os.fsync(stream.fileno())
        except OSError as error:
            raise DirectoryRefused(f"the data directory {self.path} cannot be written: {error.strerror}") from error
        self._sync_directory()

    def _sync_directory(self) -> None:
        try:
            descriptor = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        except OSError as error:
            raise DirectoryRefused(f"the data directory {self.path} cannot be written: {error.strerror}") from error

    def close(self) -> None:
        """Let go of the directory."""
        os.close(self._lock)


def _with_instance(identity: Identity) -> Identity:
    return identity if identity.instance else msgspec.structs.replace(identity, instance=secrets.token_hex(16))
