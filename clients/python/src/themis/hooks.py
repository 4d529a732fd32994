"""What a program may learn about the requests the SDK makes on its behalf.

A hook is any object with some of the methods of `Hooks`; subclass `Hooks` and override what interests you. Hooks run in
the calling thread or task, between the steps of a call: keep them short. A hook that raises is logged and otherwise
ignored: watching a call must not break it.

No fact holds a token, a header's value or a document.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Final, TypeVar

import msgspec

__all__ = ["Hooks", "RequestEnd", "RequestRetry", "RequestStart"]

logger: Final = logging.getLogger("themis")

_Fact = TypeVar("_Fact")


class RequestStart(msgspec.Struct, frozen=True):
    """A logical call begins.

    Attributes:
        operation: The operation's name in the API description, e.g. `getEntity`.
        method: The HTTP method.
        target: Path and query, percent-encoded.
        request_id: The same for all attempts of the call; servers log it.
        headers: Starts empty and may be filled, to carry a trace along (`traceparent`); names the SDK itself sends win.
    """

    operation: str
    method: str
    target: str
    request_id: str
    headers: dict[str, str]


class RequestRetry(msgspec.Struct, frozen=True):
    """An attempt did not answer the call, another one follows.

    Attributes:
        operation: The operation's name in the API description.
        request_id: The same for all attempts of the call.
        endpoint: The node that was asked.
        attempt: Which attempt it was, from 1.
        reason: An error code of the server, a failure kind of the transport (`connect`, `lost`, `timeout`), or
            `token_refresh`.
        status: The HTTP status; None when no answer came.
        wait_s: Seconds until the next attempt.
    """

    operation: str
    request_id: str
    endpoint: str
    attempt: int
    reason: str
    status: int | None
    wait_s: float


class RequestEnd(msgspec.Struct, frozen=True):
    """A logical call ended: with a status, or with an error (or both: an ApiError).

    Attributes:
        operation: The operation's name in the API description.
        request_id: The same for all attempts of the call.
        endpoint: The node that was asked last.
        attempts: How many requests were sent.
        status: The HTTP status of the last answer; None when none came.
        error: What the call raises; None if it does not.
        duration_s: Seconds from the call's begin, waits included.
    """

    operation: str
    request_id: str
    endpoint: str
    attempts: int
    status: int | None
    error: BaseException | None
    duration_s: float


class Hooks:
    """Override what interests you."""

    def on_request_start(self, start: RequestStart) -> None:
        """A logical call begins, before its first attempt."""

    def on_request_retry(self, retry: RequestRetry) -> None:
        """Another attempt follows."""

    def on_request_end(self, end: RequestEnd) -> None:
        """The call is over."""


class HookList:
    """All hooks of a client, behind one door that keeps their mistakes from the call."""

    __slots__ = ("_hooks",)

    def __init__(self, hooks: Sequence[Hooks]) -> None:
        self._hooks = tuple(hooks)

    def __bool__(self) -> bool:
        return bool(self._hooks)

    def start(self, fact: RequestStart) -> None:
        """Tell everyone that a call begins."""
        for hook in self._hooks:
            _tell(hook.on_request_start, fact)

    def retry(self, fact: RequestRetry) -> None:
        """Tell everyone that another attempt follows."""
        for hook in self._hooks:
            _tell(hook.on_request_retry, fact)

    def end(self, fact: RequestEnd) -> None:
        """Tell everyone that a call is over."""
        for hook in self._hooks:
            _tell(hook.on_request_end, fact)


def _tell(method: Callable[[_Fact], None], fact: _Fact) -> None:
    try:
        method(fact)
    except Exception:
        logger.exception("a hook failed in %s", getattr(method, "__qualname__", method))
