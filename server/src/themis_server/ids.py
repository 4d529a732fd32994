"""Names for requests, nodes and entities.

A request id must be unique across restarts and cheap; a raft id must be the same on every start of the same node;
a UUID must be the lower-case text that URNs and the hash ring are defined on.
"""

from __future__ import annotations

import itertools
import os
import uuid
from typing import Final

import xxhash

__all__ = ["RequestIds", "named_uuid", "new_uuid", "raft_id"]

_RAFT_ID_MASK: Final = (1 << 63) - 1
_BOOT_BYTES: Final = 6


class RequestIds:
    """Makes request ids: a random prefix drawn once a start, then a counter in hex (`9f3c52ab01d4-1a`).

    Two starts collide with probability 2^-48 each; within a start ids are unique by counting. `next` is atomic in
    CPython (one call into `itertools.count`), so threads may share an instance.
    """

    __slots__ = ("_counter", "_prefix")

    def __init__(self, boot: bytes | None = None) -> None:
        """Draw the prefix, or take `boot` (1..32 bytes) as it: the simulator and tests need a known one."""
        chosen = os.urandom(_BOOT_BYTES) if boot is None else boot
        if not 1 <= len(chosen) <= 32:
            raise ValueError(f"a boot prefix has 1 to 32 bytes, this one has {len(chosen)}")
        self._prefix = chosen.hex() + "-"
        self._counter = itertools.count(1)

    def next(self) -> str:
        """Return the next id; always a valid `X-Request-Id` (`[A-Za-z0-9._-]{1,128}`)."""
        return f"{self._prefix}{next(self._counter):x}"


def raft_id(node_name: str) -> int:
    """Return the raft id of a node: XXH64 (seed 0) of its UTF-8 name, cut to 63 bits, never 0.

    Raft reserves 0 for "nobody", and 63 bits fit every signed integer on the way (etcd, JSON of other languages,
    SQL). Two names of one cluster must not share an id; whoever admits a node to a cluster checks that.
    """
    return (xxhash.xxh64_intdigest(node_name.encode()) & _RAFT_ID_MASK) or 1


def new_uuid() -> str:
    """Return a fresh UUID v4 as 36 lower-case characters."""
    return str(uuid.uuid4())


def named_uuid(namespace: uuid.UUID, name: str) -> str:
    """Return the UUID v5 of `name` in `namespace`: the same key for the same natural key, at every load."""
    return str(uuid.uuid5(namespace, name))
