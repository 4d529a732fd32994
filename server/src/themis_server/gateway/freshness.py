"""The catalog of a node may lag behind a change that another node has acknowledged: before a request is told that
something does not exist, the metadata is asked once.

Asked in rounds: all requests that came before a round share it, the next begins when it has ended, and no more than a
hundred begin in a second. So names that do not exist, however many are asked for, cost the metadata next to nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Final, TypeVar

from themis_server.clock import Clock
from themis_server.errors import ErrorCode, ThemisServerError
from themis_server.metadata.catalog import Catalog

T = TypeVar("T")

_BETWEEN_ROUNDS_S: Final = 0.01
_AT_ONCE: Final = 64

NOT_FOUND: Final = frozenset({ErrorCode.NAMESPACE_NOT_FOUND, ErrorCode.COLLECTION_NOT_FOUND})

_EVERYTHING: Final = ("", "")


class Freshness:
    """Confirms what the catalog says. Belongs to the event loop."""

    def __init__(self, catalog: Catalog, is_current: Callable[[], bool], clock: Clock) -> None:
        """Prepare.

        Args:
            catalog: the catalog of this node.
            is_current: whether it cannot lag, because nobody else changes the metadata.
            clock: for the distance of rounds.
        """
        self.catalog = catalog
        self._is_current = is_current
        self._now_s = clock.monotonic_s
        self._waiting: dict[tuple[str, str], asyncio.Future[None]] = {}
        self._rounds: asyncio.Task[None] | None = None
        self.rounds = 0
        """Rounds begun so far."""

    @property
    def is_current(self) -> bool:
        """Whether the catalog of this node cannot lag."""
        return self._is_current()

    async def confirm(self, namespace: str, name: str = "") -> None:
        """Make what the catalog says of a namespace, or of a collection of it, true as of this call.

        Raises:
            ThemisServerError: the metadata cannot be asked, so that nobody can say what exists.
        """
        if not self._is_current():
            await self._join((namespace, name))

    async def confirm_all(self) -> None:
        """Make the whole catalog true as of this call, for a listing."""
        if not self._is_current():
            await self._join(_EVERYTHING)

    async def found(self, look_up: Callable[[], T], namespace: str, name: str = "") -> T:
        """Look up a name, and once more if there is none and the catalog may lag."""
        try:
            return look_up()
        except ThemisServerError as error:
            if error.code not in NOT_FOUND or self._is_current():
                raise
        await self._join((namespace, name))
        return look_up()

    async def _join(self, key: tuple[str, str]) -> None:
        waiting = self._waiting.get(key)
        if waiting is None:
            waiting = self._waiting[key] = asyncio.get_running_loop().create_future()
            waiting.add_done_callback(_retrieve)
        if self._rounds is None:
            self._rounds = asyncio.create_task(self._run(), name="catalog-freshness")
        await asyncio.shield(waiting)

    async def _run(self) -> None:
        try:
            while self._waiting:
                taken, self._waiting = self._waiting, {}
                self.rounds += 1
                began_s = self._now_s()
                keys = list(taken)
                for start in range(0, len(keys), _AT_ONCE):
                    await asyncio.gather(*[self._one(key, taken[key]) for key in keys[start : start + _AT_ONCE]])
                await asyncio.sleep(max(_BETWEEN_ROUNDS_S - (self._now_s() - began_s), 0))
        finally:
            self._rounds = None

    async def _one(self, key: tuple[str, str], waiting: asyncio.Future[None]) -> None:
        confirming: Coroutine[Any, Any, None] = (
            self.catalog.confirm_all() if key == _EVERYTHING else self.catalog.confirm(*key)
        )
        try:
            await confirming
        except Exception as error:  # whoever waits has to be told, whatever it is; nobody waits for the rounds
            waiting.set_exception(error)
        else:
            waiting.set_result(None)


def _retrieve(ended: asyncio.Future[None]) -> None:
    if not ended.cancelled():
        ended.exception()
