"""The sans-IO way of this SDK: logic as generators, I/O as what they yield.

A *flow* is a generator that yields an *effect* whenever it needs the world (send this, wait so long) and is resumed
with the effect's result, or with the exception it ended in. All logic of the SDK is written once as flows;
`ThemisClient` and `AsyncThemisClient` differ only in the driver that carries the effects out. Tests drive flows with a
script and without sockets.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, TypeAlias, TypeVar

import msgspec

from themis.transport.message import Request

__all__ = ["Effect", "FetchToken", "Flow", "Gather", "LoadTopology", "Send", "Sleep"]

_T = TypeVar("_T")


class Send(msgspec.Struct, frozen=True):
    """Carry out one exchange. Result: `Response`. Raises `TransportFailure`."""

    request: Request
    timeout_s: float


class Sleep(msgspec.Struct, frozen=True):
    """Wait. Result: None."""

    seconds: float


class LoadTopology(msgspec.Struct, frozen=True):
    """See to it that a load of the topology has been tried; concurrent ones are one. Result: None."""

    timeout_s: float


class FetchToken(msgspec.Struct, frozen=True):
    """Ask the user's token callback. `stale` is the token that was refused, None at first.

    Result: str, or None when there was none in time (which only an async callback can be held to).
    """

    stale: str | None
    timeout_s: float


class Gather(msgspec.Struct, frozen=True):
    """Run flows side by side, at most `parallel` at once. Result: a list of their values or exceptions, in order."""

    flows: list[Flow[Any]]
    parallel: int


Effect: TypeAlias = Send | Sleep | LoadTopology | FetchToken | Gather
Flow: TypeAlias = Generator[Effect, Any, _T]
