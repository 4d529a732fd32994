"""What one node has to do now and then for the catalog of the whole cluster."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from themis_server.errors import ThemisServerError
from themis_server.gateway.catalog import CatalogChanges
from themis_server.observability.log import get_logger

_EVERY_S: Final = 60.0
_log = get_logger(__name__)


async def tidy(changes: CatalogChanges, coordinates: Callable[[], bool]) -> None:
    """Finish drops and forget what has expired, without end, whenever this node is the one that does.

    Args:
        changes: Does it.
        coordinates: Tells whether this node is the coordinator.
    """
    while True:
        if coordinates():
            try:
                await changes.finish_drops()
                await changes.forget_expired()
            except ThemisServerError as error:
                _log.warning("metadata.tidy.failed", why=str(error))
        await asyncio.sleep(_EVERY_S)
