"""When a call is tried again, and after how long.

Pure decisions: the clock and the random source are handed in. Three limits hold at once: the number of retries, the
call's total deadline, and the *retry budget*, which all calls of a client share so that retries cannot multiply the
load of a cluster that is in trouble.

Waits are drawn with full jitter (uniform between 0 and an exponentially growing cap): many clients that failed together
then do not return together. See "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

from themis.errors import ConfigurationError

__all__ = ["RetryBudget", "RetryPolicy", "parse_retry_after"]


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often and how patiently one call is tried again.

    Args:
        retries_max: Retries after the first attempt. Following a 421 to the owner is not one.
        backoff_base_s: The first wait is drawn between 0 and this.
        backoff_max_s: No drawn wait is longer.
        attempt_timeout_s: One attempt may take this long (or what is left of the deadline), so that a node that hangs
            does not use up the whole call.
    """

    retries_max: int = 3
    backoff_base_s: float = 0.05
    backoff_max_s: float = 2.0
    attempt_timeout_s: float = 10.0

    def __post_init__(self) -> None:
        if self.retries_max < 0:
            raise ConfigurationError("max_retries is 0 or more")
        # Written so that NaN, which compares with nothing, is refused.
        if not (self.backoff_base_s >= 0 and self.backoff_max_s >= 0):
            raise ConfigurationError("waits between attempts are 0 seconds or more")
        if not self.attempt_timeout_s > 0:
            raise ConfigurationError("an attempt may take more than 0 seconds")

    def wait_s(self, retry: int, retry_after_s: float | None, random: Callable[[], float]) -> float:
        """The wait before retry number `retry` (from 1), never shorter than the server asked for."""
        # 2**retry would be astronomical for a generous retries_max; 32 doublings reach any cap.
        cap = min(self.backoff_max_s, self.backoff_base_s * 2.0 ** min(retry - 1, 32))
        drawn = random() * cap
        return drawn if retry_after_s is None else max(drawn, retry_after_s)


class RetryBudget:
    """Tokens that retries consume and calls earn.

    Every call earns `ratio` of a token, every retry costs one, and at most `reserve` are saved. With the defaults a
    client may retry freely while failures are rare, and about one call in five while they are not. Shared by threads.

    Args:
        ratio: What a call earns, in tokens.
        reserve: How many tokens are saved at most, and how many there are at first.
    """

    __slots__ = ("_lock", "_tokens", "ratio", "reserve")

    def __init__(self, ratio: float = 0.2, reserve: float = 20.0) -> None:
        if not (ratio >= 0 and reserve >= 0):
            raise ConfigurationError("a retry budget has no negative parts")
        self.ratio = ratio
        self.reserve = reserve
        self._tokens = reserve
        self._lock = threading.Lock()

    def earn(self) -> None:
        """A call begins."""
        # Unlocked on purpose while full: that is nearly always, and an outdated look costs a fifth of a token.
        if self._tokens < self.reserve:
            with self._lock:
                self._tokens = min(self.reserve, self._tokens + self.ratio)

    def spend(self) -> bool:
        """A retry wants to begin; False when there is nothing left to pay it with."""
        with self._lock:
            if self._tokens < 1.0:
                return False
            self._tokens -= 1.0
            return True

    @property
    def tokens(self) -> float:
        """What is saved."""
        return self._tokens


def parse_retry_after(value: str | None, now_s: float) -> float | None:
    """Seconds to wait from a Retry-After header (RFC 9110, 10.2.3): a number, or a date against `now_s` (Unix)."""
    if not value:
        return None
    text = value.strip()
    if text.isascii() and text.replace(".", "", 1).isdigit():
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    return max(0.0, moment.timestamp() - now_s)
