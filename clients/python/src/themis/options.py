"""The options of a client, checked where they enter."""

from __future__ import annotations

import math
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

import msgspec

from themis.errors import ConfigurationError
from themis.hooks import Hooks
from themis.retry import RetryBudget, RetryPolicy
from themis.transport.message import Endpoint

__all__ = [
    "STRONG",
    "Consistency",
    "IdempotencyKey",
    "Options",
    "ReadOptions",
    "Token",
    "check_header_value",
    "check_name",
]

Consistency: TypeAlias = Literal["strong", "bounded", "eventual"]
"""How fresh a read must be: `strong` (the default), at most `max_lag_ms` behind (`bounded`), or whatever (`eventual`).
"""

Token: TypeAlias = str | Callable[[], str] | Callable[[], Awaitable[str]]
"""A bearer token, or what fetches one. A callback is asked once, and once more when the server answers 401."""

IdempotencyKey: TypeAlias = str | Literal[False] | None
"""A key of your own, False for none, None for what the client does by default (it makes one per call)."""

TIMEOUT_S_MAX: Final = 86_400.0
LAG_MS_MAX: Final = 3_600_000

_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,62}")
_VISIBLE: Final = re.compile(r"[!-~]+")


class ReadOptions(msgspec.Struct, frozen=True):
    """How fresh a read must be. Raises ConfigurationError for what does not go together."""

    consistency: Consistency | None = None
    max_lag_ms: int | None = None

    def __post_init__(self) -> None:
        if self.consistency not in (None, "strong", "bounded", "eventual"):
            raise ConfigurationError(f"consistency is strong, bounded or eventual, not {self.consistency!r}")
        if self.max_lag_ms is not None:
            if self.consistency != "bounded":
                raise ConfigurationError("max_lag_ms goes with consistency='bounded'")
            if not 0 <= self.max_lag_ms <= LAG_MS_MAX:
                raise ConfigurationError(f"max_lag_ms is 0 to {LAG_MS_MAX}, not {self.max_lag_ms}")

    def over(self, consistency: Consistency | None, max_lag_ms: int | None) -> ReadOptions:
        """What a call asks for, where these are the client's own."""
        wanted = self.consistency if consistency is None else consistency
        lag_ms = self.max_lag_ms if max_lag_ms is None and wanted == "bounded" else max_lag_ms
        return ReadOptions(wanted, lag_ms)

    @property
    def any_replica(self) -> bool:
        """Whether a lagging replica may answer; one that may not lag at all is the leader."""
        return self.consistency == "eventual" or (self.consistency == "bounded" and self.max_lag_ms != 0)

    def parameters(self) -> list[str]:
        """As query parameters."""
        found: list[str] = []
        if self.consistency is not None:
            found.append(f"consistency={self.consistency}")
        if self.max_lag_ms is not None:
            found.append(f"max_lag_ms={self.max_lag_ms}")
        return found

    def strengthened(self, target: str) -> str:
        """A target that ends in these parameters, as that of a strong read."""
        return target.removesuffix("&".join(self.parameters())) + "consistency=strong"


STRONG: Final = ReadOptions()
"""What a read is when nobody says otherwise."""


@dataclass(frozen=True, slots=True)
class Options:
    """What both clients are made from. `__post_init__` refuses what cannot work."""

    endpoints: tuple[Endpoint, ...]
    namespace: str
    timeout_s: float
    retry: RetryPolicy
    budget: RetryBudget
    hooks: Sequence[Hooks]
    token: Token | None = field(repr=False)
    idempotency_keys: bool
    refresh_interval_s: float
    user_agent: str
    parallel: int
    read: ReadOptions = STRONG
    datacenter: str | None = None
    rack: str | None = None
    sessions: bool = True

    def __post_init__(self) -> None:
        check_name(self.namespace, "namespace")
        check_timeout(self.timeout_s)
        if self.parallel < 1:
            raise ConfigurationError("parallel is 1 or more")
        if self.refresh_interval_s <= 0:
            raise ConfigurationError("refresh_interval is positive")
        check_header_value(self.user_agent, "user_agent")
        if self.datacenter is not None:
            check_name(self.datacenter, "datacenter")
        if self.rack is not None:
            check_name(self.rack, "rack")
            if self.datacenter is None:
                raise ConfigurationError("rack goes with datacenter")
        if isinstance(self.token, str):
            check_token(self.token)


def parse_endpoints(endpoints: Sequence[str]) -> tuple[Endpoint, ...]:
    """The endpoints as the user wrote them; raises ConfigurationError."""
    if isinstance(endpoints, str):
        raise ConfigurationError("endpoints is a list of URLs, such as ['http://127.0.0.1:8080']")
    if not endpoints:
        raise ConfigurationError("at least one endpoint is needed, such as 'http://127.0.0.1:8080'")
    try:
        return tuple(Endpoint.parse(endpoint) for endpoint in endpoints)
    except ValueError as error:
        raise ConfigurationError(str(error)) from None


def check_name(name: str, what: str) -> str:
    """A namespace or collection name, unchanged; raises ConfigurationError."""
    if not _NAME.fullmatch(name):
        raise ConfigurationError(
            f"{name!r} is no {what}: 1 to 63 letters, digits, _ . and -, the first not one of . and -"
        )
    return name


def check_timeout(timeout_s: float) -> float:
    """A time limit in seconds, unchanged; raises ConfigurationError."""
    if not 0 < timeout_s <= TIMEOUT_S_MAX or math.isnan(timeout_s):
        raise ConfigurationError(f"a timeout is more than 0 and at most {TIMEOUT_S_MAX:.0f} seconds, not {timeout_s}")
    return timeout_s


def check_token(token: str) -> str:
    """A bearer token, unchanged; raises ConfigurationError, which does not repeat it."""
    if not _VISIBLE.fullmatch(token):
        raise ConfigurationError("a token is one or more visible ASCII characters")
    return token


def check_header_value(value: str, what: str) -> str:
    """What goes into a header, unchanged; raises ConfigurationError."""
    if not value or not value.isascii() or not value.isprintable():
        raise ConfigurationError(f"{what} is printable ASCII")
    return value


def check_idempotency_key(key: str) -> str:
    """An idempotency key, unchanged; raises ConfigurationError."""
    if len(key) > 255 or not _VISIBLE.fullmatch(key):
        raise ConfigurationError("an idempotency key is 1 to 255 visible ASCII characters")
    return key
