"""The metadata store's protocol, after etcd: revisions, transactions, watches, leases.

It is there twice, `embedded` and `etcd`, and one suite of tests judges both.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Value:
    """A value and the revision of the store that last modified it."""

    data: bytes
    revision: int


@dataclass(frozen=True, slots=True)
class WatchEvent:
    """One change: the new value of a key, or None when it was removed."""

    key: str
    data: bytes | None
    revision: int


@dataclass(frozen=True, slots=True)
class Listing:
    """The keys under a prefix, as of one revision of the store."""

    values: dict[str, Value]
    revision: int


@dataclass(frozen=True, slots=True)
class Put:
    """Set `key`; with a lease it goes when the lease ends."""

    key: str
    data: bytes
    lease: int = 0


@dataclass(frozen=True, slots=True)
class Delete:
    """Remove `key`; no error if it does not exist."""

    key: str


class Compacted(Exception):
    """A watch asks for changes that are no longer remembered: list again, then watch from there."""


class LeaseLost(Exception):
    """A key was to be set for the time of a lease that has ended; it was not set."""


class MetadataStore(Protocol):
    """A small, linearizable key-value store. Keys are paths such as `/topology`.

    Whatever cannot be done raises a `ThemisServerError`: metadata_unavailable or no_leader (nothing was done),
    outcome_unknown (it may have been), metadata_outdated (the store shows less than this node has seen before).
    """

    async def get(self, key: str, *, stale: bool = False) -> Value | None:
        """Return the value at `key`; with `stale` as this node knows it, without asking for the present one."""
        ...

    async def list(self, prefix: str, *, stale: bool = False) -> Listing:
        """Return everything under `prefix`, in key order; with `stale` as this node knows it."""
        ...

    async def put(self, key: str, data: bytes, *, lease: int = 0) -> int:
        """Set `key` whatever it was; return the revision. Raises `LeaseLost`."""
        ...

    async def delete(self, key: str) -> int:
        """Remove `key`; return the revision."""
        ...

    async def transaction(self, compares: dict[str, int], ops: Sequence[Put | Delete]) -> int | None:
        """Make all changes if every key is at the revision given, 0 standing for "does not exist".

        Return the new revision, or None if a key was not, or if a lease has ended. When this returns, watchers of the
        same store object may still be about to learn of the change.
        """
        ...

    def watch(self, prefix: str, after_revision: int) -> AsyncIterator[WatchEvent]:
        """Yield the changes under `prefix` after a revision, in order, without end; raises `Compacted`."""
        ...

    async def grant_lease(self, ttl_s: float) -> int:
        """Start a lease that ends unless it is kept alive."""
        ...

    async def keep_lease(self, lease: int, ttl_s: float) -> bool:
        """Keep a lease alive for another `ttl_s`; False if it has ended."""
        ...

    async def end_lease(self, lease: int) -> None:
        """End a lease and remove its keys."""
        ...
