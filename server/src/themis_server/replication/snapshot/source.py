"""A pinned view of a group's state, as numbered chunks with checksums."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

from themis_server.replication.snapshot.manifest import Chunk, Manifest, Totals, encode
from themis_server.storage import keys
from themis_server.storage.engine import ReadView


class Source:
    """Reads a view from begin to end, and again where a receiver has lost what it had.

    One consumer at a time. The view is not its own: who pinned it releases it.
    """

    def __init__(self, view: ReadView, manifest: Manifest, chunk_bytes: int) -> None:
        """Prepare to read.

        Args:
            view: the state of the group as of the manifest's entry.
            manifest: says which.
            chunk_bytes: keys and values in a chunk, at least, but for the last; one pair more may be in it.
        """
        self.manifest = manifest
        self._view = view
        self._chunk_bytes = chunk_bytes
        self._rewind()

    def _rewind(self) -> None:
        self._pairs = self._all_pairs()
        self._current: Chunk | None = None
        self.totals = Totals()
        """What was read so far; of all of it, once `chunk` returned None."""

    def _all_pairs(self) -> Iterator[tuple[bytes, bytes]]:
        for start, end in keys.group_ranges(self.manifest.group):
            yield from self._view.scan(start, end)

    def chunk(self, number: int) -> Chunk | None:
        """Return chunk `number`, None behind the last one. The same number is the same chunk each time.

        The one made last is at hand, the next is read, and any other costs reading up to it. Raises `ViewLost`.
        """
        if self._current is not None and self._current.number == number:
            return self._current
        if number < self.totals.chunks:
            self._rewind()
        while (chunk := self._next()) is not None and chunk.number < number:
            pass
        return chunk

    def _next(self) -> Chunk | None:
        pairs: list[tuple[bytes, bytes]] = []
        size = 0
        for pair in self._pairs:
            pairs.append(pair)
            size += len(pair[0]) + len(pair[1])
            if size >= self._chunk_bytes:
                break
        if not pairs:
            return None
        encoded = encode(pairs)
        before = self.totals
        self._current = Chunk(self.manifest.name, before.chunks, zlib.crc32(encoded), encoded)
        self.totals = Totals(
            chunks=before.chunks + 1,
            pairs=before.pairs + len(pairs),
            size_bytes=before.size_bytes + len(encoded),
            checksum=zlib.crc32(encoded, before.checksum),
        )
        return self._current
