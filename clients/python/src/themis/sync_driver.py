"""Carries out effects by blocking: the driver behind `ThemisClient`."""

from __future__ import annotations

import inspect
import os
import threading
import time
import weakref
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, TypeVar

from themis.core import Core, load_topology
from themis.errors import ClientClosed, ConfigurationError
from themis.flow import Effect, FetchToken, Flow, Gather, LoadTopology, Send, Sleep
from themis.hooks import logger
from themis.options import check_token
from themis.transport.message import Transport

__all__ = ["SyncDriver"]

_REFRESH_TIMEOUT_S: Final = 5.0
_REFRESH_PAUSE_S: Final = 1.0

_T = TypeVar("_T")


class SyncDriver:
    """Runs flows in the calling thread. Threads share one driver."""

    def __init__(self, core: Core, transport: Transport) -> None:
        self.core = core
        self._transport = transport
        self._loading = threading.Lock()
        self._token_lock = threading.Lock()
        self._start_lock = threading.Lock()
        self._pool: ThreadPoolExecutor | None = None
        self._pool_pid = os.getpid()
        self._refresher: _Refresher | None = None
        self._closed = False
        core.refresh_wanted = self._wake_refresher

    def run(self, flow: Flow[_T]) -> _T:
        """Drive a flow to its end; returns its value or raises what it raises."""
        if self._closed:
            flow.close()
            raise ClientClosed("the client is closed")
        try:
            effect = next(flow)
            while True:
                failure: Exception | None = None
                result = None
                try:
                    result = self._carry_out(effect)
                except Exception as error:
                    failure = error
                # Outside of the except clause, so that what the flow raises has its own context and not this one.
                effect = flow.send(result) if failure is None else flow.throw(failure)
        except StopIteration as stop:
            value: _T = stop.value
            return value
        finally:
            # After KeyboardInterrupt the flow still has its end to report to the hooks.
            flow.close()

    def close(self) -> None:
        """Stop the background refresh and close the connections. Calls in progress fail."""
        self._closed = True
        if self._refresher is not None:
            self._refresher.stop()
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)
        self._transport.close()

    def _carry_out(self, effect: Effect) -> Any:
        if isinstance(effect, Send):
            return self._transport.send(effect.request, effect.timeout_s)
        if isinstance(effect, Sleep):
            return time.sleep(effect.seconds)
        if isinstance(effect, LoadTopology):
            return self._load_topology(effect.timeout_s)
        if isinstance(effect, FetchToken):
            return self._fetch_token(effect.stale)
        return self._gather(effect)

    def _load_topology(self, timeout_s: float) -> None:
        """One thread loads; those that come meanwhile wait for it and find it done."""
        deadline = self.core.clock() + timeout_s
        before = self.core.router.view
        if not self._loading.acquire(timeout=max(timeout_s, 0.0)):
            return
        try:
            router = self.core.router
            if router.wants_topology or (router.view is not None and router.view is before):
                self.run(load_topology(self.core, deadline - self.core.clock()))
        except Exception:
            # The user's token callback, or their transport: the request itself will meet it and raise it to them.
            self.core.router.load_failed()
            logger.warning("the topology could not be loaded", exc_info=True)
        finally:
            self._loading.release()
        self._start_refresher()

    def _fetch_token(self, stale: str | None) -> str:
        fetch = self.core.options.token
        with self._token_lock:
            current = self.core.token
            if current is not None and current != stale:
                # Another thread has fetched a new one while we waited.
                return current
            token = fetch() if callable(fetch) else fetch
            if inspect.isawaitable(token):
                if inspect.iscoroutine(token):
                    token.close()
                raise ConfigurationError("an async token callback needs AsyncThemisClient")
            if not isinstance(token, str):
                raise ConfigurationError("the token callback did not return a string")
            return check_token(token)

    def _gather(self, effect: Gather) -> Sequence[Any]:
        flows = effect.flows
        if len(flows) == 1 or effect.parallel == 1:
            return [self._value_or_error(flow) for flow in flows]
        return list(self._workers(effect.parallel).map(self._value_or_error, flows))

    def _workers(self, parallel: int) -> ThreadPoolExecutor:
        with self._start_lock:
            # Threads do not survive a fork: the child makes its own.
            if self._pool is None or self._pool_pid != os.getpid():
                self._pool = ThreadPoolExecutor(parallel, thread_name_prefix="themis-batch")
                self._pool_pid = os.getpid()
            return self._pool

    def _value_or_error(self, flow: Flow[Any]) -> Any:
        try:
            return self.run(flow)
        except Exception as error:
            return error

    def _start_refresher(self) -> None:
        refresher = self._refresher
        if self.core.router.view is None or self._closed or (refresher is not None and refresher.runs_here):
            return
        with self._start_lock:
            refresher = self._refresher
            if refresher is None or not refresher.runs_here:
                self._refresher = _Refresher(self)

    def _wake_refresher(self) -> None:
        refresher = self._refresher
        if refresher is None or not refresher.runs_here:
            self._start_refresher()
            refresher = self._refresher
        if refresher is not None:
            refresher.wake()


class _Refresher:
    """A daemon thread that refreshes the topology now and then, and soon after it was woken.

    It holds its driver weakly: a client that is forgotten without being closed takes its thread along.
    """

    def __init__(self, driver: SyncDriver) -> None:
        self._driver = weakref.ref(driver)
        self._interval_s = driver.core.options.refresh_interval_s
        self._uniform = driver.core.uniform
        self._woken = threading.Event()
        self._stopped = threading.Event()
        self._pid = os.getpid()
        threading.Thread(target=self._work, name="themis-topology", daemon=True).start()

    @property
    def runs_here(self) -> bool:
        """Threads do not survive a fork."""
        return self._pid == os.getpid()

    def wake(self) -> None:
        """Refresh soon."""
        self._woken.set()

    def stop(self) -> None:
        """End the thread."""
        self._stopped.set()
        self._woken.set()

    def _work(self) -> None:
        while not self._stopped.is_set():
            # Drawn around the interval, so that clients which started together do not refresh together.
            self._woken.wait(self._interval_s * (0.75 + self._uniform() / 2))
            self._woken.clear()
            driver = self._driver()
            if driver is None or self._stopped.is_set():
                return
            try:
                driver.run(load_topology(driver.core, _REFRESH_TIMEOUT_S))
            except ClientClosed:
                return
            except Exception:
                # The user's token callback, or their transport: the next call will meet it and raise it to them.
                logger.warning("the topology could not be refreshed", exc_info=True)
            del driver
            self._stopped.wait(_REFRESH_PAUSE_S * (0.5 + self._uniform() / 2))
