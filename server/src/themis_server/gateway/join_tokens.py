"""Join tokens: made, listed, revoked, and checked when a node wants to join.

What is stored lets nobody join: a hash, and until when it is good. A token that has expired counts as gone at once and
is cleared away when the next one is made.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import msgspec

from themis_server.clock import Clock
from themis_server.errors import ErrorCode, ThemisServerError
from themis_server.metadata.store import Delete, MetadataStore, Put
from themis_server.security.tokens import JoinToken, make_token, matching

PREFIX: Final = "/join-tokens/"
TOKENS_MAX: Final = 1000
TTL_S: Final = 86_400
"""How long a token is good if nothing else is asked for: a day."""
_ID_DIGITS: Final = 8


class StoredToken(msgspec.Struct, frozen=True):
    """What is kept of a token. Times are milliseconds since 1970."""

    token_id: str
    sha256: str
    expires_ms: int
    created_ms: int
    description: str = ""


class MadeToken(NamedTuple):
    """A new token: the secret, which is told once, and what is kept of it."""

    secret: str
    kept: StoredToken


_encode = msgspec.json.Encoder().encode
_decoder = msgspec.json.Decoder(StoredToken)


class JoinTokens:
    """The join tokens of the cluster, in its metadata."""

    def __init__(self, store: MetadataStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def create(self, ttl_s: int | None = None, description: str = "") -> MadeToken:
        """Make a token.

        Args:
            ttl_s: for how many seconds it is good; None: a day.
            description: what it is for.

        Raises:
            ThemisServerError: too_many_requests, if there are 1000 already; what the store raises.
        """
        now_ms = self._clock.unix_ms()
        secret, token = make_token(now_ms=now_ms, lifetime_s=TTL_S if ttl_s is None else ttl_s)
        kept = StoredToken(token.sha256[:_ID_DIGITS], token.sha256, token.expires_ms, now_ms, description)
        known = await self._all()
        live = [other for other in known if other.expires_ms > now_ms]
        if len(live) >= TOKENS_MAX:
            raise ThemisServerError(
                ErrorCode.TOO_MANY_REQUESTS,
                f"there are {len(live)} join tokens; revoke those that are not needed",
                limit=TOKENS_MAX,
            )
        gone = [Delete(PREFIX + other.token_id) for other in known if other.expires_ms <= now_ms]
        key = PREFIX + kept.token_id
        if await self._store.transaction({key: 0}, [Put(key, _encode(kept)), *gone]) is None:
            # One in four billion, or a token of that id that has expired: draw again.
            return await self.create(ttl_s, description)
        return MadeToken(secret, kept)

    async def live(self) -> list[StoredToken]:
        """Return the tokens that are good now, the oldest first."""
        now_ms = self._clock.unix_ms()
        live = [token for token in await self._all() if token.expires_ms > now_ms]
        return sorted(live, key=lambda token: (token.created_ms, token.token_id))

    async def revoke(self, token_id: str) -> None:
        """End a token before its time; raises join_token_not_found."""
        known = await self._store.get(PREFIX + token_id)
        if known is None or _decoder.decode(known.data).expires_ms <= self._clock.unix_ms():
            raise _not_found(token_id)
        if await self._store.transaction({PREFIX + token_id: known.revision}, [Delete(PREFIX + token_id)]) is None:
            raise _not_found(token_id)

    async def check(self, secret: str) -> None:
        """Return if a node that shows `secret` may join; raises join_token_invalid, and what the store raises."""
        now_ms = self._clock.unix_ms()
        kept = [JoinToken(sha256=token.sha256, expires_ms=token.expires_ms) for token in await self._all()]
        if matching(secret, kept, now_ms) is None:
            # Which of the reasons it is, is not told: who guesses must not learn that a token once was good.
            raise ThemisServerError(
                ErrorCode.JOIN_TOKEN_INVALID,
                "the join token is not one of this cluster, has expired or was revoked; make a new one",
            )

    async def _all(self) -> list[StoredToken]:
        listing = await self._store.list(PREFIX)
        return [_decoder.decode(value.data) for value in listing.values.values()]


def _not_found(token_id: str) -> ThemisServerError:
    return ThemisServerError(ErrorCode.JOIN_TOKEN_NOT_FOUND, f"there is no join token {token_id!r}")
