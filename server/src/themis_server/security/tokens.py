"""Join tokens: what an operator hands to a new machine so that it may ask to become a node of the cluster.

A token is 32 random bytes; the cluster keeps its SHA-256 and the time until which it is good. A hash without salt or
stretching is enough, because nobody can guess 256 random bits. Time is handed in, and nothing is stored here.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Iterable
from typing import Final

from msgspec import Struct

__all__ = ["TOKEN_PREFIX", "JoinToken", "make_token", "matching", "token_hash"]

TOKEN_PREFIX: Final = "themis-join-"
"""What every token begins with, so that one that leaked into a file or a log can be searched for."""

_TOKEN_BYTES: Final = 32
_TOKEN_LENGTH_MAX: Final = 128


class JoinToken(Struct, frozen=True, kw_only=True):
    """What the cluster keeps of a token: nothing that would let a reader of the metadata join."""

    sha256: str
    """Hash of the whole token in hex."""
    expires_ms: int
    """When it ends, milliseconds since 1970."""

    def expired(self, now_ms: int) -> bool:
        """Tell whether it has ended at `now_ms`."""
        return now_ms >= self.expires_ms


def make_token(*, now_ms: int, lifetime_s: float) -> tuple[str, JoinToken]:
    """Draw a token.

    Args:
        now_ms: the wall clock, milliseconds since 1970.
        lifetime_s: how long it is good, above 0.

    Returns the token, to be shown once, and what is kept of it.
    """
    if lifetime_s <= 0:
        raise ValueError(f"a token is good for some time, not for {lifetime_s} s")
    token = TOKEN_PREFIX + secrets.token_urlsafe(_TOKEN_BYTES)
    return token, JoinToken(sha256=token_hash(token), expires_ms=now_ms + round(lifetime_s * 1000))


def token_hash(token: str) -> str:
    """Return the SHA-256 of a token in hex."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def matching(token: str, kept: Iterable[JoinToken], now_ms: int) -> JoinToken | None:
    """Return the kept token that `token` is, if it has not ended; otherwise None.

    Takes the same time whichever it is, and whether there is one (over the same number of kept tokens). White space
    around `token` is dropped: it usually comes out of a file.
    """
    given = token.strip()
    well_formed = given.startswith(TOKEN_PREFIX) and len(given) <= _TOKEN_LENGTH_MAX
    digest = token_hash(given if well_formed else "")
    found = None
    for candidate in kept:
        if hmac.compare_digest(candidate.sha256.encode(), digest.encode()) and not candidate.expired(now_ms):
            found = candidate
    return found if well_formed else None
