"""What a client has seen: up to which version of which shard.

Servers tell it with every answer (`Themis-Session: shard_001:347839217664000,...`), the client keeps the greatest
version of each shard, and sends it with reads that a lagging replica may answer. That replica then waits until it has
what the client has seen: its own writes (read-your-writes), and nothing older than what it read before (monotonic
reads), whichever replica answers.
"""

from __future__ import annotations

import re
import threading
from typing import Final

from themis.errors import ConfigurationError

__all__ = ["HEADER", "Session"]

HEADER: Final = "Themis-Session"

_SHARDS_MAX: Final = 4096
_VERSION_MAX: Final = (1 << 53) - 1
_ENTRY: Final = re.compile(r"([A-Za-z0-9_][A-Za-z0-9_.-]{0,62}):([1-9][0-9]{0,15})", re.ASCII)


class Session:
    """The greatest version of each shard that was seen. Threads share it."""

    __slots__ = ("_lock", "_seen")

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seen: dict[str, int] = {}

    def note(self, text: str) -> None:
        """Merge what an answer says; entries of another form are passed over."""
        for part in text.split(","):
            entry = _entry(part)
            # Looked at without the lock first: mostly there is nothing new in it, and versions only grow.
            if entry is not None and entry[1] > self._seen.get(entry[0], 0):
                self._raise(*entry)

    def merge(self, token: str) -> None:
        """Merge a token as `token()` gives it; raises ConfigurationError, and merges nothing, if it is none."""
        if not token:
            return
        entries: list[tuple[str, int]] = []
        for part in token.split(","):
            entry = _entry(part)
            if entry is None:
                raise ConfigurationError(f"a session token is shard_id:version, separated by commas; not {part[:80]!r}")
            entries.append(entry)
        for entry in entries:
            self._raise(*entry)

    def forget(self) -> None:
        """Begin anew."""
        with self._lock:
            self._seen = {}

    def token(self) -> str:
        """All of it, in the order of shard ids; empty if there is nothing."""
        with self._lock:
            entries = sorted(self._seen.items())
        return ",".join([f"{shard_id}:{version}" for shard_id, version in entries])

    def entry(self, shard_id: str) -> str:
        """What was seen of one shard; empty if there is nothing."""
        version = self._seen.get(shard_id)
        return "" if version is None else f"{shard_id}:{version}"

    def _raise(self, shard_id: str, version: int) -> None:
        with self._lock:
            known = self._seen.get(shard_id)
            if known is None and len(self._seen) >= _SHARDS_MAX:
                return
            if known is None or version > known:
                self._seen[shard_id] = version


def _entry(text: str) -> tuple[str, int] | None:
    found = _ENTRY.fullmatch(text.strip(" \t"))
    if found is None:
        return None
    version = int(found[2])
    return (found[1], version) if version <= _VERSION_MAX else None
