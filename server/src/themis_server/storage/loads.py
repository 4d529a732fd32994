"""Where loads lie on the disk until a store takes them over: directories of table files, and what was sealed in each.

    {loads}/{name}/000001.sst ...      the pairs, a file for each kind of key at least
    {loads}/{name}/sealed              names, sizes and checksums of the files; written last, so what has it is whole

The store is given hard links, because it takes the files that it is given away, and a redo needs them again.
"""

from __future__ import annotations

import os
import shutil
import zlib
from pathlib import Path

import msgspec

from themis_server.storage.engine import CorruptionError

_SEALED = "sealed"
_LINKS = "links"
_READ_BYTES = 1 << 20


class _File(msgspec.Struct, array_like=True, frozen=True):
    name: str
    size_bytes: int
    checksum: int


_decoder = msgspec.json.Decoder(list[_File])


class LoadDirectory:
    """The files of one load. Raises `OSError` where the disk does."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._files = 0

    def make(self) -> None:
        """Begin empty, whatever was there."""
        self.remove()
        self.path.mkdir(parents=True, mode=0o700)

    def new_file(self) -> Path:
        """Return the path of the next table file; in the order in which they are made, their keys ascend."""
        self._files += 1
        return self.path / f"{self._files:06}.sst"

    def seal(self) -> None:
        """Note what the table files hold, durably. They have been synced by who wrote them."""
        files = [_File(file.name, *_measured(file)) for file in sorted(self.path.glob("*.sst"))]
        partial = self.path / f"{_SEALED}.partial"
        with partial.open("wb") as stream:
            stream.write(msgspec.json.encode(files))
            stream.flush()
            os.fsync(stream.fileno())
        partial.rename(self.path / _SEALED)
        for directory in (self.path, self.path.parent):
            _sync_directory(directory)

    @property
    def sealed(self) -> bool:
        """Whether everything of it is on the disk."""
        return (self.path / _SEALED).exists()

    def files(self, *, verify: bool) -> list[Path]:
        """Return the table files in order; with `verify` after reading them through.

        Raises `CorruptionError` where they are not what was sealed.
        """
        try:
            sealed = _decoder.decode((self.path / _SEALED).read_bytes())
        except FileNotFoundError as error:
            raise CorruptionError(f"{self.path} is not there, or was never sealed") from error
        except msgspec.MsgspecError as error:
            raise CorruptionError(f"{self.path / _SEALED} cannot be read: {error}") from error
        for expected in sealed:
            file = self.path / expected.name
            if not file.exists() or file.stat().st_size != expected.size_bytes:
                raise CorruptionError(f"{file} is missing or has another size than when it was sealed")
            if verify and _measured(file)[1] != expected.checksum:
                raise CorruptionError(f"{file} fails its checksum")
        return [self.path / expected.name for expected in sealed]

    def link(self, files: list[Path]) -> list[Path]:
        """Return other names of `files`, for the store to take away."""
        links = self.path / _LINKS
        shutil.rmtree(links, ignore_errors=True)
        links.mkdir()
        linked = [links / file.name for file in files]
        for file, link in zip(files, linked, strict=True):
            try:
                os.link(file, link)
            except OSError:  # a file system without hard links
                shutil.copyfile(file, link)
        return linked

    def remove(self) -> None:
        """Remove it; what is not there is no error. The seal goes first, so half a removal leaves nothing sealed."""
        (self.path / _SEALED).unlink(missing_ok=True)
        shutil.rmtree(self.path, ignore_errors=True)


def found(root: Path) -> dict[str, bool]:
    """Return the loads below `root`, and whether each was sealed."""
    if not root.exists():
        return {}
    return {path.name: LoadDirectory(path).sealed for path in sorted(root.iterdir()) if path.is_dir()}


def _measured(file: Path) -> tuple[int, int]:
    size = checksum = 0
    with file.open("rb") as stream:
        while piece := stream.read(_READ_BYTES):
            size += len(piece)
            checksum = zlib.crc32(piece, checksum)
    return size, checksum


def _sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
