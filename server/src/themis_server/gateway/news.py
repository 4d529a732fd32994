"""Word that something moved: requests that could not be served a moment ago try again at once."""

from __future__ import annotations

import asyncio


class News:
    """Wakes who waits for a leader or a topology. Belongs to the event loop; the node announces."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def announce(self) -> None:
        """Wake everybody: a leader changed, or the topology."""
        self._event.set()
        self._event = asyncio.Event()

    async def wait(self, timeout_s: float) -> None:
        """Return when something was announced, or when the time has passed."""
        event = self._event
        try:
            async with asyncio.timeout(timeout_s):
                await event.wait()
        except TimeoutError:
            return
