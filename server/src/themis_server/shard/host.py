"""A node that has replicas, this one or another: what can be asked of it, in the same words."""

from __future__ import annotations

from typing import Protocol

from themis_server.shard.wire import (
    Ask,
    Changed,
    ChangePart,
    Counted,
    CountPart,
    DropPart,
    Dropped,
    Failure,
    MutatePart,
    Paged,
    PagePart,
    Read,
    ReadPart,
    Wrote,
)


class ShardHost(Protocol):
    """Answers each part of a request, in order.

    A part that fails is answered by a `Failure`. Every method raises `Refused` if the node cannot be asked, in which
    case nothing happened, and `Lost` if it was asked and did not answer.
    """

    async def read(self, ask: Ask[ReadPart]) -> list[Read | Failure]:
        """Read entities."""
        ...

    async def page(self, ask: Ask[PagePart]) -> list[Paged | Failure]:
        """Read pieces of collections in key order."""
        ...

    async def count(self, ask: Ask[CountPart]) -> list[Counted | Failure]:
        """Count entities of collections."""
        ...

    async def mutate(self, ask: Ask[MutatePart]) -> list[Wrote | Failure]:
        """Write entities."""
        ...

    async def drop(self, ask: Ask[DropPart]) -> list[Dropped | Failure]:
        """Remove collections from shards."""
        ...

    async def change(self, ask: Ask[ChangePart]) -> list[Changed | Failure]:
        """Change the metadata."""
        ...
