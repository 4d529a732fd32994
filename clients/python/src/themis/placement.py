"""Which shard owns a key: the hash, the ring and the token table.

One definition for the server and for this SDK. The key hash is XXH64 (seed 0) of the uuid's 36 lower-case bytes: the
same uuid in any collection lands on the same shard. Servers build the ring once and publish it, resolved, as the *token
table* in the topology; clients bisect that table and never compute a ring, because moving a range edits the table.

Invariant: a table covers the whole circle of 2^64 hashes; each hash has exactly one owner.

This module knows neither HTTP nor asyncio.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from typing import Final

from xxhash import xxh64_intdigest

__all__ = ["HASH_MAX", "VIRTUAL_NODES", "TokenTable", "build_token_table", "key_hash", "ring_tokens"]

HASH_MAX: Final = (1 << 64) - 1
VIRTUAL_NODES: Final = 150

_TOKEN_TEXT: Final = re.compile(r"[0-9a-f]{16}")


def key_hash(uuid: str) -> int:
    """XXH64 (seed 0) of the uuid's lower-case text: its place on the circle, 0 to 2^64 - 1, unsigned."""
    return xxh64_intdigest(uuid.lower().encode())


def ring_tokens(shard_id: str, virtual_nodes: int = VIRTUAL_NODES) -> list[int]:
    """The tokens of one shard: XXH64 (seed 0) of `{shard_id}#{i}` for i in 0..virtual_nodes-1, in that order."""
    return [xxh64_intdigest(f"{shard_id}#{i}".encode()) for i in range(virtual_nodes)]


def build_token_table(shard_ids: Iterable[str], virtual_nodes: int = VIRTUAL_NODES) -> list[tuple[int, str]]:
    """All tokens of all shards, ascending; where two shards hash to one token, the smaller shard id keeps it."""
    owners: dict[int, str] = {}
    for shard_id in shard_ids:
        for token in ring_tokens(shard_id, virtual_nodes):
            owner = owners.get(token)
            if owner is None or shard_id < owner:
                owners[token] = shard_id
    return sorted(owners.items())


class TokenTable:
    """Sorted tokens and their owners. A hash belongs to the first token >= it, wrapping past the last one.

    Where a token is given twice, the smaller shard id keeps it.
    """

    __slots__ = ("_owners", "_tokens")

    def __init__(self, tokens: Iterable[tuple[int, str]]) -> None:
        # Of equal tokens the first in this order stays: the smaller shard id's.
        entries = sorted({token: owner for token, owner in sorted(tokens, reverse=True)}.items())
        if not entries:
            raise ValueError("a token table needs at least one token")
        if entries[0][0] < 0 or entries[-1][0] > HASH_MAX:
            raise ValueError("tokens are unsigned 64-bit integers")
        self._tokens: list[int] = [token for token, _ in entries]
        # One owner more than tokens: a hash past the last token bisects to that place and finds the first owner.
        self._owners: list[str] = [owner for _, owner in entries]
        self._owners.append(self._owners[0])

    @classmethod
    def from_wire(cls, tokens: Sequence[Sequence[str]]) -> TokenTable:
        """Read `[["16 lower-case hex digits", shard_id], ...]`; raises ValueError when it is not that."""
        entries: list[tuple[int, str]] = []
        for entry in tokens:
            if len(entry) != 2 or not _TOKEN_TEXT.fullmatch(entry[0]):
                raise ValueError(f"not a [token, shard_id] pair: {entry!r}")
            entries.append((int(entry[0], 16), entry[1]))
        return cls(entries)

    def to_wire(self) -> list[list[str]]:
        """The table as the topology carries it."""
        return [[f"{token:016x}", owner] for token, owner in self.items()]

    def items(self) -> list[tuple[int, str]]:
        """(token, shard id) in ascending order of (token, shard id)."""
        return list(zip(self._tokens, self._owners, strict=False))

    def shard_for_hash(self, value: int) -> str:
        """The owner of a hash."""
        return self._owners[bisect_left(self._tokens, value)]

    def shard_for_uuid(self, uuid: str) -> str:
        """The owner of a key, from its uuid's text in any case."""
        return self._owners[bisect_left(self._tokens, xxh64_intdigest(uuid.lower().encode()))]

    def shard_ids(self) -> list[str]:
        """The shards that own tokens, sorted."""
        return sorted(set(self._owners))

    def ranges(self, shard_id: str) -> list[tuple[int, int]]:
        """What a shard owns: inclusive (start, end) hash ranges, ascending and merged, empty for a stranger.

        The range that wraps past 2^64 - 1 is reported as its two halves.
        """
        found: list[tuple[int, int]] = []
        start = 0
        for token, owner in self.items():
            if owner == shard_id:
                if found and found[-1][1] + 1 == start:
                    found[-1] = (found[-1][0], token)
                else:
                    found.append((start, token))
            start = token + 1
        if self._owners[0] == shard_id and start <= HASH_MAX:
            if found and found[-1][1] + 1 == start:
                found[-1] = (found[-1][0], HASH_MAX)
            else:
                found.append((start, HASH_MAX))
        return found

    def __len__(self) -> int:
        return len(self._tokens)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, TokenTable):
            return NotImplemented
        return self._tokens == other._tokens and self._owners == other._owners

    __hash__ = None  # type: ignore[assignment]  # compared by content, and 1,200 entries are no dictionary key

    def __repr__(self) -> str:
        return f"<TokenTable of {len(self)} tokens, {len(self.shard_ids())} shards>"
