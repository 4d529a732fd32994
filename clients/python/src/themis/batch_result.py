"""What became of a batch, item by item."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Generic, TypeVar, overload

import msgspec

from themis.entities import Entity
from themis.errors import BatchError, ThemisError
from themis.urn import Urn

__all__ = ["BatchFailure", "BatchGetResult", "BatchResult"]

_T = TypeVar("_T")


class BatchFailure(msgspec.Struct, frozen=True):
    """One item that failed.

    Attributes:
        index: Its place in what was asked, from 0.
        urn: Its URN, as text; what was given instead where that cannot be one.
        error: What a call for this one item would have raised.
    """

    index: int
    urn: str
    error: ThemisError


class BatchResult(Generic[_T]):
    """What became of each item of a batch.

    Attributes:
        ok: The results of the items that succeeded, in the order asked.
        missing: The URNs of the items that do not exist (reads and deletions), in the order asked.
        failed: The items that failed, in the order asked.
        asked: How many items were asked for.
    """

    def __init__(self, ok: list[_T], missing: list[Urn], failed: list[BatchFailure], asked: int) -> None:
        self.ok = ok
        self.missing = missing
        self.failed = failed
        self.asked = asked

    def raise_for_errors(self) -> None:
        """Raise BatchError if any item failed. (That something does not exist is no failure.)"""
        if self.failed:
            raise BatchError(self.failed, self.asked)

    def __bool__(self) -> bool:
        """Whether no item failed."""
        return not self.failed

    def __repr__(self) -> str:
        counts = f"{len(self.ok)} ok, {len(self.missing)} missing, {len(self.failed)} failed"
        return f"<{type(self).__name__}: {counts}>"


class BatchGetResult(BatchResult[Entity], Sequence["dict[str, Any] | None"]):
    """The answer of batch_get: a list of documents in the order asked, None where there is no entity.

    An item that could not be read is neither: touching its place raises its error, and iterating raises BatchError
    before the first document, so that a failure is never taken for "does not exist". `entities()` has the versions.
    """

    def __init__(self, places: list[Entity | Urn | BatchFailure]) -> None:
        super().__init__(
            [place for place in places if isinstance(place, Entity)],
            [place for place in places if isinstance(place, Urn)],
            [place for place in places if isinstance(place, BatchFailure)],
            len(places),
        )
        self._places = places

    def __len__(self) -> int:
        return len(self._places)

    @overload
    def __getitem__(self, index: int) -> dict[str, Any] | None: ...

    @overload
    def __getitem__(self, index: slice[Any, Any, Any]) -> list[dict[str, Any] | None]: ...

    def __getitem__(self, index: int | slice[Any, Any, Any]) -> dict[str, Any] | list[dict[str, Any] | None] | None:
        """The document at an index, or a list of them for a slice."""
        if isinstance(index, slice):
            return [self._document(place) for place in self._places[index]]
        return self._document(self._places[index])

    def __iter__(self) -> Iterator[dict[str, Any] | None]:
        self.raise_for_errors()
        return iter([place.doc if isinstance(place, Entity) else None for place in self._places])

    def entities(self) -> dict[str, Entity]:
        """What was found, by uuid. (In a batch over several collections, by uuid of the last one.)"""
        return {entity.urn.uuid: entity for entity in self.ok}

    @staticmethod
    def _document(place: Entity | Urn | BatchFailure) -> dict[str, Any] | None:
        if isinstance(place, BatchFailure):
            raise place.error
        return place.doc if isinstance(place, Entity) else None
