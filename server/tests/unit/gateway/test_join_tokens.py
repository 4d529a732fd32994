"""Join tokens from their making to their end."""

from __future__ import annotations

import json

import pytest

from server.tests.unit.clustered import FakeStore
from server.tests.unit.inprocess import refused
from themis_server.clock import ManualClock
from themis_server.errors import ErrorCode
from themis_server.gateway import join_tokens
from themis_server.gateway.join_tokens import JoinTokens


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def store() -> FakeStore:
    return FakeStore()


@pytest.fixture
def tokens(store: FakeStore, clock: ManualClock) -> JoinTokens:
    return JoinTokens(store, clock)  # type: ignore[arg-type]  # watches and leases are not needed


async def test_a_token_is_good_until_it_expires(tokens: JoinTokens, clock: ManualClock) -> None:
    made = await tokens.create(60)

    await tokens.check(made.secret)
    clock.advance(60)

    await refused(tokens.check(made.secret), ErrorCode.JOIN_TOKEN_INVALID)
    assert await tokens.live() == []


async def test_a_token_is_good_for_a_day_by_default(tokens: JoinTokens, clock: ManualClock) -> None:
    made = await tokens.create()

    assert made.kept.expires_ms - clock.unix_ms() == 86_400_000


async def test_a_revoked_token_is_good_no_more(tokens: JoinTokens) -> None:
    made, other = await tokens.create(60), await tokens.create(60)

    await tokens.revoke(made.kept.token_id)

    await refused(tokens.check(made.secret), ErrorCode.JOIN_TOKEN_INVALID)
    await refused(tokens.revoke(made.kept.token_id), ErrorCode.JOIN_TOKEN_NOT_FOUND)
    await tokens.check(other.secret)


async def test_the_secret_is_nowhere_in_the_store(tokens: JoinTokens, store: FakeStore) -> None:
    made = await tokens.create(60, "rack 4")

    stored = b"".join(value.data for value in store.values.values())
    assert made.secret.removeprefix("themis-join-").encode() not in stored
    assert json.loads(stored)["description"] == "rack 4"


@pytest.mark.parametrize("secret", ["", "themis-join-", "themis-join-" + "A" * 43, "x" * 10_000, "\ud800"])
async def test_what_is_no_token_is_refused(tokens: JoinTokens, secret: str) -> None:
    await tokens.create(60)

    await refused(tokens.check(secret), ErrorCode.JOIN_TOKEN_INVALID)


async def test_the_oldest_comes_first(tokens: JoinTokens, clock: ManualClock) -> None:
    made = []
    for _ in range(3):
        made.append((await tokens.create(60)).kept)
        clock.advance(1)

    assert await tokens.live() == made


async def test_those_that_expired_are_cleared_away(tokens: JoinTokens, store: FakeStore, clock: ManualClock) -> None:
    await tokens.create(60)
    clock.advance(61)
    await tokens.create(60)

    assert len(store.values) == 1


async def test_there_is_an_end_to_them(tokens: JoinTokens, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(join_tokens, "TOKENS_MAX", 2)
    await tokens.create(60)
    await tokens.create(60)

    await refused(tokens.create(60), ErrorCode.TOO_MANY_REQUESTS)
