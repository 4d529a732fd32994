"""Carries out effects by awaiting: the driver behind `AsyncThemisClient`."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Sequence
from typing import Any, Final, TypeVar

from themis.core import Core, load_topology
from themis.errors import ClientClosed, ConfigurationError
from themis.flow import Effect, FetchToken, Flow, Gather, LoadTopology, Send, Sleep
from themis.hooks import logger
from themis.options import check_token
from themis.transport.message import AsyncTransport

__all__ = ["AsyncDriver"]

_REFRESH_TIMEOUT_S: Final = 5.0
_REFRESH_PAUSE_S: Final = 1.0

_T = TypeVar("_T")


def _look_at(task: asyncio.Task[str]) -> None:
    # Those who waited for it have its exception; asyncio complains of one that nobody was left to wait for.
    if not task.cancelled():
        task.exception()


class AsyncDriver:
    """Runs flows in the calling task. Tasks of one event loop share a driver."""

    def __init__(self, core: Core, transport: AsyncTransport) -> None:
        self.core = core
        self._transport = transport
        self._loop: asyncio.AbstractEventLoop | None = None
        self._loading: asyncio.Task[None] | None = None
        self._fetching: asyncio.Task[str] | None = None
        self._asked_at = 0.0
        self._refreshing: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._refreshed_at = -_REFRESH_PAUSE_S
        self._closed = False
        core.refresh_wanted = self._refresh_soon

    async def run(self, flow: Flow[_T]) -> _T:
        """Drive a flow to its end; returns its value or raises what it raises."""
        if self._closed:
            flow.close()
            raise ClientClosed("the client is closed")
        try:
            effect = next(flow)
            while True:
                failure: Exception | None = None
                result: Any = None
                try:
                    # The one effect of nearly every call is carried out without another coroutine in between.
                    if isinstance(effect, Send):
                        result = await self._transport.asend(effect.request, effect.timeout_s)
                    else:
                        result = await self._carry_out(effect)
                except Exception as error:
                    failure = error
                # Outside of the except clause, so that what the flow raises has its own context and not this one.
                effect = flow.send(result) if failure is None else flow.throw(failure)
        except StopIteration as stop:
            value: _T = stop.value
            return value
        finally:
            # After a cancellation the flow still has its end to report to the hooks.
            flow.close()

    async def aclose(self) -> None:
        """Stop the background refresh and close the connections. Calls in progress fail."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
        if self._loop is asyncio.get_running_loop():
            tasks: list[asyncio.Task[Any]] = [
                task for task in (self._loading, self._fetching, self._refreshing) if task is not None
            ]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        await self._transport.aclose()

    async def _carry_out(self, effect: Effect) -> Any:
        self._notice_loop()
        if isinstance(effect, Sleep):
            return await asyncio.sleep(effect.seconds)
        if isinstance(effect, LoadTopology):
            return await self._load_topology(effect.timeout_s)
        if isinstance(effect, FetchToken):
            return await self._fetch_token(effect.stale, effect.timeout_s)
        if isinstance(effect, Gather):
            return await self._gather(effect)
        return await self._transport.asend(effect.request, effect.timeout_s)

    def _notice_loop(self) -> None:
        """Tasks and timers of an event loop that is gone are gone with it."""
        loop = asyncio.get_running_loop()
        if loop is not self._loop:
            self._loop = loop
            self._loading = self._fetching = self._refreshing = None
            self._timer = None

    async def _load_topology(self, timeout_s: float) -> None:
        """One task loads; all that come meanwhile wait for it. A caller that gives up does not stop it."""
        if self._loading is None or self._loading.done():
            self._loading = asyncio.ensure_future(self._load(timeout_s))
        await asyncio.wait({self._loading}, timeout=max(timeout_s, 0.0))

    async def _load(self, timeout_s: float) -> None:
        try:
            await self.run(load_topology(self.core, timeout_s))
        except Exception:
            # The user's token callback, or their transport: the request itself will meet it and raise it to them.
            self.core.router.load_failed()
            logger.warning("the topology could not be loaded", exc_info=True)
        self._schedule_refresh()

    async def _fetch_token(self, stale: str | None, timeout_s: float) -> str | None:
        """One task asks; all that come meanwhile wait for it. A caller that gives up does not stop it."""
        current = self.core.token
        if current is not None and current != stale:
            # Another task has fetched a new one meanwhile.
            return current
        # One that has hung for longer than any call waits is asked no more: a later one may fare better.
        overdue = self.core.clock() - self._asked_at > self.core.options.timeout_s
        if self._fetching is None or self._fetching.done() or overdue:
            self._asked_at = self.core.clock()
            self._fetching = asyncio.ensure_future(self._ask_for_token())
            self._fetching.add_done_callback(_look_at)
        await asyncio.wait({self._fetching}, timeout=max(timeout_s, 0.0))
        return self._fetching.result() if self._fetching.done() else None

    async def _ask_for_token(self) -> str:
        fetch = self.core.options.token
        token = fetch() if callable(fetch) else fetch
        if inspect.isawaitable(token):
            token = await token
        if not isinstance(token, str):
            raise ConfigurationError("the token callback did not return a string")
        # Set here: tasks that ask between this one's end and its waiters' turn must find it.
        self.core.token = check_token(token)
        return token

    async def _gather(self, effect: Gather) -> Sequence[Any]:
        turns = asyncio.Semaphore(effect.parallel)

        async def value_or_error(flow: Flow[Any]) -> Any:
            async with turns:
                try:
                    return await self.run(flow)
                except Exception as error:
                    return error

        return await asyncio.gather(*(value_or_error(flow) for flow in effect.flows))

    # The background refresh: a timer, and now and then a short task. Nothing runs in between.

    def _schedule_refresh(self) -> None:
        if self._closed or self._loop is None or self.core.router.view is None:
            return
        if self._timer is not None:
            self._timer.cancel()
        # Drawn around the interval, so that clients which started together do not refresh together.
        delay_s = self.core.options.refresh_interval_s * (0.75 + self.core.uniform() / 2)
        self._timer = self._loop.call_later(delay_s, self._refresh_now)

    def _refresh_soon(self) -> None:
        if self._closed or self.core.router.view is None:
            return
        self._notice_loop()
        assert self._loop is not None
        if self._refreshing is not None and not self._refreshing.done():
            return
        due = self._refreshed_at + _REFRESH_PAUSE_S * (0.5 + self.core.uniform() / 2)
        if self.core.clock() >= due:
            self._refresh_now()
        else:
            if self._timer is not None:
                self._timer.cancel()
            self._timer = self._loop.call_later(due - self.core.clock(), self._refresh_now)

    def _refresh_now(self) -> None:
        if self._closed or (self._refreshing is not None and not self._refreshing.done()):
            return
        self._refreshing = asyncio.ensure_future(self._refresh())

    async def _refresh(self) -> None:
        self._refreshed_at = self.core.clock()
        try:
            await self.run(load_topology(self.core, _REFRESH_TIMEOUT_S))
        except ClientClosed:
            return
        except Exception:
            # The user's token callback, or their transport: the next call will meet it and raise it to them.
            logger.warning("the topology could not be refreshed", exc_info=True)
        self._schedule_refresh()
