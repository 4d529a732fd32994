"""The end of tasks."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Final

_CANCEL_AGAIN_S: Final = 0.2


async def end_all(tasks: Iterable[asyncio.Task[None]]) -> None:
    """Cancel tasks until they have ended.

    Once is not always enough: `asyncio.wait_for` may lose a cancellation that comes just when what it waits for ends.
    """
    left = set(tasks)
    while left:
        for task in left:
            task.cancel()
        _done, left = await asyncio.wait(left, timeout=_CANCEL_AGAIN_S)
